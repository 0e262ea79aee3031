"""The floor of a start: Bolt over Socket Mode and `/healthz` on aiohttp, in a process of its own, and nothing else.

`python -m tests.bench.bare_web API_URL PORT`.
"""

import asyncio
import sys

from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

TEAM_ID, BOT_ID, BOT_USER_ID, BOT_TOKEN, APP_TOKEN = sys.argv[3:]


async def healthz(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def main(api_url: str, port: int) -> None:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM_ID, bot_token=BOT_TOKEN, bot_id=BOT_ID, bot_user_id=BOT_USER_ID
        )

    app = AsyncApp(client=AsyncWebClient(token=BOT_TOKEN, base_url=api_url), authorize=authorize)

    @app.command("/gitops")
    async def gitops(ack: AsyncAck) -> None:
        await ack()

    server = web.Application()
    server.add_routes([web.get("/healthz", healthz), web.get("/readyz", healthz)])
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await AsyncSocketModeHandler(app, APP_TOKEN).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
