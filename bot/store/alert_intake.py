"""Webhooks of alerts that were taken in and wait to be worked off."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports_alerts import Heard
from bot.store.tables import alert_intake


class AlertIntake:
    """The intake that one transaction sees."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(self, now: datetime, *, limit: int) -> list[Heard]:
        """The oldest that are due, locked until this transaction ends; those that others have locked are left out."""
        due = select(alert_intake).where(alert_intake.c.due_at <= now).order_by(alert_intake.c.id).limit(limit)
        rows = (await self._connection.execute(due.with_for_update(skip_locked=True))).all()
        return [
            Heard(id=row.id, source=row.source, received_at=row.received_at, body=row.body, attempts=row.attempts + 1)
            for row in rows
        ]

    async def remove(self, heard: Collection[int]) -> None:
        """They are worked off."""
        await self._connection.execute(delete(alert_intake).where(alert_intake.c.id.in_(list(heard))))

    async def postpone(self, heard: int, *, until: datetime | None, error: str) -> None:
        """Try again at `until`; None: never, the row stays for whoever looks for the reason."""
        same = update(alert_intake).where(alert_intake.c.id == heard)
        again = same.values(due_at=until, error=error, attempts=alert_intake.c.attempts + 1)
        await self._connection.execute(again)

    async def count(self) -> int:
        """How many wait."""
        query = select(func.count()).select_from(alert_intake).where(alert_intake.c.due_at.is_not(None))
        return int((await self._connection.execute(query)).scalar_one())

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(alert_intake.c.due_at)).where(alert_intake.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found
