"""The sandbox's Slack, as the world starts and asks it."""

import re
from typing import Any

from aiohttp import web

from bot.sandbox.feed import Feed
from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.answers import response_url
from bot.sandbox.slack.control import Control
from bot.sandbox.slack.deliveries import Deliveries, Mode
from bot.sandbox.slack.http_door import HttpDoor, Target
from bot.sandbox.slack.installation import Installation
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.limits import RateLimits
from bot.sandbox.slack.modals import Modals
from bot.sandbox.slack.parts import Parts, WorkspaceNames
from bot.sandbox.slack.seen import state_as_json
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.web_api.endpoint import serve
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.traffic import Traffic

PERMALINK = re.compile(r"p(\d+)(\d{6})")
LARGEST_BODY = 4 * 1024 * 1024


class SlackService:
    """One Slack workspace with one app in it. Satisfies `bot.sandbox.service.Service`.

    `base_url` is where people reach it (permalinks are built on it); bots may come by ports of their own, and get
    websocket and response URLs on those. `page_url`, once set, is where a permalink leads.
    """

    name = "slack"

    def __init__(self, traffic: Traffic, feed: Feed, mode: Mode = "socket") -> None:
        workspace, socket_mode = Workspace(), SocketMode()
        http = HttpDoor(TOKENS.slack_signing_secret) if mode == "http" else None
        self.page_url = ""
        self._traffic = traffic
        self._parts = Parts(
            workspace=workspace, names=WorkspaceNames(workspace), installation=Installation(),
            interactions=Interactions(), modals=Modals(), limits=RateLimits(), socket_mode=socket_mode,
            http=http, deliveries=Deliveries(http or socket_mode, feed.touch), touched=feed.touch,
        )  # fmt: skip

    @property
    def base_url(self) -> str:
        return self._parts.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._parts.base_url = url

    @property
    def parts(self) -> Parts:
        """The pieces, for tests that turn what the control API does not (times of repeats and acknowledgements)."""
        return self._parts

    @property
    def commands(self) -> set[str]:
        """The slash commands that the workspace knows."""
        return set(self._parts.installation.commands)

    def install(self, manifest: dict[str, Any]) -> None:
        """Install the app with this manifest, instead of what was installed before.

        Raises `ValueError` where Slack refuses a manifest: reserved and badly written command names among others.
        """
        self._parts.installation = Installation.from_manifest(manifest)

    def reach(self, *targets: Target) -> None:
        """Where the bots are, over HTTP; in Socket Mode they come by themselves."""
        if self._parts.http is not None:
            self._parts.http.targets = targets

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._traffic.middleware("slack")], client_max_size=LARGEST_BODY)
        app.add_routes([
            web.get("/api/{method}", self._call), web.post("/api/{method}", self._call),
            web.get("/link/", self._parts.socket_mode.serve),
            web.post("/commands/{secret}", self._response_url), web.post("/actions/{secret}", self._response_url),
            web.get("/archives/{channel}/{message}", self._permalink),
        ])  # fmt: skip
        return app

    def control_routes(self) -> list[web.RouteDef]:
        return Control(self._parts).routes()

    def state(self) -> dict[str, Any]:
        return state_as_json(self._parts)

    def dump(self) -> dict[str, Any]:
        """Messages, people, settings and deliveries. Open modals, trigger ids and response URLs do not outlive it."""
        return {"workspace": self._parts.workspace.dump(), "deliveries": self._parts.deliveries.dump()}

    def load(self, data: dict[str, Any]) -> None:
        self._parts.workspace.load(data["workspace"])
        self._parts.deliveries.load(data["deliveries"])

    async def start(self) -> None:
        """Nothing runs in the background but what deliveries start."""

    async def close(self) -> None:
        await self._parts.deliveries.close()
        await self._parts.socket_mode.close()
        if self._parts.http is not None:
            await self._parts.http.close()

    async def _call(self, request: web.Request) -> web.Response:
        return await serve(self._parts, request)

    async def _response_url(self, request: web.Request) -> web.Response:
        return await response_url(self._parts, request)

    async def _permalink(self, request: web.Request) -> web.Response:
        found = PERMALINK.fullmatch(request.match_info["message"])
        if found is None or not self.page_url:
            raise web.HTTPNotFound
        raise web.HTTPFound(f"{self.page_url}/#/{request.match_info['channel']}/{found[1]}.{found[2]}")
