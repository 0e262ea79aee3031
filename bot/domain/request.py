"""One thing that a person asked for, and what he was told."""

from dataclasses import dataclass

from bot.domain.identity import ChangeId, ChannelId, MessageTs, UserId
from bot.domain.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command, click or submission as it was recorded. `id` is the same for every delivery of the same act.

    `respond_to` is where an answer that only the asker sees can go (Slack's `response_url`), if there is such a place.
    """

    id: str
    user: UserId
    channel: ChannelId | None = None
    thread: MessageTs | None = None
    respond_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the asker is told. A refusal has its `slug`; `change` is what it is about."""

    text: Text
    refused: str | None = None
    change: ChangeId | None = None

    @classmethod
    def done(cls, text: Text, change: ChangeId | None = None) -> "Answer":
        return cls(text=text, change=change)

    @classmethod
    def refusal(cls, slug: str, text: Text, change: ChangeId | None = None) -> "Answer":
        return cls(text=text, refused=slug, change=change)
