"""Dialogs that open over the conversation: what they ask or show, before any chat system's form."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.alerts.dialog import AssignDialog, ExtendDialog, SilenceDialog
from bot.domain.card import ChangeCard
from bot.domain.identity import ChangeId
from bot.domain.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonDialog:
    """Asks why, before a rejection. Submitted with callback id `change.reject`, field `reason`."""

    change: ChangeId
    fingerprint: str
    title: str
    explanation: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveDialog:
    """Shows what an approval is for and asks to confirm. Submitted with callback id `change.approve`, no fields."""

    card: ChangeCard
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    at: datetime
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsDialog:
    """Everything known of a change: shipment, gates, revisions, history."""

    card: ChangeCard
    history: tuple[HistoryLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffDialog:
    """The promotion commit's difference as text (untrusted, already bounded)."""

    card: ChangeCard
    diff: str


Dialog = ReasonDialog | ApproveDialog | DetailsDialog | DiffDialog | AssignDialog | SilenceDialog | ExtendDialog
