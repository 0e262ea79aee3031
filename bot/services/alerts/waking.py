"""News of alerts wake the changes that they stand in the way of, or no longer do. Only a hint: each looks by itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts.group import AlertGroup
from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration
from bot.ports import Clock, ConfigurationInForce
from bot.ports_store import Conflict, Store, StoreUnavailable
from bot.services.alerts.firing import FiringNow
from bot.services.alerts.tying import sure_tie
from bot.wake import Bell, Bells

log = structlog.get_logger(__name__)

APART = timedelta(seconds=2)
"""Long enough for a look, or for a click's: each that is under way begins anew when the change is woken."""
IDLE_SECONDS = 60.0
GATED = frozenset({State.WAITING_FOR_APPROVAL, State.WAITING_FOR_CHECKS})
"""States in which a promotion's gates are shown, or decide."""


class Waking:
    """Each change is woken at once, and then at most every two seconds; `run` wakes those that had to wait for it."""

    def __init__(
        self, store: Store, firing: FiringNow, source: ConfigurationInForce, clock: Clock, bells: Bells
    ) -> None:
        self._store, self._firing, self._source, self._clock, self._bells = store, firing, source, clock, bells
        self._woken: dict[ChangeId, datetime] = {}
        self._waiting: dict[ChangeId, datetime] = {}
        self._bell = Bell()

    async def run(self) -> None:
        while True:
            nap = IDLE_SECONDS
            try:
                nap = await self.sweep()
            except StoreUnavailable as error:  # only a hint is lost
                log.warning("waking.no_database", reason=error.reason)
            except Exception:
                log.exception("waking.crashed")
            await self._bell.wait(nap)

    async def wake(self, groups: Iterable[AlertGroup]) -> None:
        """These groups were written, and their alerts are not what they were."""
        configuration = self._source.current
        places = {place for group in groups for place in _places(group, configuration)}
        if not places:
            return
        self._firing.forget()
        now = self._clock.now()
        try:
            async with self._store.reading() as tx:
                changes = [change for change in await tx.changes.list_open() if _waits(change, places)]
            for change in changes:
                if change.due_at is None or not now < change.due_at <= now + APART:  # then a look begins by itself
                    self._waiting.setdefault(change.id, self._woken.get(change.id, now - APART) + APART)
            await self.sweep()
            self._bell.ring()
        except StoreUnavailable as error:  # only a hint is lost
            log.warning("waking.no_database", reason=error.reason)

    async def sweep(self) -> float:
        """Wake those whose time has come; answers the seconds until the next one's does. Raises `StoreUnavailable`."""
        now = self._clock.now()
        self._woken = {change: at for change, at in self._woken.items() if now - at < APART}
        for change in [change for change, at in self._waiting.items() if at <= now]:
            if self._waiting.pop(change, None) is not None:  # else somebody else has woken it meanwhile
                self._woken[change] = now
                await self._wake(change, now)
        soonest = min(self._waiting.values(), default=None)
        return IDLE_SECONDS if soonest is None else max((soonest - self._clock.now()).total_seconds(), 0.05)

    async def _wake(self, change: ChangeId, now: datetime) -> None:
        """Whoever looks at it this moment looks again: the row's version moves."""
        try:
            async with self._store.writing() as tx:
                await tx.changes.make_due(change, now)
        except Conflict:
            return
        self._bells.changes.ring()


def _places(group: AlertGroup, configuration: Configuration) -> set[tuple[str, str]]:
    if group.tie is not None and group.tie.environment is not None and not group.tie.is_guess:
        return {(group.tie.application, group.tie.environment)}
    ties = [sure_tie(alert, configuration) for alert in group.alerts]
    return {(tie.application, tie.environment) for tie in ties if tie is not None and tie.environment is not None}


def _waits(change: Change, places: set[tuple[str, str]]) -> bool:
    """It soaks there, or is to be promoted from there."""
    if change.state is State.VERIFYING:
        return (change.application, change.environment) in places
    return change.state in GATED and (change.application, change.source_environment) in places
