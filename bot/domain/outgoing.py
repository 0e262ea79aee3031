"""What waits to be shown to people: rows of the outbox, before any chat system's form."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.identity import ChangeId, ChannelId, MessageTs
from bot.domain.request import Request
from bot.domain.text import Text


class OutgoingKind(StrEnum):
    """In the order of urgency."""

    ANSWER = "answer"  # only the asker sees it
    CARD = "card"  # the living card of a change, rendered from its newest state when it is sent
    NOTE = "note"  # a message in the thread of a change's card
    NOTICE = "notice"  # a message of its own in a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One row. `key` is unique for ever (`card:<change>` is used again: it coalesces, `version` counts its causes).

    `attempts` counts tries including the present one and is stored before the try: above 1, an earlier try may have
    reached Slack without our knowing, so whatever creates a message looks for it first.
    """

    id: int
    key: str
    kind: OutgoingKind
    version: int
    attempts: int
    change: ChangeId | None = None
    channel: ChannelId | None = None
    text: Text | None = None
    request: Request | None = None

    @property
    def lane(self) -> str:
        """Rows of one lane go one after the other: a card and its notes, the notices of a channel."""
        return lane_of(self.kind, key=self.key, change=self.change, channel=self.channel)


def lane_of(kind: OutgoingKind, *, key: str, change: ChangeId | None, channel: ChannelId | None) -> str:
    match kind:
        case OutgoingKind.CARD | OutgoingKind.NOTE:
            return f"change:{change}"
        case OutgoingKind.NOTICE:
            return f"channel:{channel}"
        case OutgoingKind.ANSWER:
            return key


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlacement:
    """Where a change's card stands, and the digest of what it shows (None: unknown)."""

    change: ChangeId
    channel: ChannelId
    ts: MessageTs
    digest: str | None
