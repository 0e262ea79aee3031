"""Reading `tiphys.yaml` again when it changed: a broken one keeps the old in force and is told in the admin channel."""

import hashlib

import structlog

from bot.adapters import Adapters
from bot.config.source import ConfigurationSource
from bot.domain.text import Code, Text
from bot.ports import Clock
from bot.ports_store import Store
from bot.redaction import Redaction
from bot.services.watching import Watching
from bot.wake import Bells

log = structlog.get_logger(__name__)

MOST_PROBLEMS = 5


class Reloading:
    """`look` is called every few seconds; it does nothing while the file's content is the same."""

    def __init__(
        self, source: ConfigurationSource, adapters: Adapters, watching: Watching, redaction: Redaction, store: Store,
        clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._source, self._adapters, self._watching = source, adapters, watching
        self._redaction, self._store, self._clock, self._bells = redaction, store, clock, bells
        self._seen = self._digest()

    async def look(self) -> None:
        digest = self._digest()
        if digest == self._seen:
            return
        self._seen = digest
        problems = self._source.reload()
        if problems:
            log.warning("configuration.refused", problems=[str(problem) for problem in problems])
            await self._tell(digest, [str(problem) for problem in problems])
            return
        configuration = self._source.current
        self._redaction.add(*self._source.secrets())
        await self._adapters.follow(configuration)
        await self._watching.follow()
        self._bells.ring_all()
        log.info("configuration.reloaded", stages=len(configuration.stages()))

    async def _tell(self, digest: str, problems: list[str]) -> None:
        channel = self._source.current.slack.admin_channel
        if channel is None:
            return
        shown = [Text.of("\n", Code(problem[:300])) for problem in problems[:MOST_PROBLEMS]]
        rest = f"\nand {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        words = "tiphys.yaml changed and cannot be used; the configuration before it stays in force."
        async with self._store.writing() as tx:
            # To the minute: every replica reads its file by itself, and one notice is enough.
            key = f"configuration:{digest[:24]}:{self._clock.now():%Y%m%d%H%M}"
            await tx.outbox.notice(key, channel, Text.of(words, *shown, rest), now=self._clock.now())
        self._bells.outbox.ring()

    def _digest(self) -> str:
        try:
            return hashlib.sha256(self._source.file.read_bytes()).hexdigest()
        except OSError as error:
            return f"unreadable: {error.strerror}"
