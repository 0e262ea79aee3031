"""Socket Mode's supervisor against what is known to hang or loop in the SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.slack.app import Identity, build_app
from bot.slack.socket_mode import Patience, SocketMode
from bot.tasks import TaskSet

Eventually = Callable[..., Awaitable[Any]]
HASTE = Patience(
    ping=0.3, connect=1.0, unhealthy=0.6, silent=3.0, look=0.02, first_back_off=0.05, most_back_off=0.2,
    switched_off=0.3, crowded=0.3,
)  # fmt: skip


@pytest.fixture
def app(workspace: Any) -> AsyncApp:
    return build_app(workspace.client, Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID))


@pytest.fixture
async def start(workspace: Any, app: AsyncApp) -> AsyncIterator[Callable[..., SocketMode]]:
    tasks = TaskSet("test")
    made: list[SocketMode] = []

    def begin(token: str = TOKENS.slack_app, **more: Any) -> SocketMode:
        made.append(SocketMode(app, token, workspace.client, patience=HASTE, **more))
        tasks.start(made[-1].run(), name="socket")
        return made[-1]

    yield begin
    await tasks.close()
    for socket in made:
        await socket.close()


def connections(workspace: Any) -> int:
    return int(workspace.service.parts.socket_mode.connections)


async def test_two_connections_stand_and_end_cleanly(workspace: Any, start: Any, eventually: Eventually) -> None:
    socket = start()
    await eventually(lambda: socket.connected == 2 and connections(workspace) == 2)
    assert socket.problem == ""
    await socket.close()
    await eventually(lambda: connections(workspace) == 0)
    assert socket.connected == 0


async def test_each_connection_asks_for_its_address_once(workspace: Any, start: Any, eventually: Eventually) -> None:
    """Slack grants few of them a minute; the question that tests the token is the one that opens the door."""
    socket = start()
    await eventually(lambda: socket.connected == 2)
    assert len(workspace.asked("apps.connections.open")) == 2


async def test_a_refresh_is_followed(workspace: Any, start: Any, eventually: Eventually) -> None:
    socket = start()
    await eventually(lambda: socket.connected == 2)
    await workspace.control("POST", "/api/slack/disconnect", reason="refresh_requested", close=True)
    await eventually(lambda: connections(workspace) == 2 and socket.connected == 2)


async def test_a_connection_that_is_cut_comes_back(workspace: Any, start: Any, eventually: Eventually) -> None:
    socket = start(connections=1)
    await eventually(lambda: socket.connected == 1)
    await workspace.service.parts.socket_mode.close()
    await eventually(lambda: connections(workspace) == 1 and socket.connected == 1)


async def test_a_refused_handshake_leads_to_a_new_address(workspace: Any, start: Any, eventually: Eventually) -> None:
    """The SDK would retry the spent address for ever."""
    workspace.fault("/link/", "status", status=408)
    socket = start(connections=1)
    await eventually(lambda: len(workspace.asked("apps.connections.open")) > 1)
    assert socket.problem == "the connection could not be established in time"
    workspace.traffic.end_faults()
    await eventually(lambda: socket.connected == 1)


async def test_a_bad_app_token_is_said_and_does_not_hang(start: Any, eventually: Eventually) -> None:
    socket = start("xapp-wrong")
    await eventually(lambda: "app token is refused: invalid_auth" in socket.problem)
    assert socket.connected == 0


async def test_a_slack_that_gives_no_answer_is_asked_again(workspace: Any, start: Any, eventually: Eventually) -> None:
    workspace.fault("apps.connections.open", "html", status=502, left=4)
    socket = start()
    await eventually(lambda: "no answer from Slack" in socket.problem)
    await eventually(lambda: socket.connected == 2)


async def test_switched_off_is_said_and_tried_again_slowly(workspace: Any, start: Any, eventually: Eventually) -> None:
    socket = start()
    await eventually(lambda: socket.connected == 2)
    before = len(workspace.asked("apps.connections.open"))
    await workspace.control("POST", "/api/slack/disconnect", reason="link_disabled", close=True)
    await eventually(lambda: "switched off" in socket.problem)
    await eventually(lambda: socket.connected == 2)
    assert len(workspace.asked("apps.connections.open")) <= before + 6


async def test_too_many_connections_are_waited_out(workspace: Any, app: AsyncApp, eventually: Eventually) -> None:
    crowd = SocketMode(app, TOKENS.slack_app, workspace.client, connections=10, patience=HASTE)
    late = SocketMode(app, TOKENS.slack_app, workspace.client, connections=1, patience=HASTE)
    tasks = TaskSet("test")
    first = tasks.start(crowd.run(), name="crowd")
    await eventually(lambda: crowd.connected == 10)
    tasks.start(late.run(), name="late")
    await eventually(lambda: "too many connections" in late.problem)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await eventually(lambda: late.connected == 1, 15)
    await tasks.close()
    await late.close()


async def test_a_connection_that_is_dead_without_a_word_is_noticed_and_rebuilt(
    workspace: Any, start: Any, eventually: Eventually
) -> None:
    socket = start(connections=1)
    await eventually(lambda: socket.connected == 1)
    assert workspace.service.parts.socket_mode.half_open(2.0) == 1
    await eventually(lambda: connections(workspace) == 2 and socket.connected == 1)
    await eventually(lambda: connections(workspace) == 1)


async def test_nothing_is_left_of_a_connection_that_cannot_say_farewell(
    workspace: Any, app: AsyncApp, eventually: Eventually
) -> None:
    """The SDK waits ten seconds for an answer to its farewell, and tidies up only after that."""
    tasks = TaskSet("test")
    patient = Patience(ping=5.0, look=0.02, farewell=0.05)
    socket = SocketMode(app, TOKENS.slack_app, workspace.client, connections=1, patience=patient)
    await workspace.client.auth_test()  # the connection that questions go over stays open
    idle = asyncio.all_tasks()
    running = tasks.start(socket.run(), name="socket")
    await eventually(lambda: socket.connected == 1)
    workspace.service.parts.socket_mode.half_open(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await socket.close()
    await eventually(lambda: asyncio.all_tasks() <= idle)
