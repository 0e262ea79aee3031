"""The end of an act: its audit entry, its answer, and that it is worked off, in the transaction that has its effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.request import Answer, Request
from bot.ports_store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an audit entry says of what the act was about, as far as there is such a thing."""

    change: ChangeId | None = None
    application: str | None = None
    environment: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


async def conclude(
    tx: Transaction, request: Request, asked: str, answer: Answer, about: About, *, now: datetime
) -> None:
    """Audit it, tell the asker, and mark his act as worked off: with the effect, or not at all.

    Raises `DoneElsewhere` when another process has worked it off meanwhile.
    """
    await tx.audit.add(
        AuditEntry(
            at=now, actor=request.user, action=f"asked.{asked}", outcome="refused" if answer.refused else "done",
            change=about.change, application=about.application, environment=about.environment,
            text=answer.text.plain,
            detail={"slug": answer.refused, "request": request.id, **about.detail},
        )
    )  # fmt: skip
    await tx.outbox.answer(request, answer, now=now)
    await tx.inbound.conclude(request.id)
