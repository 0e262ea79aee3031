"""Who acts where: resolving people, channels, messages and views, with the control API's refusals."""

from bot.sandbox.control.http import ControlError
from bot.sandbox.slack.messages import Ephemeral, Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.workspace import Channel, UnknownThing, User, UserGroup


def the_user(parts: Parts, name: str) -> User:
    try:
        return parts.workspace.user(name)
    except UnknownThing as unknown:
        raise ControlError(404, "no_such_user", str(unknown), "user") from None


def the_channel(parts: Parts, name: str) -> Channel:
    try:
        return parts.workspace.channel(name)
    except UnknownThing as unknown:
        raise ControlError(404, "no_such_channel", str(unknown), "channel") from None


def the_usergroup(parts: Parts, name: str) -> UserGroup:
    try:
        return parts.workspace.usergroup(name)
    except UnknownThing as unknown:
        raise ControlError(404, "no_such_usergroup", str(unknown), "usergroup") from None


def acting_user(parts: Parts, name: str, *, force: bool) -> User:
    """The person, if Slack lets him do anything."""
    user = the_user(parts, name)
    if user.deleted and not force:
        raise ControlError(409, "user_deactivated", f"{user.name} is deactivated and cannot act", "user")
    return user


def entered_channel(parts: Parts, name: str, user: User, *, force: bool) -> Channel:
    """The channel, if that person is in it."""
    channel = the_channel(parts, name)
    if user.id not in channel.members and not force:
        raise ControlError(409, "user_not_in_channel", f"{user.name} is not in {channel.name}", "channel")
    return channel


def the_message(parts: Parts, channel: Channel, ts: str) -> Message:
    message = parts.workspace.find_message(channel.id, ts)
    if message is None or message.deleted:
        raise ControlError(404, "no_such_message", f"no message {ts} in {channel.name}", "ts")
    return message


def the_ephemeral(parts: Parts, ephemeral_id: str, user: User) -> Ephemeral:
    ephemeral = parts.workspace.find_ephemeral(ephemeral_id)
    if ephemeral is None or ephemeral.deleted or ephemeral.user != user.id:
        raise ControlError(404, "no_such_message", f"{user.name} sees no {ephemeral_id}", "ephemeral_id")
    return ephemeral


def the_view(parts: Parts, view_id: str, user: User) -> View:
    """The view that lies on top of that person's modal."""
    view = parts.modals.find(view_id)
    if view is None or view.user != user.id:
        raise ControlError(404, "no_such_view", f"{user.name} has no view {view_id}", "view_id")
    if not view.open:
        raise ControlError(409, "view_not_open", f"the view {view_id} is closed", "view_id")
    if view is not parts.modals.stack(user.id)[-1]:
        raise ControlError(409, "view_not_on_top", f"another view lies above {view_id}", "view_id")
    return view
