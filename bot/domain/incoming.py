"""What a person did in the chat, as it is recorded before it is answered; and the answer given at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.dialog import Dialog
from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.request import Request
from bot.domain.text import Text


class IncomingKind(StrEnum):
    COMMAND = "command"
    MENTION = "mention"
    CLICK = "click"
    SUBMISSION = "submission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One delivery. `id` is equal for every delivery of the same act (Slack's trigger or event id).

    Command: `action` is the slash command's name without the slash, `text` the rest.
    Mention: `text` without the mention.
    Click: `action` is the action id (in an overflow menu: what the chosen value starts with), `value` the button's. In
    a dialog `fields` is what stands in it; of a field that was typed in, `value` is what the dialog carries.
    Submission: `action` is the dialog's callback id, `value` what the dialog carried, `fields` what was typed.
    """

    id: str
    kind: IncomingKind
    user: UserId
    channel: ChannelId | None
    action: str = ""
    text: str = ""
    value: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    thread: MessageTs | None = None
    message: MessageTs | None = None  # the message that was clicked
    respond_to: str | None = None

    @property
    def request(self) -> Request:
        return Request(id=self.id, user=self.user, channel=self.channel, thread=self.thread, respond_to=self.respond_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What is answered inside Slack's three seconds, after the row is committed. All parts may be absent.

    `text` only the asker sees; `dialog` is opened for him; `errors` keeps a submitted dialog open, by field.
    """

    text: Text | None = None
    dialog: Dialog | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An act that waits to be worked off; `attempts` counts tries including the present one."""

    incoming: Incoming
    received_at: datetime
    attempts: int
