"""Resolving the channels, messages and people that a call names, with Slack's refusals."""

from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api.call import SlackError
from bot.sandbox.slack.workspace import Channel, User


def channel_of(parts: Parts, wanted: str, *, names_too: bool = False) -> Channel:
    """The channel of that id. A private one without the bot in it does not exist for the bot."""
    workspace = parts.workspace
    channel = workspace.channels.get(wanted)
    if channel is None and names_too:
        if wanted in workspace.users:
            channel = workspace.direct_channel(wanted)
        name = wanted.removeprefix("#")
        channel = channel or next((c for c in workspace.channels.values() if c.name == name and not c.is_im), None)
    if channel is None or (channel.private and not workspace.is_member(channel, BOT_USER_ID)):
        raise SlackError("channel_not_found")
    return channel


def writable_channel(parts: Parts, wanted: str, *, names_too: bool = False) -> Channel:
    """A channel that the bot may write into now."""
    channel = channel_of(parts, wanted, names_too=names_too)
    if channel.is_archived:
        raise SlackError("is_archived")
    scopes = parts.installation.scopes
    may_enter = scopes is not None and "chat:write.public" in scopes
    if not parts.workspace.is_member(channel, BOT_USER_ID) and not may_enter:
        raise SlackError("not_in_channel")
    return channel


def readable_channel(parts: Parts, wanted: str, kind: str) -> Channel:
    """A channel whose `kind` (history, read) the bot may see; public and private ones have scopes of their own."""
    channel = channel_of(parts, wanted)
    family = "im" if channel.is_im else "groups" if channel.private else "channels"
    need_scope(parts, f"{family}:{kind}")
    return channel


def need_scope(parts: Parts, scope: str) -> None:
    installed = parts.installation.scopes
    refused = set(parts.workspace.settings.refuse_scope)
    if scope in refused or (installed is not None and scope not in installed):
        provided = sorted((installed or frozenset()) - refused)
        raise SlackError("missing_scope", needed=scope, provided=",".join(provided))


def message_of(parts: Parts, channel: Channel, ts: str) -> Message:
    message = parts.workspace.find_message(channel.id, ts)
    if message is None or message.deleted:
        raise SlackError("message_not_found")
    return message


def user_of(parts: Parts, wanted: str) -> User:
    user = parts.workspace.users.get(wanted)
    if user is None:
        raise SlackError("user_not_found")
    return user
