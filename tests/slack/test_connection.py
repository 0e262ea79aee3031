"""The Slack side as a whole: it waits for Slack, works when Slack does, says why not, and ends cleanly."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.domain.identity import CannotVerify, Member, UserId
from bot.domain.incoming import Ack, Incoming
from bot.domain.pipeline import SlackPolicy
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.ports import Denied
from bot.sandbox.seeded import TOKENS
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.wake import Bells

Eventually = Callable[..., Awaitable[Any]]


class Greeter:
    """A front that greets whoever says anything."""

    async def take(self, incoming: Incoming, *, refusal: Answer | None = None) -> Ack:
        return Ack(text=Text.of(f"Hello, {incoming.user}."))

    async def look(self, incoming: Incoming) -> None:
        """He has no dialogs."""


@pytest.fixture
async def connect(workspace: Any, outbox: Any) -> AsyncIterator[Callable[..., SlackConnection]]:
    made: list[SlackConnection] = []

    def build(token: str = TOKENS.slack_bot, *, over_http: bool = False) -> SlackConnection:
        settings = Settings(
            slack_bot_token=token, slack_app_token=None if over_http else TOKENS.slack_app, _env_file=None,
            slack_signing_secret=TOKENS.slack_signing_secret, slack_api_url=workspace.api_url.rstrip("/"),
        )  # fmt: skip
        made.append(SlackConnection(settings, clock=outbox.clock, home_only=True))
        return made[-1]

    yield build
    for connection in made:
        await connection.close()


async def start(connection: SlackConnection, outbox: Any) -> None:
    await connection.start(Greeter(), outbox, Bells(), SlackPolicy())


async def test_it_hears_and_speaks(workspace: Any, outbox: Any, connect: Any, eventually: Eventually) -> None:
    connection = connect()
    await start(connection, outbox)
    await eventually(lambda: connection.problems() == ())
    await outbox.show(outbox.samples.change())
    await eventually(workspace.messages)
    await workspace.control("POST", "/api/say", user="developer", channel="deployments", text="/gitops hi")
    (heard,) = await workspace.ephemerals()
    assert heard["plain"] == "Hello, U0DEV1."


async def test_a_refused_token_ends_the_start(outbox: Any, connect: Any) -> None:
    with pytest.raises(Denied, match="invalid_auth"):
        await start(connect("xoxb-wrong"), outbox)


async def test_a_silent_slack_is_waited_for(workspace: Any, outbox: Any, connect: Any, eventually: Eventually) -> None:
    workspace.fault("auth.test", "status", status=503, left=3)
    connection = connect()
    await start(connection, outbox)
    assert "HTTP 503" in connection.problems()[0]
    assert isinstance(await connection.directory.member(UserId("U0DEV1")), CannotVerify)
    await eventually(lambda: connection.problems() == ())
    assert isinstance(await connection.directory.member(UserId("U0DEV1")), Member)


async def test_a_token_that_is_refused_after_a_silence_is_told_and_tried_again(
    workspace: Any, outbox: Any, connect: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.connection.ASK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("bot.slack.connection.REFUSED_SECONDS", 0.3)
    workspace.fault("auth.test", "status", status=503, left=2)
    workspace.fault("auth.test", "status", status=200, left=1)  # its body says no
    connection = connect()
    await start(connection, outbox)
    await eventually(lambda: "Slack: the bot token is refused: fault" in connection.problems())
    await eventually(lambda: connection.problems() == ())


async def test_without_a_connection_it_says_why(
    workspace: Any, outbox: Any, connect: Any, eventually: Eventually
) -> None:
    workspace.fault("apps.connections.open", "html", status=502)
    connection = connect()
    await start(connection, outbox)
    await eventually(lambda: "no answer from Slack" in connection.problems()[0])


async def test_over_http_it_is_ready_when_slack_has_said_who_we_are(
    workspace: Any, outbox: Any, connect: Any, eventually: Eventually
) -> None:
    workspace.fault("auth.test", "status", status=503, left=3)
    connection = connect(over_http=True)
    assert await connection.receive({}, {}) is None
    await start(connection, outbox)
    assert "HTTP 503" in connection.problems()[0]
    assert await connection.receive({}, {}) is None
    await eventually(lambda: connection.problems() == ())
    body = {"command": "/gitops", "user_id": "U0DEV1", "channel_id": "C0DEPLOY", "trigger_id": "1.2.x", "text": "hi"}
    answered = await connection.receive(body, {})
    assert "Hello, U0DEV1." in answered.body
    assert workspace.service.parts.socket_mode.connections == 0
    await connection.close()
    assert await connection.receive(body, {}) is None


async def test_it_ends_twice_without_a_word(workspace: Any, outbox: Any, connect: Any, eventually: Eventually) -> None:
    connection = connect()
    await start(connection, outbox)
    await eventually(lambda: connection.problems() == ())
    await connection.close()
    await connection.close()
    assert workspace.service.parts.socket_mode.connections == 0


async def test_unplugged_it_hears_nothing_more_and_still_speaks(
    workspace: Any, outbox: Any, connect: Any, eventually: Eventually
) -> None:
    connection = connect()
    await start(connection, outbox)
    await eventually(lambda: connection.problems() == ())
    await connection.stop_listening(5)
    assert workspace.service.parts.socket_mode.connections == 0
    await outbox.show(outbox.samples.change())
    assert await connection.flush(10)
    assert len(await workspace.messages()) == 1


async def test_a_start_that_waits_for_slack_can_be_unplugged(workspace: Any, outbox: Any, connect: Any) -> None:
    workspace.fault("auth.test", "status", status=503)
    connection = connect()
    await start(connection, outbox)
    await connection.stop_listening(5)
    assert await connection.flush(5)
