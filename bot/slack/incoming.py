"""Slack's payloads read as `Incoming`. Nothing in them is believed beyond who did what where."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.incoming import Incoming, IncomingKind
from bot.slack.blocks.buttons import read_option
from bot.slack.blocks.dialogs import read_metadata

LINK_ACTION = "link."
"""What the action ids of buttons that only lead somewhere start with: Slack tells of their presses all the same."""

LONGEST_ID = 200
Payload = Mapping[str, Any]


def command(body: Payload) -> Incoming:
    """A slash command; the payload has no thread, Slack offers none there."""
    return Incoming(
        id=_id(body, body.get("trigger_id")),
        kind=IncomingKind.COMMAND,
        user=UserId(body["user_id"]),
        channel=ChannelId(body["channel_id"]),
        action=body["command"].removeprefix("/"),
        text=_typed(body.get("text") or ""),
        respond_to=body.get("response_url"),
    )


def mention(body: Payload, bot_user: str) -> Incoming | None:
    """A message that names us; None for those that nobody wrote just now (edits, messages without a user)."""
    event = body["event"]
    if not event.get("user") or event.get("edited"):
        return None
    text = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", " ", event.get("text") or "")
    return Incoming(
        id=_id(body, body.get("event_id")),
        kind=IncomingKind.MENTION,
        user=UserId(event["user"]),
        channel=ChannelId(event["channel"]),
        text=_typed(text),
        thread=_optional_ts(event.get("thread_ts")),
        message=_optional_ts(event.get("ts")),
    )


def click(body: Payload) -> Incoming | None:
    """A press in a message or a view; None for buttons that only lead somewhere."""
    pressed = body["actions"][0]
    action, value = pressed.get("action_id", ""), pressed.get("value") or ""
    if action.startswith(LINK_ACTION):
        return None
    if pressed.get("type") == "overflow":
        action, value = read_option((pressed.get("selected_option") or {}).get("value") or "")
    container = body.get("container") or {}
    if container.get("type") == "view":
        _, origin = read_metadata((body.get("view") or {}).get("private_metadata") or "")
        channel, thread, respond_to = origin.channel, origin.thread, origin.respond_to
        message = None
    else:
        channel = ChannelId((body.get("channel") or {}).get("id") or container["channel_id"])
        message = _optional_ts(container.get("message_ts"))
        thread = _optional_ts(container.get("thread_ts") or (body.get("message") or {}).get("thread_ts"))
        respond_to = body.get("response_url")
    return Incoming(
        id=_id(body, body.get("trigger_id")),
        kind=IncomingKind.CLICK,
        user=UserId(body["user"]["id"]),
        channel=channel,
        action=action,
        value=value,
        thread=thread if thread != message else None,
        message=message,
        respond_to=respond_to,
    )


def submission(body: Payload) -> Incoming:
    """A submitted dialog; where it was opened from travelled with it."""
    view = body["view"]
    carried, origin = read_metadata(view.get("private_metadata") or "")
    return Incoming(
        id=_id(body, body.get("trigger_id")),
        kind=IncomingKind.SUBMISSION,
        user=UserId(body["user"]["id"]),
        channel=origin.channel,
        action=view.get("callback_id") or "",
        value=carried,
        fields=_fields(view),
        thread=origin.thread,
        respond_to=origin.respond_to,
    )


def workspace_of(body: Payload) -> str | None:
    """The workspace that something happened in; of an org-wide installation, the person's."""
    team = body.get("team")
    if isinstance(team, Mapping):
        return team.get("id")
    user = body.get("user")
    return body.get("team_id") or (user.get("team_id") if isinstance(user, Mapping) else None)


def _fields(view: Payload) -> dict[str, str]:
    values = (view.get("state") or {}).get("values") or {}
    found: dict[str, str] = {}
    for block_id, elements in values.items():
        for element in elements.values():
            chosen = element.get("value") or (element.get("selected_option") or {}).get("value") or ""
            found[block_id] = str(chosen)
    return found


def _typed(text: str) -> str:
    """What a person typed, without Slack's entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _optional_ts(ts: str | None) -> MessageTs | None:
    return MessageTs(ts) if ts else None


def _id(body: Payload, given: str | None) -> str:
    """Equal for every delivery of the same act; should Slack ever send none (or a strange one), a digest of all."""
    if given and len(given) <= LONGEST_ID and given.isprintable():
        return given
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
