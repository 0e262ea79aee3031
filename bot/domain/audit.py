"""One line of the audit: what was done or refused, by whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.identity import ChangeId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`actor` is a Slack user id or `system`; `outcome` is `done` or `refused`."""

    at: datetime
    actor: str
    action: str
    outcome: str
    text: str
    change: ChangeId | None = None
    application: str | None = None
    environment: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
