"""The payloads that Slack sends to the bot, field by field."""

import time
import uuid
from typing import Any

from bot.sandbox.seeded import APP_ID, BOT_USER_ID, TEAM_ID
from bot.sandbox.slack.interactions import Interaction
from bot.sandbox.slack.messages import Ephemeral, Json, Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.workspace import Channel, User

TEAM_DOMAIN = "sandbox"
VERIFICATION_TOKEN = "sandbox-verification"


def slash_command(user: User, channel: Channel, command: str, text: str, act: Interaction, base: str) -> Json:
    return {
        "token": VERIFICATION_TOKEN, "team_id": TEAM_ID, "team_domain": TEAM_DOMAIN, "channel_id": channel.id,
        "channel_name": shown_name(channel), "user_id": user.id, "user_name": user.name, "command": command,
        "text": text, "api_app_id": APP_ID, "is_enterprise_install": "false",
        "response_url": act.response_url(base), "trigger_id": act.trigger_id,
    }  # fmt: skip


def event(inner: Json, user: User) -> Json:
    """The callback around an event. `event_id` stays the same over Slack's repeats."""
    return {
        "token": VERIFICATION_TOKEN, "team_id": TEAM_ID, "context_team_id": TEAM_ID, "api_app_id": APP_ID,
        "event": inner, "type": "event_callback", "event_id": f"Ev{uuid.uuid4().hex[:12].upper()}",
        "event_time": int(time.time()), "is_ext_shared_channel": user.is_stranger,
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True,
             "is_enterprise_install": False}
        ],
    }  # fmt: skip


def message_event(kind: str, message: Message, channel: Channel, user: User) -> Json:
    inner: Json = {
        "type": kind, "user": user.id, "ts": message.ts, "text": message.content.text, "team": TEAM_ID,
        "channel": channel.id, "event_ts": message.ts, "client_msg_id": str(uuid.uuid4()),
        "user_team": user.team_id, "source_team": user.team_id,
    }  # fmt: skip
    if kind == "message":
        inner["channel_type"] = "im" if channel.is_im else "group" if channel.private else "channel"
    if message.thread_ts is not None:
        inner["thread_ts"] = message.thread_ts
    if user.is_bot:
        inner |= {"bot_id": f"B{user.id[1:]}"}
    return event(inner, user)


def message_click(
    user: User, channel: Channel, message: Message, action: Json, act: Interaction, base: str, state: Json
) -> Json:
    container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": False}
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    return {
        **_block_actions(user, action, act, state),
        "container": container, "channel": {"id": channel.id, "name": shown_name(channel)},
        "message": message.as_slack(metadata=True), "response_url": act.response_url(base),
    }  # fmt: skip


def ephemeral_click(
    user: User, channel: Channel, ephemeral: Ephemeral, action: Json, act: Interaction, base: str, state: Json
) -> Json:
    return {
        **_block_actions(user, action, act, state),
        "container": {
            "type": "message", "message_ts": ephemeral.ts, "channel_id": channel.id, "is_ephemeral": True,
        },
        "channel": {"id": channel.id, "name": shown_name(channel)}, "response_url": act.response_url(base),
    }  # fmt: skip


def view_click(user: User, view: View, action: Json, act: Interaction, values: Json) -> Json:
    shown = _block_actions(user, action, act, values)
    shown.pop("state")
    return {**shown, "container": {"type": "view", "view_id": view.id}, "view": view.as_slack(values)}


def view_submission(user: User, view: View, act: Interaction, values: Json) -> Json:
    return {
        **_person(user), "type": "view_submission", "trigger_id": act.trigger_id, "view": view.as_slack(values),
        "response_urls": [],
    }  # fmt: skip


def view_closed(user: User, view: View, *, is_cleared: bool) -> Json:
    return {**_person(user), "type": "view_closed", "view": view.as_slack(), "is_cleared": is_cleared}


def block_suggestion(user: User, view: View, block_id: str, action_id: str, query: str) -> Json:
    return {
        **_person(user), "type": "block_suggestion", "container": {"type": "view", "view_id": view.id},
        "view": view.as_slack(), "block_id": block_id, "action_id": action_id, "value": query,
    }  # fmt: skip


def shown_name(channel: Channel) -> str:
    """The channel's name in payloads: private ones do not tell theirs."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.private else channel.name


def _block_actions(user: User, action: Json, act: Interaction, state: Json) -> Json:
    return {
        **_person(user), "type": "block_actions", "trigger_id": act.trigger_id, "actions": [action],
        "state": {"values": state},
    }  # fmt: skip


def _person(user: User) -> dict[str, Any]:
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID, "token": VERIFICATION_TOKEN, "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None, "is_enterprise_install": False,
    }  # fmt: skip
