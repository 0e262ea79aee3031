"""The floors over HTTP: a signed slash command, one committed row, an empty answer, and nothing else.

`python -m tests.bench.bare_http hand|bolt FOLDER PORT`: `hand` is aiohttp with the signature checked by hand, `bolt` a
Bolt app with `process_before_response` on the same server.
"""

import asyncio
import hashlib
import hmac
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from tests.bench.bare_rows import open_rows

SECRET = TOKENS.slack_signing_secret.encode()


async def main(kind: str, folder: str, port: str) -> None:
    record = await open_rows(Path(folder))

    async def by_hand(request: web.Request) -> web.Response:
        timestamp = request.headers["X-Slack-Request-Timestamp"]
        body = await request.read()
        made = hmac.new(SECRET, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        if abs(time.time() - int(timestamp)) > 300 or not hmac.compare_digest(
            f"v0={made}", request.headers["X-Slack-Signature"]
        ):
            return web.Response(status=401)
        await record(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        return web.Response()

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM_ID, bot_token=TOKENS.slack_bot, bot_id=BOT_ID, bot_user_id=BOT_USER_ID
        )

    bolt = AsyncApp(
        token=TOKENS.slack_bot, signing_secret=TOKENS.slack_signing_secret, authorize=authorize,
        process_before_response=True,
    )  # fmt: skip

    @bolt.command("/promote")
    async def promote(ack: AsyncAck, body: dict[str, Any]) -> None:
        await record(body)
        await ack()

    async def by_bolt(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.router.add_post("/slack/events", by_hand if kind == "hand" else by_bolt)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
