"""A Slack workspace on sockets, a script that drives its control API, and a real Bolt app as the bot."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic

Json = dict[str, Any]

MANIFEST: Json = {
    "display_information": {"name": "Tiphys"},
    "features": {
        "slash_commands": [
            {"command": "/gitops", "description": "everything", "should_escape": True},
            {"command": "/promote", "description": "promote", "should_escape": True},
            {"command": "/raw", "description": "typed text as it is"},
        ]
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "commands", "chat:write", "users:read", "usergroups:read", "channels:read", "groups:read",
                "channels:history", "groups:history", "im:write", "im:history", "reactions:write", "app_mentions:read",
                "team:read", "channels:join",
            ]
        }
    },
    "settings": {
        "socket_mode_enabled": True,
        "event_subscriptions": {"bot_events": ["app_mention", "message.groups"]},
    },
}  # fmt: skip


class Script:
    """Calls the control API; `post`, `patch`, `get`, `delete` insist on success, `refused` on a refusal."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def call(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        async with self._session.request(method, self._url + path, json=body) as response:
            answer: Json = await response.json()
            return response.status, answer

    async def refused(self, method: str, path: str, body: Json | None = None) -> tuple[int, str]:
        status, answer = await self.call(method, path, body)
        assert "error" in answer, answer
        return status, answer["error"]["slug"]

    async def post(self, path: str, **body: Any) -> Json:
        return await self._good("POST", path, body)

    async def patch(self, path: str, **body: Any) -> Json:
        return await self._good("PATCH", path, body)

    async def get(self, path: str) -> Json:
        return await self._good("GET", path)

    async def delete(self, path: str) -> Json:
        return await self._good("DELETE", path)

    async def messages(self, channel: str = "deployments") -> list[Json]:
        found: list[Json] = (await self.get(f"/api/channels/{channel}/messages"))["messages"]
        return found

    async def ephemerals(self, user: str = "developer") -> list[Json]:
        found: list[Json] = (await self.get(f"/api/users/{user}/ephemerals"))["ephemerals"]
        return found

    async def views(self, user: str = "developer") -> list[Json]:
        found: list[Json] = (await self.get(f"/api/users/{user}/views"))["views"]
        return found

    async def _good(self, method: str, path: str, body: Json | None = None) -> Json:
        status, answer = await self.call(method, path, body)
        assert status == 200, (status, answer)
        return answer


class Stage:
    """A running workspace: the service, its addresses, a Web API client and the control script."""

    def __init__(self, service: SlackService, traffic: Traffic, script: Script, bot_url: str) -> None:
        self.service, self.traffic, self.script, self.bot_url = service, traffic, script, bot_url

    def client(self, token: str = TOKENS.slack_bot) -> AsyncWebClient:
        return AsyncWebClient(token=token, base_url=f"{self.bot_url}/api/")

    def bolt_app(self) -> AsyncApp:
        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=TEAM_ID, bot_id=BOT_ID, bot_user_id=BOT_USER_ID,
                bot_token=TOKENS.slack_bot,
            )  # fmt: skip

        return AsyncApp(client=self.client(), authorize=authorize)

    @asynccontextmanager
    async def connected(self, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
        """The bot with one open websocket."""
        before = self.service.parts.socket_mode.connections
        handler = AsyncSocketModeHandler(app, TOKENS.slack_app)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await until(lambda: self.service.parts.socket_mode.connections > before)
        try:
            yield handler
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def served(app: web.Application, ports: int = 1) -> AsyncIterator[list[str]]:
    """Serve one app on so many free loopback ports."""
    runner = web.AppRunner(app)
    await runner.setup()
    urls = []
    for _ in range(ports):
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.addresses
        urls.append(f"http://127.0.0.1:{runner.addresses[-1][1]}")
    try:
        yield urls
    finally:
        await runner.cleanup()


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until something holds, at most so long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


async def error_of(call: Awaitable[Any]) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


@pytest.fixture(autouse=True)
def _plain_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some tests leave the text away on purpose.
    monkeypatch.setenv("SKIP_SLACK_SDK_WARNING", "1")
    # slack_sdk takes a proxy from the environment even for loopback addresses.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    traffic = Traffic()
    service = SlackService(traffic, Feed())
    service.install(MANIFEST)
    control = web.Application(middlewares=[errors_as_json])
    control.add_routes(service.control_routes())
    async with (
        served(service.app(), ports=2) as (main_url, bot_url),
        served(control) as (control_url,),
        aiohttp.ClientSession() as session,
    ):
        service.base_url = main_url
        traffic.assign_port(int(bot_url.rsplit(":", 1)[1]), "bot-1")
        await service.start()
        try:
            yield Stage(service, traffic, Script(session, control_url), bot_url)
        finally:
            await service.close()


@pytest.fixture
def script(stage: Stage) -> Script:
    return stage.script


@pytest.fixture
def client(stage: Stage) -> AsyncWebClient:
    return stage.client()
