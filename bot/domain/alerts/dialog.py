"""The dialogs that open from an alert group's card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.silence import SilenceRef
from bot.domain.identity import UserId
from bot.domain.text import Text

COUNT = "alert.count"
"""The action id of the field whose typing is counted: looking, and no act of anybody."""
LENGTH, OTHER_LENGTH, CHOSEN_SOURCE = "silence.length", "silence.other", "silence.source"
"""Those of the other fields of which an open dialog shows at once what they mean."""
LOOKS = frozenset({COUNT, LENGTH, OTHER_LENGTH, CHOSEN_SOURCE})


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

    `fields` is what stands in them now (untrusted), `counted` what its matchers match. `group` None: it belongs to no
    card; it is submitted with callback id `silence.add` then, and asks for one of `sources` where there are several.
    """

    group: AlertGroupId | None
    explanation: Text
    lengths: tuple[timedelta, ...]
    counted: Text
    fields: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendDialog:
    """Asks how long from now a silence is to go on, and why if there is something to say. Submitted with callback id
    `silence.extend`.

    `explanation` says what it is, `then` when it would end as `fields` stand now (or why it cannot).
    """

    silence: SilenceRef
    explanation: Text
    lengths: tuple[timedelta, ...]
    then: Text
    fields: Mapping[str, str] = field(default_factory=dict)
