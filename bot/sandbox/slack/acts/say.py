"""A person writes: a slash command, a mention of the bot, or a plain message."""

from bot.sandbox.control.http import Body, ControlError
from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.acts.persons import acting_user, entered_channel, the_message
from bot.sandbox.slack.acts.typed import as_stored, escaped, mentions_bot
from bot.sandbox.slack.answers import shown_ack
from bot.sandbox.slack.deliveries import Acknowledged
from bot.sandbox.slack.interactions import Interaction
from bot.sandbox.slack.messages import Content, Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.payloads import message_event, slash_command
from bot.sandbox.slack.workspace import Channel, User


class Say(Body):
    user: str
    channel: str
    text: str
    thread_ts: str | None = None
    force: bool = False


async def say(parts: Parts, body: Say) -> Json:
    """Deliver what was written; back when the bot has acknowledged it, or has not in time."""
    user = acting_user(parts, body.user, force=body.force)
    channel = entered_channel(parts, body.channel, user, force=body.force)
    if not body.text.strip():
        raise ControlError(400, "malformed", "text: nothing was written", "text")
    if body.text.startswith("/"):
        return await _command(parts, user, channel, body)
    if channel.is_archived:
        raise ControlError(422, "is_archived", f"{channel.name} is archived", "channel")
    return await _message(parts, user, channel, body)


async def _command(parts: Parts, user: User, channel: Channel, body: Say) -> Json:
    name, *rest = body.text.split(maxsplit=1)
    command = parts.installation.commands.get(name)
    if command is None:
        raise ControlError(404, "unknown_command", f"{name} is not a valid command in this workspace", "text")
    if body.thread_ts is not None:
        raise ControlError(409, "command_in_thread", f"{name} is not supported in threads", "thread_ts")
    typed = "".join(rest).strip()
    written = as_stored(parts.workspace, typed, in_command=True) if command.should_escape else escaped(typed)
    acts: list[Interaction] = []

    def build(base: str) -> Json:
        acts.append(parts.interactions.begin(user.id, channel=channel.id, is_command=True))
        return slash_command(user, channel, name, written, acts[-1], base)

    acknowledged = await parts.deliveries.deliver("command", "slash_commands", user.id, build)
    if acknowledged is None:
        return {"kind": "command", "ack": None}
    return {"kind": "command", "ack": acknowledgement(parts, acknowledged, acts[-1])}


async def _message(parts: Parts, user: User, channel: Channel, body: Say) -> Json:
    stored = as_stored(parts.workspace, body.text)
    if body.thread_ts is not None:
        the_message(parts, channel, body.thread_ts)
    message = parts.workspace.post(channel.id, user.id, Content(text=stored), thread_ts=body.thread_ts)
    parts.touched()
    acknowledged = None
    is_mention = mentions_bot(stored) and not channel.is_im
    family = "im" if channel.is_im else "groups" if channel.private else "channels"
    if not parts.workspace.is_member(channel, BOT_USER_ID):
        return {"kind": "mention" if is_mention else "message", "ts": message.ts, "ack": None}
    if is_mention and parts.installation.subscribes("app_mention"):
        payload = message_event("app_mention", message, channel, user)
        acknowledged = await parts.deliveries.deliver_event("mention", user.id, payload)
    if parts.installation.subscribes(f"message.{family}"):
        payload = message_event("message", message, channel, user)
        heard = await parts.deliveries.deliver_event("message", user.id, payload)
        acknowledged = acknowledged or (heard if not is_mention else None)
    return {
        "kind": "mention" if is_mention else "message", "ts": message.ts,
        "ack": acknowledged.as_json() if acknowledged else None,
    }  # fmt: skip


def acknowledgement(parts: Parts, acknowledged: Acknowledged, act: Interaction) -> Json:
    """Show what the acknowledgement of a command carries, and tell about it."""
    return {**acknowledged.as_json(), **shown_ack(parts, acknowledged.answer, act)}
