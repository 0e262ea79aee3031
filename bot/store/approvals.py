"""Approvals as rows: one per person and fingerprint."""

from datetime import datetime

from sqlalchemy import delete, select

from bot.domain.approval import Approval
from bot.domain.identity import ChangeId
from bot.store.asyncio_engine import AsyncConnection
from bot.store.inserting import insert_new
from bot.store.tables import approvals


class Approvals:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self, change: ChangeId) -> tuple[Approval, ...]:
        """All that were ever given to this change, in order, whatever fingerprint they name."""
        query = select(approvals).where(approvals.c.change_id == change).order_by(approvals.c.id)
        return tuple(
            Approval(change=row.change_id, user=row.user_id, person=row.person, fingerprint=row.fingerprint, at=row.at)
            for row in (await self._connection.execute(query)).all()
        )

    async def add(self, approval: Approval, *, after: datetime) -> bool:
        """Store it; False when this person's yes to this fingerprint, given after that moment, stands already.

        An older one, lapsed or void, is renewed; that it was given before stays in the audit.
        """
        same = (
            (approvals.c.change_id == approval.change)
            & (approvals.c.person == approval.person)
            & (approvals.c.fingerprint == approval.fingerprint)
        )
        # Only what is older goes: a yes that another replica stores at this very moment stays, and ours is the second.
        await self._connection.execute(delete(approvals).where(same & (approvals.c.at <= after)))
        return await insert_new(
            self._connection, approvals,
            {
                "change_id": approval.change, "user_id": approval.user, "person": approval.person,
                "fingerprint": approval.fingerprint, "at": approval.at,
            },
        )  # fmt: skip
