"""A gate: a condition that must be open before the next step, always with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GateState(StrEnum):
    OPEN = "open"
    WAITING = "waiting"  # opens by itself, or when somebody does what the reason says
    CLOSED = "closed"  # does not open without a decision


MARKS: Mapping[GateState, str] = {GateState.OPEN: "✅", GateState.WAITING: "⏳", GateState.CLOSED: "❌"}
"""What people see of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one gate says now. `reason` is a sentence for people, without end punctuation.

    `link` is a page of the forge or of Argo CD; an address that somebody outside chose never gets there.
    """

    slug: str
    state: GateState
    reason: str
    opens_at: datetime | None = None
    link: str | None = None

    @classmethod
    def open(cls, slug: str, reason: str) -> "Gate":
        return cls(slug=slug, state=GateState.OPEN, reason=reason)

    @classmethod
    def waiting(cls, slug: str, reason: str, *, opens_at: datetime | None = None, link: str | None = None) -> "Gate":
        return cls(slug=slug, state=GateState.WAITING, reason=reason, opens_at=opens_at, link=link)

    @classmethod
    def closed(cls, slug: str, reason: str, *, opens_at: datetime | None = None, link: str | None = None) -> "Gate":
        return cls(slug=slug, state=GateState.CLOSED, reason=reason, opens_at=opens_at, link=link)

    @property
    def is_open(self) -> bool:
        return self.state is GateState.OPEN


def first_shut(gates: tuple[Gate, ...]) -> Gate | None:
    """The gate to name first: a closed one before a waiting one; None when all are open."""
    return next((g for g in gates if g.state is GateState.CLOSED), next((g for g in gates if not g.is_open), None))
