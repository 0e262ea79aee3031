"""The sandbox's GitHub: the REST API below `/api/v3`, and Git over HTTP on the same port and the same repositories."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox.feed import Feed
from bot.sandbox.github.control import Control
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.git_http import GitHttp, is_git
from bot.sandbox.github.overview import overview
from bot.sandbox.github.pages import Pages
from bot.sandbox.github.people import BadCredentials, login_of_header
from bot.sandbox.github.records import ForgeRecords
from bot.sandbox.github.refusals import Refusal, malformed, not_found
from bot.sandbox.github.rest import branches, commits, conversation, graphql, pulls, repositories
from bot.sandbox.github.rest.call import Call, Endpoint, refused, unless_known
from bot.sandbox.repositories import Repositories
from bot.sandbox.traffic import Traffic

ENDPOINTS = [
    *branches.ENDPOINTS,
    *repositories.ENDPOINTS,
    *pulls.ENDPOINTS,
    *conversation.ENDPOINTS,
    *commits.ENDPOINTS,
]
PREFIXES = ("/api/v3", "")
LARGEST_BODY = 8 << 20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class GithubService:
    """Satisfies `bot.sandbox.service.Service`. `speed` shortens the time until mergeability is known."""

    def __init__(self, traffic: Traffic, feed: Feed, repositories: Repositories, speed: float) -> None:
        self._traffic = traffic
        self.forge = Forge(feed, repositories, speed)
        self._git = GitHttp(self.forge)
        self._control = Control(self.forge)

    @property
    def name(self) -> str:
        return "github"

    def app(self) -> web.Application:
        watch = self._traffic.middleware("github", is_git)
        app = web.Application(middlewares=[watch, _errors_as_github], client_max_size=LARGEST_BODY)
        for prefix in PREFIXES:
            for method, path, endpoint in ENDPOINTS:
                app.router.add_route(method, prefix + path, self._handler(endpoint))
        for path in ("/api/graphql", "/graphql"):
            app.router.add_post(path, self._handler(graphql.answer))
        app.router.add_routes(self._git.routes())
        app.router.add_routes(Pages(self.forge).routes())
        return app

    def control_routes(self) -> list[web.RouteDef]:
        return self._control.routes()

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
        await self.forge.mergeability.close()

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                login = login_of_header(request.headers.get("Authorization"))
            except BadCredentials:
                raise Refusal(401, "bad_credentials", "Bad credentials") from None
            if login is None:
                raise Refusal(401, "no_credentials", "Must authenticate to access this API.")
            call = Call(self.forge, request, login, await _json_object(request))
            return unless_known(request, await endpoint(call))

        return handle


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
