"""conversations.*: looking into channels, their members and what was said."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bot.sandbox.seeded import BOT_USER_ID, TEAM_ID
from bot.sandbox.slack.messages import Json, Message
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api.call import Call, Method, SlackError
from bot.sandbox.slack.web_api.pages import page, page_of_messages
from bot.sandbox.slack.web_api.places import channel_of, need_scope, readable_channel, user_of
from bot.sandbox.slack.workspace import Channel


def info(parts: Parts, call: Call) -> Json:
    channel = readable_channel(parts, call.required("channel", "channel_not_found"), "read")
    shown = _as_slack(parts, channel)
    if call.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def list_all(parts: Parts, call: Call) -> Json:
    """Public channels, and the private ones that the bot is in."""
    types = (call.text("types") or "public_channel").split(",")
    found: list[Channel] = []
    for channel in parts.workspace.channels.values():
        kind = "im" if channel.is_im else "private_channel" if channel.private else "public_channel"
        hidden = channel.private and not parts.workspace.is_member(channel, BOT_USER_ID)
        if kind in types and not hidden and not (channel.is_archived and call.flag("exclude_archived")):
            found.append(channel)
    for kind, scope in (("public_channel", "channels:read"), ("private_channel", "groups:read"), ("im", "im:read")):
        if kind in types:
            need_scope(parts, scope)
    shown, metadata = page(call, found, default=100)
    return {"channels": [_as_slack(parts, channel) for channel in shown], "response_metadata": metadata}


def history(parts: Parts, call: Call) -> Json:
    """Top-level messages, newest first; replies only where they were broadcast."""
    channel = _channel_with_bot(parts, call)
    in_range = _range(call)
    found = [m for m in parts.workspace.messages(channel.id) if m.is_top_level and in_range(m)]
    shown, metadata = page_of_messages(call, found[::-1], default=100, most=999)
    has_more = bool(metadata["next_cursor"])
    answer: Json = {"messages": [_message(parts, call, m) for m in shown], "has_more": has_more, "pin_count": 0}
    return {**answer, "response_metadata": metadata} if has_more else answer


def replies(parts: Parts, call: Call) -> Json:
    """A thread: its first message, then the replies, oldest first. The `ts` of a reply gives that reply alone."""
    channel = _channel_with_bot(parts, call)
    first = parts.workspace.find_message(channel.id, call.required("ts", "thread_not_found"))
    if first is None:
        raise SlackError("thread_not_found")
    answers = parts.workspace.replies(first)
    if first.deleted and not answers:
        raise SlackError("thread_not_found")
    thread = ([] if first.deleted else [first]) + list(filter(_range(call), answers))
    shown, metadata = page(call, thread, default=1_000)
    has_more = bool(metadata["next_cursor"])
    answer: Json = {"messages": [_message(parts, call, m) for m in shown], "has_more": has_more}
    return {**answer, "response_metadata": metadata} if has_more else answer


def members(parts: Parts, call: Call) -> Json:
    channel = readable_channel(parts, call.required("channel", "channel_not_found"), "read")
    shown, metadata = page(call, channel.members, default=100)
    return {"members": shown, "response_metadata": metadata}


def join(parts: Parts, call: Call) -> Json:
    channel = channel_of(parts, call.required("channel", "channel_not_found"))
    if channel.private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    settings = parts.workspace.settings
    settings.not_in_channel = [name for name in settings.not_in_channel if name not in (channel.id, channel.name)]
    if BOT_USER_ID not in channel.members:
        channel.members.append(BOT_USER_ID)
    return {"channel": _as_slack(parts, channel)}


def open_direct(parts: Parts, call: Call) -> Json:
    """The direct messages with one person; group messages are not part of the sandbox."""
    people = (call.text("users") or "").split(",")
    if people == [""]:
        raise SlackError("users_list_not_supplied")
    if len(people) > 1:
        raise SlackError("not_enough_users" if not people else "method_not_supported_for_channel_type")
    user = user_of(parts, people[0])
    if user.deleted:
        raise SlackError("user_disabled")
    channel = parts.workspace.direct_channel(user.id)
    shown = _as_slack(parts, channel) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shown}


def _channel_with_bot(parts: Parts, call: Call) -> Channel:
    channel = readable_channel(parts, call.required("channel", "channel_not_found"), "history")
    if not parts.workspace.is_member(channel, BOT_USER_ID):
        raise SlackError("not_in_channel")
    return channel


def _range(call: Call) -> Callable[[Message], bool]:
    """Whether a message is between `oldest` and `latest`, the ends themselves only when `inclusive`."""
    oldest = _moment(call.text("oldest") or "0", "invalid_ts_oldest")
    latest = _moment(call.text("latest") or "Infinity", "invalid_ts_latest")
    if call.flag("inclusive"):
        return lambda message: oldest <= Decimal(message.ts) <= latest
    return lambda message: oldest < Decimal(message.ts) < latest


def _moment(ts: str, error: str) -> Decimal:
    try:
        return Decimal(ts)
    except InvalidOperation:
        raise SlackError(error) from None


def _message(parts: Parts, call: Call, message: Message) -> Json:
    shown = message.as_slack(metadata=call.flag("include_all_metadata"))
    if message.is_reply:
        return shown
    answers = parts.workspace.replies(message)
    if answers:
        people = list(dict.fromkeys(answer.user for answer in answers))
        shown |= {
            "thread_ts": message.ts, "reply_count": len(answers), "reply_users": people,
            "reply_users_count": len(people), "latest_reply": answers[-1].ts,
        }  # fmt: skip
    return shown


def _as_slack(parts: Parts, channel: Channel) -> Json:
    if channel.is_im:
        return {"id": channel.id, "created": 0, "is_im": True, "is_archived": False, "user": channel.name}
    return {
        "id": channel.id, "name": channel.name, "name_normalized": channel.name, "is_channel": not channel.private,
        "is_group": False, "is_im": False, "is_mpim": False, "is_private": channel.private, "created": 0,
        "is_archived": channel.is_archived, "is_general": False, "is_shared": False, "is_org_shared": False,
        "is_ext_shared": False, "is_pending_ext_shared": False, "context_team_id": TEAM_ID,
        "is_member": parts.workspace.is_member(channel, BOT_USER_ID), "creator": "U0ADMIN",
        "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
    }  # fmt: skip


METHODS = {
    "conversations.info": Method(info),
    "conversations.list": Method(list_all),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "conversations.members": Method(members),
    "conversations.join": Method(join, ("channels:join",)),
    "conversations.open": Method(open_direct, ("im:write",)),
}
