"""chat.*: post, update, delete, whisper, link; and reactions."""

import re
from typing import Any

from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.blocks import TOO_LONG, validate_message_blocks
from bot.sandbox.slack.messages import TEXT_LIMIT, Content, Json, Message
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.shapes import Problems
from bot.sandbox.slack.web_api.call import Call, Method, SlackError, invalid
from bot.sandbox.slack.web_api.places import channel_of, message_of, user_of, writable_channel
from bot.sandbox.slack.workspace import Channel

TS = re.compile(r"\d{6,}\.\d{6}")
ATTACHMENTS = 100
EVENT_TYPE = re.compile(r"[A-Za-z0-9_.\-]+")
METADATA_LIMIT = 10_000
KEPT_OPTIONS = ("unfurl_links", "unfurl_media", "mrkdwn", "parse", "link_names")


def post_message(parts: Parts, call: Call) -> Json:
    channel = writable_channel(parts, call.required("channel", "channel_not_found"), names_too=True)
    content = _content(call)
    if _is_empty(content):
        raise SlackError("no_text")
    thread_ts = _thread(parts, call, channel)
    options = {name: call.arguments[name] for name in KEPT_OPTIONS if name in call.arguments}
    message = parts.workspace.post(
        channel.id, BOT_USER_ID, content, thread_ts=thread_ts, options=options,
        broadcast=thread_ts is not None and call.flag("reply_broadcast"),
    )  # fmt: skip
    parts.touched()
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack(metadata=True)}


def update(parts: Parts, call: Call) -> Json:
    """What is omitted: blocks go when text comes alone, attachments and metadata stay."""
    channel = writable_channel(parts, call.required("channel", "channel_not_found"))
    message = message_of(parts, channel, call.required("ts", "message_not_found"))
    if message.user != BOT_USER_ID:
        raise SlackError("cant_update_message")
    content = _content(call)
    if not any(call.has(name) for name in ("text", "blocks", "attachments", "metadata")):
        raise SlackError("no_text")
    if not (call.has("text") or call.has("blocks")):
        content.text, content.blocks = message.content.text, message.content.blocks
    if not call.has("attachments"):
        content.attachments = message.content.attachments
    if not call.has("metadata"):
        content.metadata = message.content.metadata
    if _is_empty(content):
        raise SlackError("no_text")
    parts.workspace.rewrite(message, content)
    if not content.blocks:
        message.edited = {"user": BOT_USER_ID, "ts": parts.workspace.next_ts()}
    if message.is_reply and call.flag("reply_broadcast"):
        message.broadcast = True
    parts.touched()
    return {
        "channel": channel.id, "ts": message.ts, "text": content.text, "message": message.as_slack(metadata=True),
    }  # fmt: skip


def delete(parts: Parts, call: Call) -> Json:
    channel = channel_of(parts, call.required("channel", "channel_not_found"))
    message = message_of(parts, channel, call.required("ts", "message_not_found"))
    if message.user != BOT_USER_ID:
        raise SlackError("cant_delete_message")
    parts.workspace.delete(message)
    parts.touched()
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(parts: Parts, call: Call) -> Json:
    channel = writable_channel(parts, call.required("channel", "channel_not_found"), names_too=True)
    user = user_of(parts, call.required("user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    content = _content(call)
    if _is_empty(content):
        raise SlackError("no_text")
    whispered = parts.workspace.whisper(user.id, channel.id, "postEphemeral", content)
    parts.touched()
    return {"message_ts": whispered.ts}


def get_permalink(parts: Parts, call: Call) -> Json:
    channel = channel_of(parts, call.required("channel", "channel_not_found"))
    message = message_of(parts, channel, call.required("message_ts", "message_not_found"))
    link = f"{parts.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(parts: Parts, call: Call) -> Json:
    channel = writable_channel(parts, call.required("channel", "channel_not_found"))
    message = message_of(parts, channel, call.required("timestamp", "bad_timestamp"))
    name = call.required("name", "invalid_name").strip(":")
    people = message.reactions.setdefault(name, [])
    if BOT_USER_ID in people:
        raise SlackError("already_reacted")
    people.append(BOT_USER_ID)
    parts.touched()
    return {}


def _content(call: Call) -> Content:
    """What the call says. Raises `SlackError` for blocks, attachments or metadata that Slack refuses."""
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    _refuse_bad_blocks(blocks or [], "")
    attachments = _attachments(call)
    return Content(
        text=(call.text("text") or "")[:TEXT_LIMIT], blocks=blocks or [], attachments=attachments,
        metadata=_metadata(call),
    )  # fmt: skip


def _refuse_bad_blocks(blocks: list[Json], prefix: str) -> None:
    problems = [
        problem.replace("json-pointer:", f"json-pointer:{prefix}") for problem in validate_message_blocks(blocks)
    ]
    if problems:
        raise invalid(TOO_LONG if problems[0].startswith(TOO_LONG) else "invalid_blocks", problems)


def _attachments(call: Call) -> list[Json]:
    attachments = call.structure("attachments", "invalid_attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for n, attachment in enumerate(attachments):
        _refuse_bad_blocks(attachment.get("blocks") or [], f"/attachments/{n}")
    return attachments


def _metadata(call: Call) -> Json | None:
    """None when omitted, and for the empty object that takes metadata away."""
    metadata: Any = call.structure("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    problems = Problems()
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or EVENT_TYPE.fullmatch(event_type) is None:
        problems.add("must provide a string", "/metadata/event_type")
    if not isinstance(metadata.get("event_payload"), dict):
        problems.add("must provide an object", "/metadata/event_payload")
    for key in metadata.keys() - {"event_type", "event_payload", "entities"}:
        problems.add(f"invalid additional property: {key}", "/metadata")
    if problems.found:
        raise invalid("invalid_metadata_format", problems.found)
    if len(str(metadata)) > METADATA_LIMIT:
        raise SlackError("metadata_too_large")
    return metadata


def _is_empty(content: Content) -> bool:
    return not (content.text.strip() or content.blocks or content.attachments)


def _thread(parts: Parts, call: Call, channel: Channel) -> str | None:
    """The thread that a post goes to. A deleted parent keeps its thread; one that never was is refused."""
    thread_ts = call.text("thread_ts")
    if thread_ts is None:
        return None
    parent: Message | None = parts.workspace.find_message(channel.id, thread_ts) if TS.fullmatch(thread_ts) else None
    if parent is None:
        raise SlackError("invalid_thread_ts" if not TS.fullmatch(thread_ts) else "thread_not_found")
    return parent.thread_ts if parent.is_reply else parent.ts


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
    "reactions.add": Method(add_reaction, ("reactions:write",)),
}
