"""Once a day: what was recorded or shown long ago is removed, and mirrors of many small packs are packed anew.

Only what serves no more: the audit keeps what happened, changes and approvals stay.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.ports import Clock, Git, OutsideError
from bot.ports_forgetting import Forget
from bot.ports_store import Store, StoreUnavailable, Transaction

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""A delivery that comes again within it is known; Slack delivers again for hours, not days."""
KEPT_ALERTS = timedelta(days=90)
"""Of groups that are over, from when they opened: digests look back for a month at most."""
FIRST_SECONDS, EVERY_SECONDS = 600.0, 24 * 3600.0
"""After the start, and from then on."""
PAGE = 500
PAUSE_SECONDS = 0.05


class Tidying:
    """`run` tidies until it is cancelled: rows where it falls to this process, its own mirrors everywhere."""

    def __init__(self, store: Store, git: Mapping[str, Git], clock: Clock) -> None:
        self._store, self._git, self._clock = store, git, clock

    async def run(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            await self.tidy()
            await asyncio.sleep(EVERY_SECONDS)

    async def tidy(self) -> None:
        """Once. What gives no answer is left until the next time."""
        if self._store.leads:
            try:
                await self._forget(self._clock.now())
            except StoreUnavailable as error:
                log.warning("tidying.no_database", reason=error.reason)
        for name, git in list(self._git.items()):
            try:
                if await git.repack():
                    log.info("tidying.repacked", repository=name)
            except OutsideError as error:
                log.warning("tidying.not_repacked", repository=name, reason=str(error))

    async def _forget(self, now: datetime) -> None:
        before, alerts_before = now - KEPT, now - KEPT_ALERTS
        inbound = await self._all_pages(lambda tx: tx.inbound.forget, before)
        outbox = await self._all_pages(lambda tx: tx.outbox.forget, before)
        intake = await self._all_pages(lambda tx: tx.intake.forget, before)
        groups = await self._all_pages(lambda tx: tx.alerts.forget, alerts_before)
        storms = await self._all_pages(lambda tx: tx.storms.forget, alerts_before)
        log.info(
            "tidying.forgotten", before=before.isoformat(), inbound=inbound, outbox=outbox, alert_intake=intake,
            alert_groups=groups, alert_storms=storms,
        )  # fmt: skip

    async def _all_pages(self, rows: Callable[[Transaction], Forget], before: datetime) -> int:
        removed = 0
        last: str | int | None = None
        while True:
            async with self._store.writing() as tx:
                page = await rows(tx)(before, after=last, limit=PAGE)
            removed, last = removed + page.removed, page.last
            if last is None:
                return removed
            await asyncio.sleep(PAUSE_SECONDS)  # others write in between
