"""Listening to Argo CD: what moves there wakes the changes that wait for it. Only a hint; the poll stays.

Its watch tells of moves, and so do its notifications, where they are set up; both are one hint.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.domain.pipeline import Stage
from bot.ports import Argocd, Clock, ConfigurationInForce
from bot.ports_store import Conflict, Store, StoreUnavailable
from bot.tasks import TaskSet
from bot.wake import Bells

log = structlog.get_logger(__name__)

LISTENING = frozenset({State.MERGED, State.WAITING_FOR_SYNC})
"""States that wait for Argo CD for longer than a moment; the others look every second anyway."""
APART = timedelta(seconds=1)


class Watching:
    """One watch per Argo CD instance. `moved` is told which stages may have moved."""

    def __init__(
        self, store: Store, argocd: Mapping[str, Argocd], source: ConfigurationInForce, clock: Clock, bells: Bells,
        *, moved: Callable[[Sequence[Stage]], None] = lambda stages: None,
    ) -> None:  # fmt: skip
        self._store, self._argocd, self._source, self._clock, self._bells = store, argocd, source, clock, bells
        self._moved = moved
        self._woken: dict[ChangeId, datetime] = {}
        self._watched: dict[str, tuple[Argocd, TaskSet]] = {}

    async def follow(self) -> None:
        """Watch what the configuration names now: a new instance, and one that replaces another, gets a new watch."""
        for name, client in self._argocd.items():
            known = self._watched.get(name)
            if known is not None and known[0] is client:
                continue
            if known is not None:
                await known[1].close()
            tasks = TaskSet(f"watch.{name}")
            tasks.start(self._watch(name, client), name="stream")
            self._watched[name] = (client, tasks)

    async def close(self) -> None:
        for _, tasks in self._watched.values():
            await tasks.close()

    async def heard(self, instance: str, application: str, namespace: str) -> int | None:
        """A notification of that Argo CD Application came; answers how many changes were woken, None where it is none
        of ours. Committed when this returns. Raises `StoreUnavailable`."""
        stages = [
            stage for stage in self._stages(instance)
            if (stage.argocd.name, stage.argocd.namespace) == (application, namespace)
        ]  # fmt: skip
        if not stages:
            return None
        self._moved(stages)
        return await self._wake(stages)

    async def _watch(self, name: str, client: Argocd) -> None:
        async for moved in client.watch():
            stages = [
                stage for stage in self._stages(name)
                if moved is None or (stage.argocd.name, stage.argocd.namespace) == (moved.name, moved.namespace)
            ]  # fmt: skip
            try:
                if self._store.leads:  # every replica watches, and one is enough to ask
                    self._moved(stages)
                await self._wake(stages)
            except StoreUnavailable as error:  # only a hint is lost
                log.warning("watch.no_database", instance=name, reason=error.reason)
            except Exception:  # nothing starts a watch again that has ended
                log.exception("watch.crashed", instance=name)

    def _stages(self, instance: str) -> list[Stage]:
        return [stage for stage in self._source.current.stages() if stage.argocd.instance == instance]

    async def _wake(self, stages: Sequence[Stage]) -> int:
        """Make the open changes of these stages due; answers how many are looked at because of it."""
        woken = 0
        for stage in stages:
            async with self._store.reading() as tx:
                change = await tx.changes.find_open(stage.application, stage.environment)
            if change is not None and change.state in LISTENING:
                woken += await self._wake_change(change)
        return woken

    async def _wake_change(self, change: Change) -> bool:
        """Look at it now, at most once a second: our own refresh moves the Application too, and is told as well."""
        now = self._clock.now()
        at = max(now, self._woken.get(change.id, now - APART) + APART)
        if change.due_at is not None and change.due_at <= at:
            return False
        self._woken[change.id] = at
        try:
            async with self._store.writing() as tx:
                await tx.changes.make_due(change.id, at)
        except Conflict:
            return False  # somebody is at it this moment
        self._bells.changes.ring()
        return True
