"""What waits to be shown to people: rows of the outbox, before any chat system's form."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChangeId, ChannelId, MessageTs
from bot.domain.request import Request
from bot.domain.text import Text


class OutgoingKind(StrEnum):
    ANSWER = "answer"  # only the asker sees it
    CARD = "card"  # the living card of a change, rendered from its newest state when it is sent
    NOTE = "note"  # a message in the thread of a change's card
    NOTICE = "notice"  # a message of its own in a channel
    STORM = "storm"  # the one card that stands for a channel's alert groups while there are too many of them
    ALERT = "alert"  # the living card of an alert group, rendered like a change's
    ALERT_NOTE = "alert-note"  # a message in the thread of an alert group's card
    DIGEST = "digest"  # what a channel's alerts came to; a message of its own


class Urgency(IntEnum):
    """Classes of rows, the most urgent first. The numbers between two of them grade the rows of the first: alerts of a
    class go by severity. `ALERT_NEW…` have no card yet; `ALERT_FINAL` are over."""

    ANSWER = 0
    CARD = 1
    NOTE = 2
    NOTICE = 3
    STORM = 10
    ALERT_NEW_CRITICAL = 20
    ALERT_NEW = 30
    ALERT_FINAL = 40
    ALERT_EDIT = 50
    ALERT_NOTE = 60
    DIGEST = 70

    @property
    def end(self) -> int:
        """The first number that is not of this class."""
        return min((other for other in Urgency if other > self), default=self + 10)

    @classmethod
    def of(cls, number: int) -> "Urgency":
        """The class that a row of this number is in."""
        return max(known for known in cls if known <= number)


ABOUT_CHANGES = frozenset({Urgency.ANSWER, Urgency.CARD, Urgency.NOTE, Urgency.NOTICE})
"""What people wait for: a share of every budget is theirs alone."""
URGENCY_OF_KIND: Mapping[OutgoingKind, Urgency] = {
    OutgoingKind.ANSWER: Urgency.ANSWER, OutgoingKind.CARD: Urgency.CARD, OutgoingKind.NOTE: Urgency.NOTE,
    OutgoingKind.NOTICE: Urgency.NOTICE, OutgoingKind.STORM: Urgency.STORM, OutgoingKind.ALERT_NOTE: Urgency.ALERT_NOTE,
    OutgoingKind.DIGEST: Urgency.DIGEST,
}  # fmt: skip
"""Of those whose kind alone says it; see `urgency_of_alert`."""


def urgency_of_alert(group: AlertGroup, *, has_card: bool) -> int:
    """Critical ones first, then those that nobody has seen yet, then what is over; in a class by severity."""
    if has_card:
        return (Urgency.ALERT_FINAL if group.is_over else Urgency.ALERT_EDIT) + group.severity.rank
    is_critical = group.severity is Severity.CRITICAL
    return (Urgency.ALERT_NEW_CRITICAL if is_critical else Urgency.ALERT_NEW) + group.severity.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which rows are asked for: those of these classes, each but into certain channels. Notes of alert groups that
    have no card are never among them."""

    classes: Mapping[Urgency, frozenset[ChannelId]]

    @classmethod
    def of(cls, *classes: Urgency) -> "Pick":
        """Into all channels."""
        return cls(classes=dict.fromkeys(classes, frozenset()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One row. `key` is unique for ever (`card:<change>`, `alert:<group>` and `storm:<channel>` are used again: they
    coalesce, `version` counts their causes). `urgency`: see `Urgency.of`.

    `attempts` counts tries including the present one and is stored before the try: above 1, an earlier try may have
    reached Slack without our knowing, so whatever creates a message looks for it first.
    """

    id: int
    key: str
    kind: OutgoingKind
    version: int
    attempts: int
    urgency: int = 0
    change: ChangeId | None = None
    group: AlertGroupId | None = None
    channel: ChannelId | None = None
    text: Text | None = None
    request: Request | None = None

    @property
    def lane(self) -> str:
        """Rows of one lane go one after the other: a card and its notes, the notices of a channel."""
        return lane_of(self.kind, key=self.key, change=self.change, channel=self.channel, group=self.group)


def lane_of(
    kind: OutgoingKind, *, key: str, change: ChangeId | None, channel: ChannelId | None,
    group: AlertGroupId | None = None,
) -> str:  # fmt: skip
    match kind:
        case OutgoingKind.CARD | OutgoingKind.NOTE:
            return f"change:{change}"
        case OutgoingKind.NOTICE:
            return f"channel:{channel}"
        case OutgoingKind.ALERT | OutgoingKind.ALERT_NOTE:
            return f"alert:{group}"
        case OutgoingKind.ANSWER | OutgoingKind.STORM | OutgoingKind.DIGEST:
            return key


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlacement:
    """Where a change's card stands, and the digest of what it shows (None: unknown)."""

    change: ChangeId
    channel: ChannelId
    ts: MessageTs
    digest: str | None
