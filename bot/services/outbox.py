"""The sender's view of the outbox: rows, cards and placements, one short transaction each."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from bot.domain.card import ChangeCard
from bot.domain.identity import ChangeId
from bot.domain.outgoing import CardPlacement, Outgoing, Pick
from bot.ports import Clock
from bot.ports_store import Store
from bot.services.reports import Reports


class OutboxQueue:
    """Implements `bot.ports.Outbox`."""

    def __init__(self, store: Store, reports: Reports, clock: Clock) -> None:
        self._store, self._reports, self._clock = store, reports, clock

    async def claim(self, *, limit: int, pick: Pick) -> list[Outgoing]:
        return list((await self._store.claims.outbox(self._clock.now(), limit=limit, pick=pick)).rows)

    def sending(self, item: Outgoing) -> AbstractAsyncContextManager[None]:
        return self._store.claims.working(item)

    async def mark_sent(self, item: Outgoing) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.mark_sent(item)

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None:
        async with self._store.writing() as tx:
            until = self._clock.now() + timedelta(seconds=seconds)
            await tx.outbox.postpone(item, until=until, error=error)

    async def give_up(self, item: Outgoing, *, error: str) -> None:
        async with self._store.writing() as tx:
            await tx.outbox.give_up(item, error=error)

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
