"""Every call of Slack is told of once: by its method, with its end, and with Slack's code where it refused."""

from typing import Any

import pytest

from bot.domain.identity import ChannelId
from bot.domain.text import Text
from bot.meter import Meter
from bot.sandbox.seeded import TOKENS
from bot.slack.app import new_session, web_client
from bot.slack.blocks.message import said
from bot.slack.calls import call
from bot.slack.pace import Pace
from bot.slack.posting import Posting


class Told(Meter):
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.refusals: list[tuple[str, str]] = []

    def called(self, system: str, operation: str, result: str, seconds: float) -> None:
        self.calls.append((system, operation, result))

    def refused_by_slack(self, method: str, code: str) -> None:
        self.refusals.append((method, code))


@pytest.mark.parametrize(
    ("trouble", "result"),
    [
        (None, "ok"),
        ({"do": "status", "status": 503}, "unavailable"),
        ({"do": "html", "status": 502}, "unavailable"),
        ({"do": "reset"}, "unavailable"),
        ({"do": "status", "status": 429, "headers": {"Retry-After": "1"}}, "limited"),
    ],
)
async def test_every_end_of_a_call(workspace: Any, trouble: dict[str, Any] | None, result: str) -> None:
    if trouble is not None:
        workspace.fault("auth.test", **trouble)
    told = Told()
    async with new_session() as session:
        await call(web_client(TOKENS.slack_bot, workspace.api_url, session, meter=told).auth_test())
    assert told.calls == [("slack", "auth.test", result)]
    assert told.refusals == []


async def test_a_refusal_is_told_with_its_code(workspace: Any) -> None:
    told = Told()
    async with new_session() as session:
        posting = Posting(web_client(TOKENS.slack_bot, workspace.api_url, session, meter=told), Pace(scale=50))
        await posting.post(ChannelId("C0NOWHERE"), said(Text.of("hi")))
        await posting.respond(f"{workspace.api_url.removesuffix('api/')}commands/spent", said(Text.of("hi")))
    assert [(operation, result) for _, operation, result in told.calls] == [
        ("chat.postMessage", "refused"), ("response_url", "refused"),
    ]  # fmt: skip
    assert [method for method, _ in told.refusals] == ["chat.postMessage", "response_url"]
    assert told.refusals[0][1] == "channel_not_found"
