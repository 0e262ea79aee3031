"""The sender's view of the outbox: rows, cards and placements, one short transaction each."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from bot.domain.alerts.budget import Budget
from bot.domain.alerts.card import AlertCard, card_of
from bot.domain.alerts.group import AlertGroupId, AlertPlacement
from bot.domain.alerts.storm import Storm
from bot.domain.card import ChangeCard
from bot.domain.identity import ChangeId, ChannelId
from bot.domain.outgoing import CardPlacement, Outgoing, OutgoingKind, Pick
from bot.ports import Clock, ConfigurationInForce
from bot.ports_alerts import StormRow, Weather
from bot.ports_store import Store, Transaction
from bot.services.alerts.routing import mentions
from bot.services.alerts.storms import Storms
from bot.services.reports import Reports


class OutboxQueue:
    """Implements `bot.ports_chat.Outbox` and `bot.ports_alerts.AlertOutbox`."""

    def __init__(self, store: Store, reports: Reports, clock: Clock, configuration: ConfigurationInForce) -> None:
        self._store, self._reports, self._clock = store, reports, clock
        self._configuration, self._storms = configuration, Storms(store, clock)

    @property
    def is_ours(self) -> bool:
        """Alerts are sent by the process that leads: Slack's pace is kept by whoever sees all that is sent."""
        return self._store.leads

    async def claim(self, *, limit: int, pick: Pick) -> list[Outgoing]:
        return list((await self._store.claims.outbox(self._clock.now(), limit=limit, pick=pick)).rows)

    def sending(self, item: Outgoing) -> AbstractAsyncContextManager[None]:
        return self._store.claims.working(item)

    async def mark_sent(self, item: Outgoing) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.mark_sent(item)
            await _drop_notes(tx, item)

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None:
        async with self._store.writing() as tx:
            until = self._clock.now() + timedelta(seconds=seconds)
            await tx.outbox.postpone(item, until=until, error=error)

    async def give_up(self, item: Outgoing, *, error: str) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.give_up(item, error=error)
            await _drop_notes(tx, item)

    async def find_card(self, change: ChangeId) -> ChangeCard | None:
        async with self._store.reading() as tx:
            found = await tx.changes.find(change)
        return await self._reports.card(found) if found else None

    async def find_placement(self, change: ChangeId) -> CardPlacement | None:
        async with self._store.reading() as tx:
            return await tx.outbox.find_placement(change)

    async def set_placement(self, placement: CardPlacement) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.set_placement(placement)

    async def forget_placement(self, change: ChangeId) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.forget_placement(change)

    async def find_alert_card(self, group: AlertGroupId) -> AlertCard | None:
        async with self._store.reading() as tx:
            found = await tx.alerts.find(group)
        if found is None:
            return None
        policy = self._configuration.current.alerts
        return card_of(found, policy, mentions=mentions(found, policy))

    async def find_alert_placement(self, group: AlertGroupId) -> AlertPlacement | None:
        async with self._store.reading() as tx:
            return await tx.alerts.find_placement(group)

    async def set_alert_placement(self, placement: AlertPlacement) -> None:
        async with self._store.writing() as tx:
            await tx.alerts.set_placement(placement)
            if (group := await tx.alerts.find(placement.group)) is not None:
                await tx.outbox.rank_alert(group)

    async def forget_alert_placement(self, group: AlertGroupId) -> None:
        async with self._store.writing() as tx:
            await tx.alerts.forget_placement(group)
            if (found := await tx.alerts.find(group)) is not None:
                await tx.outbox.rank_alert(found)

    async def weather(self, budget: Budget) -> Weather:
        return await self._storms.look(budget)

    async def find_storm(self, channel: ChannelId) -> tuple[StormRow, Storm] | None:
        return await self._storms.find(channel)

    async def set_storm_placement(self, storm: str, *, ts: str | None, digest: str | None) -> None:
        async with self._store.writing() as tx:
            await tx.storms.place(storm, ts=ts, digest=digest)


async def _drop_notes(tx: Transaction, item: Outgoing) -> None:
    """A group that is done with, and has no card all the same, has no thread either."""
    if item.kind is OutgoingKind.ALERT and item.group is not None:
        await tx.outbox.drop_notes(item.group)
