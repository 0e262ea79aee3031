"""Reading `tiphys.yaml` again when it changed: a broken one keeps the old in force and is told in the admin channel."""

import hashlib
from datetime import datetime, timedelta

import structlog

from bot.adapters import Adapters
from bot.config.source import ConfigurationSource
from bot.domain.text import Code, Text
from bot.ports import Clock
from bot.ports_store import Store, StoreUnavailable
from bot.redaction import Redaction
from bot.services.watching import Watching
from bot.wake import Bells

log = structlog.get_logger(__name__)

MOST_PROBLEMS = 5
AGAIN = timedelta(seconds=30)
"""While something is wrong an unchanged file is read again after this: what it refers to may have been mended."""


class Reloading:
    """`look` is called every few seconds; it does nothing while the file's content is the same and all is well."""

    def __init__(
        self, source: ConfigurationSource, adapters: Adapters, watching: Watching, redaction: Redaction, store: Store,
        clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._source, self._adapters, self._watching = source, adapters, watching
        self._redaction, self._store, self._clock, self._bells = redaction, store, clock, bells
        self._seen = self._digest()
        self._again_at: datetime | None = None
        self._told: tuple[str, list[str]] | None = None

    async def look(self) -> None:
        digest, now = self._digest(), self._clock.now()
        if digest == self._seen and (self._again_at is None or now < self._again_at):
            return
        self._seen, self._again_at = digest, now + AGAIN  # also where what follows fails
        problems = [str(problem) for problem in self._source.reload()]
        if problems:
            await self._refuse(digest, problems)
            return
        configuration = self._source.current
        self._redaction.add(*self._source.secrets())
        await self._adapters.follow(configuration)
        await self._watching.follow()
        self._bells.ring_all()
        self._again_at = self._told = None
        log.info("configuration.reloaded", stages=len(configuration.stages()))

    async def _refuse(self, digest: str, problems: list[str]) -> None:
        """Once for each file and its problems; a database that is away is told of them when it is back."""
        if self._told == (digest, problems):
            return
        log.warning("configuration.refused", problems=problems)
        try:
            await self._tell(digest, problems)
        except StoreUnavailable as error:
            log.warning("configuration.not_told", reason=error.reason)
        else:
            self._told = (digest, problems)

    async def _tell(self, digest: str, problems: list[str]) -> None:
        channel = self._source.current.slack.admin_channel
        if channel is None:
            return
        shown = [Text.of("\n", Code(problem[:300])) for problem in problems[:MOST_PROBLEMS]]
        rest = f"\nand {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        words = "tiphys.yaml changed and cannot be used; the configuration before it stays in force."
        async with self._store.writing() as tx:
            # To the minute: every replica reads its file by itself, and one notice is enough.
            what = hashlib.sha256("\n".join([digest, *problems]).encode()).hexdigest()
            key = f"configuration:{what[:24]}:{self._clock.now():%Y%m%d%H%M}"
            await tx.outbox.notice(key, channel, Text.of(words, *shown, rest), now=self._clock.now())
        self._bells.outbox.ring()

    def _digest(self) -> str:
        try:
            return hashlib.sha256(self._source.file.read_bytes()).hexdigest()
        except OSError as error:
            return f"unreadable: {error.strerror}"
