"""What people see, in the shapes of the control API."""

from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.acts.inputs import listed_inputs
from bot.sandbox.slack.elements import buttons
from bot.sandbox.slack.messages import Ephemeral, Json, Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.plain import text_object
from bot.sandbox.slack.plain import view as plain_view
from bot.sandbox.slack.workspace import Channel, User, UserGroup


def message_as_json(parts: Parts, message: Message) -> Json:
    """A message; the replies of a thread hang below its first message only."""
    workspace, content = parts.workspace, message.content
    author = workspace.users.get(message.user)
    replies = [] if message.is_reply else workspace.replies(message)
    return {
        "ts": message.ts, "thread_ts": message.thread_ts, "user": message.user,
        "is_bot": message.bot_id is not None or bool(author and author.is_bot), "text": content.text,
        "plain": parts.plain(content), "blocks": content.blocks, "attachments": content.attachments,
        "metadata": content.metadata, "edits": message.edits, "reactions": message.reactions,
        "replies": [message_as_json(parts, reply) for reply in replies], "files": message.files,
        "buttons": buttons(content.all_blocks(), parts.names),
    }  # fmt: skip


def ephemeral_as_json(parts: Parts, ephemeral: Ephemeral) -> Json:
    content = ephemeral.content
    return {
        "id": ephemeral.id, "channel": ephemeral.channel, "ts": ephemeral.ts, "via": ephemeral.via,
        "text": content.text, "plain": parts.plain(content), "blocks": content.blocks,
        "attachments": content.attachments, "buttons": buttons(content.all_blocks(), parts.names),
    }  # fmt: skip


def view_as_json(parts: Parts, view: View) -> Json:
    payload = view.payload
    return {
        "view_id": view.id, "callback_id": payload.get("callback_id", ""),
        "title": text_object(payload.get("title"), parts.names), "plain": plain_view(payload, parts.names),
        "open": view.open, "inputs": listed_inputs(payload["blocks"], parts.names),
        "buttons": buttons(payload["blocks"], parts.names), "blocks": payload["blocks"],
        "submit": text_object(payload.get("submit"), parts.names) or None,
        "close": text_object(payload.get("close"), parts.names) or None,
        "previous_view_id": view.previous_view_id,
    }  # fmt: skip


def user_as_json(parts: Parts, user: User) -> Json:
    groups = [group.id for group in parts.workspace.usergroups.values() if user.id in group.users]
    return {"id": user.id, "name": user.name, "kind": user.kind, "usergroups": groups}


def state_as_json(parts: Parts) -> Json:
    """Slack's part of `GET /api/state`: the people one can act as, their groups, and the channels."""
    workspace = parts.workspace
    people = [user for user in workspace.users.values() if user.id != BOT_USER_ID]
    return {
        "users": [user_as_json(parts, user) for user in people],
        "usergroups": [_usergroup(group) for group in workspace.usergroups.values()],
        "channels": [_channel(channel) for channel in workspace.channels.values() if not channel.is_im],
    }


def _usergroup(group: UserGroup) -> Json:
    return {"id": group.id, "name": group.name, "users": list(group.users)}


def _channel(channel: Channel) -> Json:
    return {"id": channel.id, "name": channel.name, "private": channel.private, "members": list(channel.members)}
