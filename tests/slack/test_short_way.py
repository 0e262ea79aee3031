"""Slash commands reach their listener past the SDK's dispatch, and are answered as the SDK would have answered them."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.short_way import ShortWay

COMMAND = {"command": "/promote", "text": "x", "user_id": "U1", "team_id": "T1", "channel_id": "C1"}
OTHERS = [
    {}, {"type": "event_callback"}, {"type": "block_actions", "actions": []}, {"command": ""}, {"command": "promote"},
    {"command": ["/promote"]}, {**COMMAND, "ssl_check": "1"},
]  # fmt: skip


async def authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-x", bot_id="B1", bot_user_id="U0")


def new_app(of: type[AsyncApp]) -> Any:
    return of(signing_secret="", request_verification_enabled=False, authorize=authorize, process_before_response=True)


async def on_error(error: Exception) -> BoltResponse:
    return BoltResponse(status=400, body=str(error))


def request(body: dict[str, Any]) -> AsyncBoltRequest:
    return AsyncBoltRequest(mode="socket_mode", body=body)


@pytest.mark.parametrize(
    "said", [{}, {"text": "no"}, {"text": "no", "blocks": [{"type": "divider"}], "response_type": "ephemeral"}]
)
async def test_a_command_is_answered_as_the_sdk_answers_it(said: dict[str, Any]) -> None:
    heard = []

    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack(**said)

    short, full = new_app(ShortWay), new_app(AsyncApp)
    short.answer_commands(listener, on_error)
    full.command("/promote")(listener)
    expected = await full.async_dispatch(request(COMMAND))
    for answered in (await short.dispatch_command(COMMAND), await short.async_dispatch(request(COMMAND))):
        assert (answered.status, answered.body, answered.headers) == (200, expected.body, expected.headers)
    assert heard == [COMMAND] * 3


async def test_what_the_listener_raises_is_answered() -> None:
    async def broken(ack: AsyncAck, body: dict[str, Any]) -> None:
        raise RuntimeError("no")

    app = new_app(ShortWay)
    app.answer_commands(broken, on_error)
    answered = await app.async_dispatch(request(COMMAND))
    assert (answered.status, answered.body) == (400, "no")


async def test_without_an_acknowledgement_it_is_no_success() -> None:
    async def silent(ack: AsyncAck, body: dict[str, Any]) -> None:
        pass

    app = new_app(ShortWay)
    app.answer_commands(silent, on_error)
    assert (await app.async_dispatch(request(COMMAND))).status == 500


@pytest.mark.parametrize("body", OTHERS)
async def test_everything_else_is_the_sdks(body: dict[str, Any]) -> None:
    heard = []

    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        heard.append(body)

    app = new_app(ShortWay)
    app.answer_commands(listener, on_error)
    assert await app.dispatch_command(body) is None
    answered, expected = await app.async_dispatch(request(body)), await new_app(AsyncApp).async_dispatch(request(body))
    assert (answered.status, answered.body) == (expected.status, expected.body)
    assert heard == []


async def test_before_there_is_a_listener_the_sdk_answers() -> None:
    assert (await new_app(ShortWay).async_dispatch(request(COMMAND))).status == 404
