"""The dialogs that open from an alert group's card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.alerts.group import AlertGroupId
from bot.domain.identity import UserId
from bot.domain.text import Text

COUNT = "alert.count"
"""The action id of the field whose typing is counted: looking, and no act of anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignDialog:
    """Asks whom a group is given to. Submitted with callback id `alert.assign`, field `user` (empty: nobody)."""

    group: AlertGroupId
    explanation: Text
    assigned_to: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDialog:
    """Asks how long, what and why. Submitted with callback id `alert.silence` and the fields of
    `bot.domain.alerts.wish`.

    `fields` is what stands in them now (untrusted), `counted` what its matchers match.
    """

    group: AlertGroupId
    explanation: Text
    lengths: tuple[timedelta, ...]
    counted: Text
    fields: Mapping[str, str] = field(default_factory=dict)
