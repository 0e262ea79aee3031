"""The sandbox's GitHub: the REST API below `/api/v3`, and Git over HTTP on the same port and the same repositories."""

import json
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from bot.sandbox.feed import Feed
from bot.sandbox.github.app_control import AppControl
from bot.sandbox.github.apps import Identity
from bot.sandbox.github.control import Control
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.git_http import GitHttp, is_git
from bot.sandbox.github.overview import overview
from bot.sandbox.github.pages import Pages
from bot.sandbox.github.people import BadCredentials
from bot.sandbox.github.records import ForgeRecords
from bot.sandbox.github.refusals import Refusal, malformed, not_found
from bot.sandbox.github.rest import apps, branches, commits, conversation, graphql, pulls, repositories
from bot.sandbox.github.rest.call import Call, Endpoint, refused, unless_known
from bot.sandbox.github.webhooks.deliveries import Webhooks
from bot.sandbox.repositories import Repositories
from bot.sandbox.traffic import Traffic

ENDPOINTS = [
    *apps.ENDPOINTS,
    *branches.ENDPOINTS,
    *repositories.ENDPOINTS,
    *pulls.ENDPOINTS,
    *conversation.ENDPOINTS,
    *commits.ENDPOINTS,
]
PREFIXES = ("/api/v3", "")
LARGEST_BODY = 8 << 20
CLASSIC_SCOPES = "repo"
"""What GitHub says of a classic token in every answer; of others it says nothing."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class GithubService:
    """Satisfies `bot.sandbox.service.Service`. `speed` shortens the time until mergeability is known."""

    def __init__(self, traffic: Traffic, feed: Feed, repositories: Repositories, speed: float) -> None:
        self._traffic = traffic
        self.forge = Forge(feed, repositories, speed)
        self._git = GitHttp(self.forge)
        self.webhooks = Webhooks(self.forge)
        self.forge.tell = self.webhooks.tell
        self._control = Control(self.forge, self.webhooks.answered)

    @property
    def name(self) -> str:
        return "github"

    def app(self) -> web.Application:
        watch = self._traffic.middleware("github", is_git)
        middlewares = [self._tell_time, watch, _errors_as_github]
        app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
        for prefix in PREFIXES:
            for method, path, as_the_app in apps.AS_THE_APP:
                app.router.add_route(method, prefix + path, self._app_handler(as_the_app))
            for method, path, endpoint in ENDPOINTS:
                app.router.add_route(method, prefix + path, self._handler(endpoint))
        for path in ("/api/graphql", "/graphql"):
            app.router.add_post(path, self._handler(graphql.answer))
        app.router.add_routes(self._git.routes())
        app.router.add_routes(Pages(self.forge).routes())
        return app

    def control_routes(self) -> list[web.RouteDef]:
        return [*self._control.routes(), *AppControl(self.forge).routes()]

    def state(self) -> dict[str, Any]:
        return overview(self.forge)

    def dump(self) -> dict[str, Any]:
        return self.forge.records.model_dump(mode="json")

    def load(self, data: dict[str, Any]) -> None:
        self.forge.records = ForgeRecords.model_validate(data)

    async def start(self) -> None:
        self._git.prepare()
        for name in self.forge.repositories.names():
            await self.forge.catch_up(name)

    async def close(self) -> None:
        await self.webhooks.close()
        await self.forge.mergeability.close()

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            identity = self._identity(request)
            if identity.grant is not None:
                apps.check_reach(identity.grant, request.method, request.path.removeprefix(PREFIXES[0]))
            call = Call(self.forge, request, identity, await _json_object(request))
            response = unless_known(request, await endpoint(call))
            if identity.grant is None:  # an App's tokens have permissions, not scopes
                response.headers["X-OAuth-Scopes"] = CLASSIC_SCOPES
            return response

        return handle

    def _app_handler(self, endpoint: apps.AppEndpoint) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            self.forge.apps.check_word(request.headers.get("Authorization"))
            return await endpoint(apps.AppCall(self.forge, request, await _json_object(request)))

        return handle

    def _identity(self, request: web.Request) -> Identity:
        try:
            identity = self.forge.apps.identify(request.headers.get("Authorization"))
        except BadCredentials:
            raise Refusal(401, "bad_credentials", "Bad credentials") from None
        if identity is None:
            raise Refusal(401, "no_credentials", "Must authenticate to access this API.")
        return identity

    @web.middleware
    async def _tell_time(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer tells what the forge's clock says."""
        response = await handler(request)
        response.headers["Date"] = format_datetime(self.forge.apps.now(), usegmt=True)
        return response


@web.middleware
async def _errors_as_github(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refused(refusal)
    except web.HTTPException as error:
        if error.status not in (404, 405):
            raise
        return refused(not_found())


async def _json_object(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        data = json.loads(raw)
    except ValueError:
        raise Refusal(400, "not_json", "Problems parsing JSON") from None
    if not isinstance(data, dict):
        raise malformed(f"{json.dumps(data)[:100]} is not an object.")
    return data
