"""What people did, as rows: recorded once before anything is answered, worked off afterwards."""

from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.incoming import Ack, Incoming, Recorded
from bot.store.documents import ACK, INCOMING, dump
from bot.store.tables import inbound


class Inbound:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find_ack(self, key: str) -> Ack | None:
        """What was answered to the first delivery, or None when there was none."""
        raw = (await self._connection.execute(select(inbound.c.ack).where(inbound.c.id == key))).scalar()
        return ACK.validate_json(raw) if raw is not None else None

    async def add(self, incoming: Incoming, ack: Ack, *, now: datetime, done: bool) -> None:
        """Record it; `done` when the ack says all there is to say."""
        await self._connection.execute(
            insert(inbound).values(
                id=incoming.id, kind=incoming.kind.value, received_at=now, document=dump(INCOMING, incoming),
                ack=dump(ACK, ack), due_at=None if done else now, attempts=0,
            )
        )  # fmt: skip

    async def list_due(self, now: datetime, *, limit: int) -> list[Recorded]:
        """Due rows, oldest first."""
        query = select(inbound).where(inbound.c.due_at <= now).order_by(inbound.c.received_at).limit(limit)
        return [
            Recorded(
                incoming=INCOMING.validate_json(row.document), received_at=row.received_at, attempts=row.attempts + 1
            )
            for row in (await self._connection.execute(query)).all()
        ]

    async def finish(self, key: str) -> None:
        await self._connection.execute(update(inbound).where(inbound.c.id == key).values(due_at=None))

    async def postpone(self, key: str, *, until: datetime, error: str) -> None:
        statement = update(inbound).where(inbound.c.id == key, inbound.c.due_at.is_not(None))
        await self._connection.execute(statement.values(due_at=until, error=error, attempts=inbound.c.attempts + 1))

    async def count_due(self, now: datetime) -> int:
        query = select(func.count()).select_from(inbound).where(inbound.c.due_at <= now)
        return int((await self._connection.execute(query)).scalar_one())

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(inbound.c.due_at)).where(inbound.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found
