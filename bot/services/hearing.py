"""Hearing from a forge that something moved in a repository: its open changes are looked at now. Only a hint; the poll
stays, and what is looked at is asked of the forge itself.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.pipeline import Stage
from bot.ports import Clock, ConfigurationInForce
from bot.ports_store import Conflict, Store, StoreUnavailable
from bot.tasks import TaskSet
from bot.wake import Bells

log = structlog.get_logger(__name__)

APART = timedelta(seconds=1)
"""One push is told in several ways, and what we do ourselves is told too."""


class Hearing:
    """`heard` may be called as often as anybody likes: each change is woken at most once a second."""

    def __init__(self, store: Store, source: ConfigurationInForce, clock: Clock, bells: Bells) -> None:
        self._store, self._source, self._clock, self._bells = store, source, clock, bells
        self._woken: dict[ChangeId, datetime] = {}
        self._again: set[str] = set()
        self._tasks = TaskSet("hearing")

    async def close(self) -> None:
        await self._tasks.close()

    async def heard(self, repository: str) -> int | None:
        """Something moved in the repository (`owner/name`); answers how many changes were woken, None where it is
        none of ours. Committed when this returns. Raises `StoreUnavailable`.

        A change that is due already may be looked at this very moment, from before the move: for its sake all are
        woken once more a little later.
        """
        stages = self._stages(repository.lower())
        if not stages:
            return None
        self._bells.pulls.ring()
        woken, is_busy = await self._wake(stages)
        name = repository.lower()
        if is_busy and name not in self._again:
            self._again.add(name)
            self._tasks.start(self._wake_again(name), name="again")
        return woken

    def _stages(self, repository: str) -> list[Stage]:
        configuration = self._source.current
        return [
            stage
            for stage in configuration.stages()
            if configuration.repository_of(stage.application).github.lower() == repository
        ]

    async def _wake_again(self, repository: str) -> None:
        await asyncio.sleep(APART.total_seconds())
        self._again.discard(repository)
        try:
            await self._wake(self._stages(repository))
        except StoreUnavailable as error:  # only a hint is lost
            log.warning("hearing.no_database", repository=repository, reason=error.reason)

    async def _wake(self, stages: list[Stage]) -> tuple[int, bool]:
        """How many were woken, and whether some were due already."""
        now = self._clock.now()
        self._woken = {change: at for change, at in self._woken.items() if now - at < APART}
        async with self._store.reading() as tx:
            found = [await tx.changes.find_open(stage.application, stage.environment) for stage in stages]
        outcomes = [await self._wake_change(change, now) for change in found if change is not None]
        if any(outcomes):
            self._bells.changes.ring()
        return outcomes.count(True), None in outcomes

    async def _wake_change(self, change: Change, now: datetime) -> bool | None:
        """Whether it is looked at because of us; None where it may be looked at this moment."""
        at = max(now, self._woken.get(change.id, now - APART) + APART)
        if change.due_at is not None and change.due_at <= at:
            return None if change.due_at <= now else False
        self._woken[change.id] = at
        try:
            async with self._store.writing() as tx:
                await tx.changes.make_due(change.id, at)
        except Conflict:
            return None
        return True
