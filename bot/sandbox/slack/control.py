"""The control API of the Slack side: act as a person, look at what people see, turn the knobs."""

import re
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field

from bot.sandbox.control.http import Body, ControlError, read_body
from bot.sandbox.slack.acts.click import Click, click
from bot.sandbox.slack.acts.modal import Close, Search, Submit, close, search, submit
from bot.sandbox.slack.acts.persons import the_channel, the_message, the_user, the_usergroup
from bot.sandbox.slack.acts.replay import Replay, replay
from bot.sandbox.slack.acts.say import Say, say
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.seen import ephemeral_as_json, message_as_json, user_as_json, view_as_json
from bot.sandbox.slack.socket_mode import DisconnectReason

BodyT = TypeVar("BodyT", bound=BaseModel)
DELIVERY_NUMBER = re.compile(r"[0-9]{1,18}")


class PatchUser(Body):
    deleted: bool | None = None
    is_restricted: bool | None = None
    is_stranger: bool | None = None
    name: str | None = Field(default=None, min_length=1)


class PatchUserGroup(Body):
    users: list[str]


class PatchChannel(Body):
    is_archived: bool | None = None


class PatchSlack(Body):
    rate_limits: bool | None = None
    scale: float | None = Field(default=None, gt=0)
    refuse_scope: str | list[str] | None = None
    not_in_channel: str | list[str] | None = None
    plan_upgrade_required: bool | None = None


class Disconnect(Body):
    """Slack's reasons, and two that a network has; `only`: one connection, counted from 0."""

    reason: DisconnectReason | Literal["cut", "half_open"] = "refresh_requested"
    close: bool = True
    only: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=30, ge=0)


class Control:
    """The routes. Bodies and answers are those of the control API's contract."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/say", self._act(Say, say)),
            web.post("/api/click", self._act(Click, click)),
            web.post("/api/submit", self._act(Submit, submit)),
            web.post("/api/close", self._act(Close, close)),
            web.post("/api/options", self._act(Search, search)),
            web.post("/api/replay", self._act(Replay, replay)),
            web.get("/api/deliveries", self._deliveries),
            web.get("/api/channels/{channel}/messages", self._messages),
            web.delete("/api/channels/{channel}/messages/{ts}", self._delete_message),
            web.patch("/api/channels/{channel}", self._patch_channel),
            web.get("/api/users/{user}/ephemerals", self._ephemerals),
            web.get("/api/users/{user}/views", self._views),
            web.patch("/api/users/{user}", self._patch_user),
            web.patch("/api/usergroups/{usergroup}", self._patch_usergroup),
            web.get("/api/slack", self._settings),
            web.patch("/api/slack", self._patch_slack),
            web.post("/api/slack/disconnect", self._disconnect),
        ]

    def _act(
        self, model: type[BodyT], act: Callable[[Parts, BodyT], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response(await act(self._parts, await read_body(request, model)))

        return handle

    async def _deliveries(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "").removeprefix("D") or "0"
        if not DELIVERY_NUMBER.fullmatch(after):
            raise ControlError(400, "malformed", "after: the id of a delivery", "after")
        deliveries = self._parts.deliveries
        found = [delivery.as_json() for delivery in deliveries.after(int(after))]
        found += deliveries.beside.after(int(after)) if deliveries.beside else []
        return web.json_response({"deliveries": sorted(found, key=lambda one: int(one["id"][1:]))})

    async def _messages(self, request: web.Request) -> web.Response:
        channel = the_channel(self._parts, request.match_info["channel"])
        after = request.query.get("after", "")
        top = [m for m in self._parts.workspace.messages(channel.id) if m.is_top_level and m.ts > after]
        return web.json_response({"messages": [message_as_json(self._parts, message) for message in top]})

    async def _delete_message(self, request: web.Request) -> web.Response:
        channel = the_channel(self._parts, request.match_info["channel"])
        message = the_message(self._parts, channel, request.match_info["ts"])
        self._parts.workspace.delete(message)
        self._parts.touched()
        return web.json_response({"deleted": message.ts})

    async def _patch_channel(self, request: web.Request) -> web.Response:
        channel = the_channel(self._parts, request.match_info["channel"])
        body = await read_body(request, PatchChannel)
        if body.is_archived is not None:
            channel.is_archived = body.is_archived
        self._parts.touched()
        return web.json_response({"channel": {"id": channel.id, "is_archived": channel.is_archived}})

    async def _ephemerals(self, request: web.Request) -> web.Response:
        user = the_user(self._parts, request.match_info["user"])
        seen = [e for e in self._parts.workspace.ephemerals if e.user == user.id and not e.deleted]
        return web.json_response({"ephemerals": [ephemeral_as_json(self._parts, one) for one in seen]})

    async def _views(self, request: web.Request) -> web.Response:
        user = the_user(self._parts, request.match_info["user"])
        views = self._parts.modals.of_user(user.id)
        return web.json_response({"views": [view_as_json(self._parts, view) for view in views]})

    async def _patch_user(self, request: web.Request) -> web.Response:
        user = the_user(self._parts, request.match_info["user"])
        body = await read_body(request, PatchUser)
        for key, value in body.model_dump(exclude_none=True).items():
            setattr(user, key, value)
        self._parts.touched()
        return web.json_response({"user": user_as_json(self._parts, user)})

    async def _patch_usergroup(self, request: web.Request) -> web.Response:
        group = the_usergroup(self._parts, request.match_info["usergroup"])
        body = await read_body(request, PatchUserGroup)
        group.users = [the_user(self._parts, name).id for name in body.users]
        self._parts.touched()
        return web.json_response({"usergroup": {"id": group.id, "name": group.name, "users": group.users}})

    async def _settings(self, request: web.Request) -> web.Response:
        """The knobs as they stand, and what Slack would hint at when a person types `/`."""
        commands = [
            {"name": command.name, "description": command.description, "usage_hint": command.usage_hint}
            for command in self._parts.installation.commands.values()
        ]
        return web.json_response({**self._settings_json(), "commands": commands})

    async def _patch_slack(self, request: web.Request) -> web.Response:
        """Lists may be one name, a list, or null for none; what is left out stays."""
        body = await read_body(request, PatchSlack)
        settings = self._parts.workspace.settings
        for key in body.model_fields_set:
            value = getattr(body, key)
            if key == "refuse_scope":
                settings.refuse_scope = _listed(value)
            elif key == "not_in_channel":
                settings.not_in_channel = [the_channel(self._parts, name).id for name in _listed(value)]
            elif value is not None:
                setattr(settings, key, value)
        self._parts.limits.forget()
        return web.json_response(self._settings_json())

    async def _disconnect(self, request: web.Request) -> web.Response:
        """Slack asks the bot's websockets to reconnect, or they break."""
        body = await read_body(request, Disconnect)
        socket_mode = self._parts.socket_mode
        match body.reason:
            case "cut":
                count = socket_mode.cut(only=body.only)
            case "half_open":
                count = socket_mode.half_open(body.seconds, only=body.only)
            case _:
                count = await socket_mode.disconnect(body.reason, close=body.close, only=body.only)
        return web.json_response({"connections": count})

    def _settings_json(self) -> Json:
        settings = self._parts.workspace.settings
        return {
            "rate_limits": settings.rate_limits, "scale": settings.scale, "refuse_scope": settings.refuse_scope,
            "not_in_channel": settings.not_in_channel, "plan_upgrade_required": settings.plan_upgrade_required,
            "connections": self._parts.socket_mode.connections,
        }  # fmt: skip


def _listed(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value
