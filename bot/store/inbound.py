"""What people did, as rows: recorded by `bot.store.recorder` before anything is answered, worked off here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from bot.domain.incoming import Ack, Incoming, Recorded
from bot.ports_forgetting import Forgotten
from bot.ports_store import DoneElsewhere, Queue
from bot.store.asyncio_engine import AsyncConnection
from bot.store.documents import ACK, INCOMING, dump
from bot.store.forgetting import forget
from bot.store.queues import read_queue
from bot.store.tables import inbound


class Inbound:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list_due(self, now: datetime, *, limit: int) -> list[Recorded]:
        """Due rows, oldest first."""
        return [recorded_of(row) for row in await self.due_rows(now, limit=limit)]

    async def due_rows(self, now: datetime, *, limit: int) -> Sequence[Row[Any]]:
        query = select(inbound).where(inbound.c.due_at <= now).order_by(inbound.c.received_at).limit(limit)
        return (await self._connection.execute(query)).all()

    async def finish(self, key: str) -> bool:
        """It is worked off; False when it was so before."""
        statement = update(inbound).where(inbound.c.id == key, inbound.c.due_at.is_not(None)).values(due_at=None)
        return (await self._connection.execute(statement)).rowcount > 0

    async def conclude(self, key: str) -> None:
        """It is worked off by what this transaction writes. Raises `DoneElsewhere` when it was so before."""
        if await self.finish(key):
            return
        known = select(inbound.c.id).where(inbound.c.id == key)
        if (await self._connection.execute(known)).first() is not None:
            raise DoneElsewhere

    async def begin(self, key: str) -> None:
        """An effect outside that leaves no mark of ours there is tried next. Repeating changes nothing."""
        statement = update(inbound).where(inbound.c.id == key, inbound.c.attempts == 0)
        await self._connection.execute(statement.values(attempts=1))

    async def begun(self, key: str) -> datetime | None:
        """When it arrived, if an earlier try of it had begun or was put off."""
        query = select(inbound.c.received_at).where(inbound.c.id == key, inbound.c.attempts > 0)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def postpone(self, key: str, *, until: datetime, error: str) -> None:
        statement = update(inbound).where(inbound.c.id == key, inbound.c.due_at.is_not(None))
        await self._connection.execute(statement.values(due_at=until, error=error, attempts=inbound.c.attempts + 1))

    async def count_due(self, now: datetime) -> int:
        query = select(func.count()).select_from(inbound).where(inbound.c.due_at <= now)
        return int((await self._connection.execute(query)).scalar_one())

    async def queue(self, now: datetime) -> Queue:
        """Acts that are not worked off; the oldest is the one that arrived first."""
        return await read_queue(self._connection, inbound.c.due_at, inbound.c.received_at, now)

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(inbound.c.due_at)).where(inbound.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        done = (inbound.c.due_at.is_(None), inbound.c.received_at < before)
        return await forget(self._connection, inbound, inbound.c.id, *done, after=after, limit=limit)


def recorded_of(row: Row[Any]) -> Recorded:
    return Recorded(
        incoming=INCOMING.validate_json(row.document), received_at=row.received_at, attempts=row.attempts + 1
    )


def inbound_row(incoming: Incoming, ack: Ack, *, now: datetime, done: bool) -> dict[str, Any]:
    """What was done and what is answered to it; `done` when the ack says all there is to say."""
    return {
        "id": incoming.id, "kind": incoming.kind.value, "received_at": now, "document": dump(INCOMING, incoming),
        "ack": dump(ACK, ack), "due_at": None if done else now, "attempts": 0,
    }  # fmt: skip
