"""Silences: Alertmanager's word for hiding alerts until some moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.alerts.matcher import Matcher


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDraft:
    """What is asked for. `comment` carries our own id, so that it is found again after an unclear answer."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What the API tells of one. `created_by` and `comment` are untrusted: nobody proves who he is there."""

    id: str
    state: SilenceState
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
