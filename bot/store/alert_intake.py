"""Webhooks of alerts that were taken in and wait to be worked off."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select, update

from bot.ports_alerts import Heard
from bot.ports_forgetting import Forgotten
from bot.store.asyncio_engine import AsyncConnection
from bot.store.forgetting import forget
from bot.store.locks import Lock, lock
from bot.store.tables import alert_intake

MOST_CHARACTERS = 8 << 20


class AlertIntake:
    """The intake that one transaction sees."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(self, now: datetime, *, limit: int, most: int = MOST_CHARACTERS) -> list[Heard]:
        """The oldest that are due: no more than `most` characters of bodies at once, but one in any case.

        Whoever else claims waits until this transaction ends: what came first is worked off first, by whichever
        process. A snapshot that is applied after a newer one tells less than it could.
        """
        await self.hold()
        due = select(alert_intake.c.id, func.length(alert_intake.c.body).label("size"))
        due = due.where(alert_intake.c.due_at <= now).order_by(alert_intake.c.due_at, alert_intake.c.id).limit(limit)
        chosen, size = list[int](), 0
        for row in (await self._connection.execute(due)).all():
            size += row.size
            if chosen and size > most:
                break
            chosen.append(row.id)
        if not chosen:
            return []
        found = select(alert_intake).where(alert_intake.c.id.in_(chosen)).order_by(alert_intake.c.id)
        return [
            Heard(id=row.id, source=row.source, received_at=row.received_at, body=row.body, attempts=row.attempts + 1)
            for row in (await self._connection.execute(found)).all()
        ]

    async def hold(self) -> None:
        """Whoever claims waits until this transaction ends, and whoever has claimed is waited for."""
        await lock(self._connection, Lock.ALERT_INTAKE)

    async def remove(self, heard: Collection[int]) -> None:
        """They are worked off."""
        await self._connection.execute(delete(alert_intake).where(alert_intake.c.id.in_(list(heard))))

    async def postpone(self, heard: int, *, until: datetime | None, error: str) -> None:
        """Try again at `until`; None: never, the row stays for whoever looks for the reason."""
        same = update(alert_intake).where(alert_intake.c.id == heard)
        again = same.values(due_at=until, error=error, attempts=alert_intake.c.attempts + 1)
        await self._connection.execute(again)

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        done = (alert_intake.c.due_at.is_(None), alert_intake.c.received_at < before)
        return await forget(self._connection, alert_intake, alert_intake.c.id, *done, after=after, limit=limit)

    async def count(self) -> int:
        """How many wait."""
        query = select(func.count()).select_from(alert_intake).where(alert_intake.c.due_at.is_not(None))
        return int((await self._connection.execute(query)).scalar_one())

    async def count_due(self, now: datetime) -> int:
        query = select(func.count()).select_from(alert_intake).where(alert_intake.c.due_at <= now)
        return int((await self._connection.execute(query)).scalar_one())

    async def waiting_since(self) -> datetime | None:
        """When the oldest that waits arrived."""
        query = select(func.min(alert_intake.c.received_at)).where(alert_intake.c.due_at.is_not(None))
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(alert_intake.c.due_at)).where(alert_intake.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found
