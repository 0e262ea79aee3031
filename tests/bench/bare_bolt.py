"""The floor: a Bolt app over Socket Mode that commits one row before it acknowledges, and does nothing else.

`python -m tests.bench.bare_bolt default|quick API_URL FOLDER`. `quick` sets `process_before_response`, without which
Bolt looks only every 10 ms whether the acknowledgement has come.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from tests.bench.bare_rows import open_rows


async def main(kind: str, api_url: str, folder: str) -> None:
    record = await open_rows(Path(folder))

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM_ID, bot_token=TOKENS.slack_bot, bot_id=BOT_ID, bot_user_id=BOT_USER_ID
        )

    app = AsyncApp(
        client=AsyncWebClient(token=TOKENS.slack_bot, base_url=api_url),
        authorize=authorize,
        process_before_response=kind == "quick",
    )

    @app.command("/promote")
    async def promote(ack: AsyncAck, body: dict[str, Any]) -> None:
        await record(body)
        await ack()

    await AsyncSocketModeHandler(app, TOKENS.slack_app).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
