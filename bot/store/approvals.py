"""Approvals as rows: one per person and fingerprint, never changed."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Approval
from bot.domain.identity import ChangeId
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

    async def add(self, approval: Approval) -> bool:
        """Store it; False when this person has approved this fingerprint before (nothing is written)."""
        known = {(a.person, a.fingerprint) for a in await self.list(approval.change)}
        if (approval.person, approval.fingerprint) in known:
            return False
        await self._connection.execute(
            insert(approvals).values(
                change_id=approval.change, user_id=approval.user, person=approval.person,
                fingerprint=approval.fingerprint, at=approval.at,
            )
        )  # fmt: skip
        return True
