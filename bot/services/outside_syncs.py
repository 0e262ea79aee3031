"""Telling of syncs that went past Tiphys: whoever hears first that an Application moved, each is told of once."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.domain.identity import ChangeId, ChannelId, is_change_id
from bot.domain.live import Operation
from bot.domain.outside_sync import FOLLOWS_WITHIN, Standing, judge, outside_text
from bot.domain.pipeline import Stage
from bot.ports import Argocd, Clock, ConfigurationInForce, OutsideError, Unavailable
from bot.ports_store import Store, StoreUnavailable
from bot.services.messages import OPERATION_INFO
from bot.wake import Bell, Bells

log = structlog.get_logger(__name__)

APART = timedelta(seconds=1)
MOST_CHANGES = 50
IDLE_SECONDS = 15.0


class OutsideSyncs:
    """`moved` may be called as often as anybody likes, by the watch and by webhooks; `run` asks Argo CD, and its answer
    alone counts.

    What was over before this process first looked at a stage is news only where a change of ours is older: else nobody
    could tell it from what was there before Tiphys was.
    """

    def __init__(
        self, store: Store, argocd: Mapping[str, Argocd], source: ConfigurationInForce, clock: Clock, bells: Bells
    ) -> None:
        self._store, self._argocd, self._source, self._clock, self._bells = store, argocd, source, clock, bells
        self._bell = Bell()
        self._waiting: dict[str, datetime] = {}  # by stage: not to be asked before
        self._asked: dict[str, datetime] = {}
        self._first: dict[str, datetime | None] = {}  # when the operation began that was there at first
        self._settled: dict[str, datetime] = {}

    def moved(self, stages: Iterable[Stage]) -> None:
        """Something may have happened there."""
        now = self._clock.now()
        for stage in stages:
            if stage.source is not None:  # only where promotions lead is anything governed
                at = max(now, self._asked.get(stage.name, now - APART) + APART)
                self._waiting[stage.name] = min(at, self._waiting.get(stage.name, at))
        self._bell.ring()

    async def run(self) -> None:
        while True:
            nap = IDLE_SECONDS
            try:
                nap = await self.look()
            except StoreUnavailable as error:
                log.warning("outside_syncs.no_database", reason=error.reason)
            except Exception:
                log.exception("outside_syncs.crashed")
            await self._bell.wait(nap)

    async def look(self) -> float:
        """Ask about each stage whose time has come; answers in how many seconds the next one's does.

        An instance that gives no answer is left alone until somebody tells again that something moved: the watch does
        so now and then by itself.
        """
        now = self._clock.now()
        away: set[str] = set()
        for stage in self._source.current.stages():
            at = self._waiting.get(stage.name)
            if at is None or at > now:
                continue
            del self._waiting[stage.name]
            if stage.argocd.instance in away:
                continue
            try:
                await self._look_at(stage)
            except Unavailable as error:
                away.add(stage.argocd.instance)
                log.info("outside_syncs.no_answer", instance=stage.argocd.instance, reason=error.reason)
            except OutsideError as error:
                log.info("outside_syncs.refused", stage=stage.name, reason=error.reason)
            except StoreUnavailable:
                self._waiting[stage.name] = now + APART
                raise
        known = {stage.name for stage in self._source.current.stages()}
        self._waiting = {name: at for name, at in self._waiting.items() if name in known}
        soonest = min(self._waiting.values(), default=None)
        return IDLE_SECONDS if soonest is None else max((soonest - self._clock.now()).total_seconds(), 0.05)

    async def _look_at(self, stage: Stage) -> None:
        client = self._argocd.get(stage.argocd.instance)
        if client is None:
            return
        self._asked[stage.name] = self._clock.now()
        live = await client.get(stage.argocd)
        operation, now = live.operation, self._clock.now()
        if stage.name not in self._first:
            self._first[stage.name] = operation.started_at if operation and operation.phase.is_over else None
        if operation is None or operation.started_at is None or operation.started_at == self._settled.get(stage.name):
            return
        match await self._judge(stage, operation, now):
            case Standing.LATER:
                self._waiting[stage.name] = now + FOLLOWS_WITHIN
            case Standing.OUTSIDE:
                await self._tell(stage, operation, client.page_of(stage.argocd), now)
                self._settled[stage.name] = operation.started_at
            case Standing.OURS if operation.phase.is_over:
                self._settled[stage.name] = operation.started_at

    async def _judge(self, stage: Stage, operation: Operation, now: datetime) -> Standing:
        async with self._store.reading() as tx:
            changes = await tx.changes.list_newest(stage.application, stage.environment, limit=MOST_CHANGES)
            ours = operation.info(OPERATION_INFO)
            named = await tx.changes.find(ChangeId(ours)) if ours and is_change_id(ours) else None
        if named is not None and (named.application, named.environment) == (stage.application, stage.environment):
            return Standing.OURS  # anybody can write an id; only one that is ours, and of this stage, counts
        standing = judge(operation, changes, now)
        first, started = self._first[stage.name], operation.started_at
        if standing is Standing.OUTSIDE and started is not None and first is not None and started <= first:
            was_governed = any(change.requested_at < started for change in changes)
            return standing if was_governed else Standing.OURS
        return standing

    async def _tell(self, stage: Stage, operation: Operation, page: str, now: datetime) -> None:
        if operation.started_at is None:
            return
        log.warning(
            "sync.outside", stage=stage.name, by=operation.initiated_by, revision=operation.revision,
            phase=operation.phase.value,
        )  # fmt: skip
        channel = self._channel_of(stage)
        if channel is None:
            return
        key = f"outside-sync:{stage.name}:{int(operation.started_at.timestamp())}"
        async with self._store.writing() as tx:
            await tx.outbox.notice(key, channel, outside_text(stage, operation, page), now=now)
        self._bells.outbox.ring()

    def _channel_of(self, stage: Stage) -> ChannelId | None:
        configuration = self._source.current
        found = configuration.applications.get(stage.application)
        return stage.channel or (found.channel if found else None) or configuration.slack.admin_channel
