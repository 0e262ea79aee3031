"""What stands in a channel: messages, and the private ones that only one person sees."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.dumping import saved
from bot.sandbox.seeded import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID

Via = Literal["ack", "response_url", "postEphemeral"]
Json = dict[str, Any]

TEXT_LIMIT = 40_000


@dataclass(slots=True, kw_only=True)
class Content:
    """What a message says. `metadata` is None when there is none."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None

    def all_blocks(self) -> list[Json]:
        """Blocks of the message and of its attachments."""
        return self.blocks + [block for a in self.attachments for block in a.get("blocks") or []]


@dataclass(slots=True, kw_only=True)
class Message:
    """One message of a channel. Deleted ones are kept: a stale client may still click in them."""

    ts: str
    channel: str
    user: str
    content: Content
    bot_id: str | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited: Json | None = None
    edits: int = 0
    deleted: bool = False
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    options: Json = field(default_factory=dict)
    past: list[Json] = field(default_factory=list)
    """Blocks that the message no longer shows, newest first."""

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def is_top_level(self) -> bool:
        return not self.is_reply or self.broadcast

    def as_slack(self, *, metadata: bool = False) -> Json:
        """The message as the Web API and payloads show it, without what depends on its thread."""
        shown: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.content.text, "team": TEAM_ID}
        if self.bot_id is not None:
            shown |= {"bot_id": self.bot_id, "app_id": APP_ID, "bot_profile": BOT_PROFILE}
        if self.content.blocks:
            shown["blocks"] = self.content.blocks
        if self.content.attachments:
            shown["attachments"] = self.content.attachments
        if self.thread_ts is not None:
            shown["thread_ts"] = self.thread_ts
        if self.is_reply:
            shown["parent_user_id"] = BOT_USER_ID
        if self.broadcast:
            shown["subtype"] = "thread_broadcast"
        if self.edited is not None:
            shown["edited"] = self.edited
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        if metadata and self.content.metadata is not None:
            shown["metadata"] = self.content.metadata
        return shown

    def dump(self) -> Json:
        return saved(self)

    @classmethod
    def load(cls, data: Json) -> "Message":
        return cls(**{**data, "content": Content(**data["content"])})


@dataclass(slots=True, kw_only=True)
class Ephemeral:
    """A message that one person sees until the client is reloaded; the sandbox keeps it."""

    id: str
    user: str
    channel: str
    ts: str
    via: Via
    content: Content
    deleted: bool = False

    def dump(self) -> Json:
        return saved(self)

    @classmethod
    def load(cls, data: Json) -> "Ephemeral":
        return cls(**{**data, "content": Content(**data["content"])})


BOT_PROFILE: Json = {
    "id": BOT_ID, "app_id": APP_ID, "name": "Tiphys", "deleted": False, "updated": 0, "team_id": TEAM_ID,
    "icons": {},
}  # fmt: skip


def stored_blocks(blocks: list[Json]) -> list[Json]:
    """Blocks as Slack keeps them: every block has a block_id, every text object its defaults, every element an
    action_id."""
    kept: list[Json] = []
    for block in blocks:
        filled = _with_defaults(block)
        filled.setdefault("block_id", secrets.token_urlsafe(4))
        kept.append(filled)
    return kept


def _with_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _with_defaults(item) for key, item in value.items()}
    match filled.get("type"):
        case "plain_text":
            filled.setdefault("emoji", True)
        case "mrkdwn":
            filled.setdefault("verbatim", False)
        case kind if kind in INTERACTIVE_TYPES:
            filled.setdefault("action_id", secrets.token_urlsafe(4))
    return filled


INTERACTIVE_TYPES = frozenset({
    "button", "overflow", "checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker",
    "plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input", "file_input",
    "static_select", "external_select", "users_select", "conversations_select", "channels_select",
    "multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select",
    "multi_channels_select",
})  # fmt: skip
