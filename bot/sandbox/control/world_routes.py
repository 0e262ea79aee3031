"""The part of the control API that belongs to the world as a whole: ready, state, requests, faults, bots, settle."""

import asyncio
import re
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from bot.sandbox.bots import Bot, BotFailed
from bot.sandbox.control.http import Body, ControlError, WithoutNul, read_body
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Fault, FaultKind, ServiceName
from bot.sandbox.world import World

SETTLE_EVERY = 0.02
VariableName = Annotated[str, Field(pattern=r"^[^=\x00]+$")]


class FaultBody(Body):
    service: ServiceName
    do: FaultKind
    method: str | None = None
    path: str | None = None
    status: int = Field(default=500, ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float | None = Field(default=None, ge=0)
    times: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    bot: str | None = None


class BotBody(Body):
    bot: str
    do: Literal["kill", "stop", "start"]
    env: dict[VariableName, WithoutNul] | None = None
    config: str | None = None


class SettleBody(Body):
    timeout: float = Field(default=20, ge=0, le=600)


class WorldControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/ready", self.ready),
            web.get("/api/state", self.state),
            web.get("/api/requests", self.requests),
            web.get("/api/faults", self.faults),
            web.post("/api/faults", self.add_fault),
            web.delete("/api/faults", self.end_faults),
            web.post("/api/bots", self.bots),
            web.post("/api/settle", self.settle),
            web.get("/api/events", self.events),
        ]

    async def ready(self, request: web.Request) -> web.Response:
        world = self._world
        if not world.ready:
            raise ControlError(503, "starting", "the sandbox is still starting")
        bots = [
            {"name": bot.name, "pid": bot.pid, "ready": bool((await bot.readiness() or {}).get("ready"))}
            for bot in world.bots.by_name.values()
        ]
        return web.json_response({
            "bots": bots,
            "urls": world.urls(),
            "tokens": {
                "argocd": {
                    "tiphys": TOKENS.argocd_tiphys, "admin": TOKENS.argocd_admin, "webhook": TOKENS.argocd_webhook,
                },
                "github": {"tiphys": TOKENS.github_tiphys, "developer": TOKENS.github_developer},
                "slack": {
                    "bot": TOKENS.slack_bot, "app": TOKENS.slack_app, "signing_secret": TOKENS.slack_signing_secret,
                },
                "alertmanager": TOKENS.alertmanager,
            },
            "paths": {"config": str(world.config), "home": str(world.home)},
            "database_url": world.database_url(),
        })  # fmt: skip

    async def state(self, request: web.Request) -> web.Response:
        found: dict[str, Any] = {}
        for service in self._world.services:
            found |= service.state()
        return web.json_response(found)

    async def requests(self, request: web.Request) -> web.Response:
        try:
            after = int(request.query.get("after", "0"))
        except ValueError:
            raise ControlError(400, "malformed", "after: must be a number", "after") from None
        found, last = self._world.traffic.requests(service=request.query.get("service"), after=after)
        return web.json_response({"requests": [entry.as_json() for entry in found], "last": last})

    async def faults(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.as_json() for fault in self._world.traffic.faults()]})

    async def add_fault(self, request: web.Request) -> web.Response:
        body = await read_body(request, FaultBody)
        if body.bot is not None:
            self._bot(body.bot)
        try:
            path = re.compile(body.path) if body.path is not None else None
        except re.error as error:
            raise ControlError(400, "malformed", f"path: not a regular expression: {error}", "path") from None
        fault = self._world.traffic.add_fault(
            Fault(
                id="", service=body.service, do=body.do, method=body.method, path=path, status=body.status,
                headers=body.headers, seconds=body.seconds, left=body.times, bot=body.bot, skip=body.skip,
            )
        )  # fmt: skip
        return web.json_response({"id": fault.id})

    async def end_faults(self, request: web.Request) -> web.Response:
        self._world.traffic.end_faults()
        return web.json_response({})

    async def bots(self, request: web.Request) -> web.Response:
        body = await read_body(request, BotBody)
        bot = self._bot(body.bot)
        if body.do == "kill":
            await bot.kill()
        elif body.do == "stop":
            await bot.stop()
        if body.env is not None:
            bot.extra = body.env
        if body.config is not None and self._world.configure(body.config) and body.do == "start":
            await bot.stop()  # else it would go on looking at the other file
        if body.do == "start":
            try:
                await bot.start()
            except BotFailed as error:
                raise ControlError(409, "bot_failed", str(error)) from None
        self._world.feed.touch()
        return web.json_response({"pid": bot.pid})

    async def settle(self, request: web.Request) -> web.Response:
        body = await read_body(request, SettleBody)
        loop = asyncio.get_running_loop()
        started = loop.time()
        pending: dict[str, int] | None = None
        while True:
            pending = await self._world.bots.pending()
            waited = loop.time() - started
            world = self._world
            senders = (world.github.webhooks, world.alertmanager, world.argocd.notifications)
            is_told = not any(sender.under_way for sender in senders)
            is_settled = pending is not None and not any(pending.values()) and is_told
            if is_settled or waited >= body.timeout:
                answer = {"settled": is_settled, "ms": round(waited * 1000), "pending": pending}
                return web.json_response(answer)
            await asyncio.sleep(SETTLE_EVERY)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events for the page: one line whenever something in the world moved."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            async for count in self._world.feed.watch():
                await response.write(f"data: {count}\n\n".encode())
                await asyncio.sleep(0.1)
        except (ConnectionResetError, asyncio.CancelledError):
            pass
        return response

    def _bot(self, name: str) -> Bot:
        bot = self._world.bots.by_name.get(name)
        if bot is None:
            known = ", ".join(self._world.bots.by_name) or "none"
            raise ControlError(404, "no_such_bot", f"there is no bot {name!r}; there is {known}", "bot")
        return bot
