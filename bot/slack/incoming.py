"""Slack's payloads read as `Incoming`. Nothing in them is believed beyond who did what where.

What is not as Slack documents it raises `Unreadable`, before anything was done about it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.incoming import Incoming, IncomingKind
from bot.slack.blocks.buttons import read_option
from bot.slack.blocks.modal import Origin, read_metadata

LINK_ACTION = "link."
"""What the action ids of buttons that only lead somewhere start with: Slack tells of their presses all the same."""

PRESSED = frozenset({"button", "overflow"})
"""Elements with a value of their own. Of a field in a dialog the value is what the dialog carries, what is typed stands
in `fields`."""

Payload = Mapping[str, Any]

MOST_ID, MOST_DELIVERY, MOST_NAME = 32, 200, 255
"""The longest id of a person, channel or message; of an act; and name of a command, button or dialog. What Slack sends
is far shorter; what is longer would not fit the columns, or the keys that are made of it."""


class Unreadable(Exception):
    """Something is missing, or of another shape than Slack documents; the message says what, and quotes nothing."""


def command(body: Payload) -> Incoming:
    """A slash command; the payload has no thread, Slack offers none there."""
    return Incoming(
        id=_id(body, "trigger_id"),
        kind=IncomingKind.COMMAND,
        user=UserId(_name(body, "user_id")),
        channel=ChannelId(_name(body, "channel_id")),
        action=_name(body, "command", most=MOST_NAME).removeprefix("/"),
        text=_typed(_text(body, "text")),
        respond_to=_text(body, "response_url") or None,
    )


def mention(body: Payload, bot_user: str) -> Incoming | None:
    """A message that names us; None for those that nobody wrote just now (edits, messages without a user)."""
    event = _object(body, "event")
    if not event.get("user") or event.get("edited"):
        return None
    text = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", " ", _text(event, "text"))
    return Incoming(
        id=_id(body, "event_id"),
        kind=IncomingKind.MENTION,
        user=UserId(_name(event, "user")),
        channel=ChannelId(_name(event, "channel")),
        text=_typed(text),
        thread=_optional_ts(event, "thread_ts"),
        message=_optional_ts(event, "ts"),
    )


def click(body: Payload) -> Incoming | None:
    """A press in a message or a view; None for buttons that only lead somewhere."""
    pressed = _first(body, "actions")
    action, value = _text(pressed, "action_id", most=MOST_NAME), _text(pressed, "value")
    if action.startswith(LINK_ACTION):
        return None
    if pressed.get("type") == "overflow":
        action, value = read_option(_text(_part(pressed, "selected_option"), "value"))
    container, fields = _part(body, "container"), dict[str, str]()
    if container.get("type") == "view":
        view = _object(body, "view")
        carried, origin = _carried(view)
        fields = _fields(view)
        value = value if pressed.get("type") in PRESSED else carried
        channel, thread, respond_to = origin.channel, origin.thread, origin.respond_to
        message = None
    else:
        channel = ChannelId(_text(_part(body, "channel"), "id", most=MOST_ID) or _name(container, "channel_id"))
        message = _optional_ts(container, "message_ts")
        thread = _optional_ts(container, "thread_ts") or _optional_ts(_part(body, "message"), "thread_ts")
        respond_to = _text(body, "response_url") or None
    return Incoming(
        id=_id(body, "trigger_id"),
        kind=IncomingKind.CLICK,
        user=UserId(_name(_object(body, "user"), "id")),
        channel=channel,
        action=action,
        value=value,
        fields=fields,
        thread=thread if thread != message else None,
        message=message,
        respond_to=respond_to,
    )


def submission(body: Payload) -> Incoming:
    """A submitted dialog; where it was opened from travelled with it."""
    view = _object(body, "view")
    carried, origin = _carried(view)
    return Incoming(
        id=_id(body, "trigger_id"),
        kind=IncomingKind.SUBMISSION,
        user=UserId(_name(_object(body, "user"), "id")),
        channel=origin.channel,
        action=_text(view, "callback_id", most=MOST_NAME),
        value=carried,
        fields=_fields(view),
        thread=origin.thread,
        respond_to=origin.respond_to,
    )


def view_of(body: Payload) -> str:
    """The id of the view in which something was pressed or typed."""
    return _name(_object(body, "view"), "id", most=MOST_NAME)


def workspace_of(body: Payload) -> str | None:
    """The workspace that something happened in; of an org-wide installation, the person's."""
    team, user = body.get("team"), body.get("user")
    if isinstance(team, Mapping):
        return _text(team, "id", most=MOST_ID) or None
    found = _text(body, "team_id", most=MOST_ID)
    if not found and isinstance(user, Mapping):
        found = _text(user, "team_id", most=MOST_ID)
    return found or None


def _fields(view: Payload) -> dict[str, str]:
    found: dict[str, str] = {}
    blocks = _part(_part(view, "state"), "values")
    for block_id in blocks:
        elements = _object(blocks, block_id)
        for name in elements:
            element = _object(elements, name)
            chosen = _text(_part(element, "selected_option"), "value") or _text(element, "selected_user")
            found[_sound(block_id)] = _text(element, "value") or chosen
    return found


def _carried(view: Payload) -> tuple[str, Origin]:
    try:
        carried, origin = read_metadata(_text(view, "private_metadata"))
    except RecursionError:
        raise Unreadable("private_metadata") from None
    if not all(isinstance(part, str | None) for part in (origin.channel, origin.thread, origin.respond_to)):
        raise Unreadable("private_metadata")
    return carried, origin


def _typed(text: str) -> str:
    """What a person typed, without Slack's entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _optional_ts(payload: Payload, key: str) -> MessageTs | None:
    ts = _text(payload, key, most=MOST_ID)
    return MessageTs(ts) if ts else None


def _id(body: Payload, key: str) -> str:
    """Equal for every delivery of the same act; should Slack ever send none, a digest of the payload."""
    given = _text(body, key, most=MOST_DELIVERY)
    return given or hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _name(payload: Payload, key: str, *, most: int = MOST_ID) -> str:
    """An id or name that must be there."""
    if not (found := _text(payload, key, most=most)):
        raise Unreadable(key)
    return found


def _text(payload: Payload, key: str, *, most: int | None = None) -> str:
    """Empty when it is absent."""
    found = payload.get(key)
    if found is None:
        return ""
    if not isinstance(found, str) or (most is not None and len(found) > most):
        raise Unreadable(key)
    return _sound(found)


def _sound(text: str) -> str:
    """Not every string of JSON can be stored: half a surrogate pair, and in PostgreSQL a NUL, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("text that cannot be stored") from None
    if "\0" in text:
        raise Unreadable("text that cannot be stored")
    return text


def _object(payload: Payload, key: str) -> Payload:
    found = payload.get(key)
    if not isinstance(found, Mapping):
        raise Unreadable(key)
    return found


def _part(payload: Payload, key: str) -> Payload:
    """An object that may be absent: it is empty then."""
    return {} if payload.get(key) is None else _object(payload, key)


def _first(payload: Payload, key: str) -> Payload:
    found = payload.get(key)
    if not isinstance(found, list) or not found or not isinstance(found[0], Mapping):
        raise Unreadable(key)
    return found[0]
