"""The audit: what was done or refused, by whom, and why. Rows are only ever added."""

import json
from typing import Any

from sqlalchemy import insert, select

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.store.asyncio_engine import AsyncConnection
from bot.store.tables import audit_entries


class Audit:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, entry: AuditEntry) -> None:
        await self._connection.execute(insert(audit_entries), audit_row(entry))

    async def list(self, *, change: ChangeId | None = None, limit: int = 1000) -> list[AuditEntry]:
        """Oldest first; of one change, or of all."""
        query = select(audit_entries).order_by(audit_entries.c.id).limit(limit)
        if change is not None:
            query = query.where(audit_entries.c.change_id == change)
        return [
            AuditEntry(
                at=row.at, actor=row.actor, action=row.action, outcome=row.outcome, change=row.change_id,
                application=row.application, environment=row.environment, text=row.text,
                detail=json.loads(row.detail),
            )
            for row in (await self._connection.execute(query)).all()
        ]  # fmt: skip


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at, "actor": entry.actor, "action": entry.action, "outcome": entry.outcome,
        "change_id": entry.change, "application": entry.application, "environment": entry.environment,
        "text": entry.text, "detail": json.dumps(dict(entry.detail), sort_keys=True, default=str),
    }  # fmt: skip
