"""Connections come and go for a long time while people go on: nothing is lost that Slack repeats, nothing doubled.

Every reason that Slack gives, cut cables, and connections that are dead without a word. At the end both stand again.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.domain.incoming import IncomingKind
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.acts.say import Say, say
from bot.slack.app import Identity, build_app
from bot.slack.listeners import Listeners
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.slack.socket_mode import Patience, SocketMode
from bot.tasks import TaskSet
from tests.slack.recording_front import RecordingFront

SEED = 20261129
HOME = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)
HASTE = Patience(
    ping=0.1, connect=1.0, unhealthy=0.4, silent=0.8, look=0.02, first_back_off=0.02, most_back_off=0.1,
    switched_off=0.2, crowded=0.2, farewell=0.2,
)  # fmt: skip
TROUBLES = {
    "refresh": 6, "warning": 5, "told and left": 2, "too many": 2, "everybody": 2, "cut": 5, "half open": 4,
    "switched off": 1,
}  # fmt: skip
"""What may happen to a connection, and how often in proportion."""
ZOMBIE_SECONDS = 1.5
"""How long Slack takes to notice that a connection is dead."""
Eventually = Callable[..., Awaitable[Any]]


@dataclass
class Soak:
    """A bot on two connections, and people who never stop."""

    workspace: Any
    front: RecordingFront
    socket: SocketMode
    tasks: TaskSet
    events: int = 0
    commands: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    is_over: bool = False

    @property
    def server(self) -> Any:
        return self.workspace.service.parts.socket_mode

    async def mention_all_the_time(self) -> None:
        for number in itertools.count():
            if self.is_over:
                return
            self.events += 1
            await self._say(f"@tiphys event-{number}", user="developer")
            await asyncio.sleep(0.01)

    async def command_all_the_time(self, user: str) -> None:
        for number in itertools.count():
            if self.is_over:
                return
            words = f"{user}-{number}"
            self.commands.append(words)
            answer = await self._say(f"/gitops {words}", user=user)
            if answer["ack"] is not None:
                self.acknowledged.add(words)
            await asyncio.sleep(0.01)

    async def disconnect(self, trouble: str, only: int) -> int:
        """How many connections were troubled."""
        match trouble:
            case "refresh":
                return int(await self.server.disconnect("refresh_requested", only=only))
            case "warning":
                return int(await self.server.disconnect("warning", only=only))
            case "told and left":
                return int(await self.server.disconnect("refresh_requested", only=only, close=False))
            case "too many":
                return int(await self.server.disconnect("too_many_websockets", only=only))
            case "everybody":
                return int(await self.server.disconnect("refresh_requested"))
            case "switched off":
                return int(await self.server.disconnect("link_disabled"))
            case "cut":
                return int(self.server.cut(only=only))
            case _:
                return int(self.server.half_open(ZOMBIE_SECONDS, only=only))

    async def _say(self, text: str, user: str) -> Any:
        return await say(self.workspace.service.parts, Say(user=user, channel="deployments", text=text))


@pytest.fixture
async def soak(workspace: Any, outbox: Any, eventually: Eventually) -> AsyncIterator[Soak]:
    front = RecordingFront(outbox.store)
    listeners = Listeners(front, workspace.client, Posting(workspace.client, Pace()), HOME)
    app = build_app(workspace.client, HOME)
    listeners.register(app)
    socket = SocketMode(app, TOKENS.slack_app, workspace.client, patience=HASTE)
    tasks = TaskSet("test")
    deliveries = workspace.service.parts.deliveries
    # Slack repeats three times over minutes, which is longer than any gap of ours; here it repeats until it is heard.
    deliveries.ack_seconds, deliveries.retry_delays = 0.3, (0.1,) * 200
    tasks.start(socket.run(), name="socket")
    await eventually(lambda: socket.connected == 2)
    yield Soak(workspace, front, socket, tasks)
    await tasks.close()
    await socket.close()
    await listeners.close()


async def run(soak: Soak, eventually: Eventually, *, disconnects: int) -> None:
    chooser = random.Random(SEED)  # noqa: S311
    idle = len(asyncio.all_tasks())
    people = [soak.tasks.start(soak.mention_all_the_time(), name="mentions")]
    people += [soak.tasks.start(soak.command_all_the_time(f"developer{n}"), name="commands") for n in ("", "-2")]
    troubled, kinds = 0, Counter[str]()
    while troubled < disconnects:
        [trouble] = chooser.choices(list(TROUBLES), weights=list(TROUBLES.values()))
        await eventually(lambda: soak.socket.connected and soak.server.connections)
        met = await soak.disconnect(trouble, chooser.randrange(soak.server.connections))
        troubled += met
        kinds[trouble] += met
        await asyncio.sleep(chooser.uniform(0.0, 0.15))
    soak.is_over = True
    await asyncio.gather(*people)
    await eventually(lambda: soak.socket.connected == 2 and soak.server.connections == 2, 15)
    await eventually(lambda: not soak.workspace.service.parts.deliveries.is_repeating, 15)

    heard = Counter(taken.text for taken in soak.front.taken)
    events = {taken.text for taken in soak.front.taken if taken.kind is IncomingKind.MENTION}
    assert events == {f"event-{number}" for number in range(soak.events)}
    assert soak.acknowledged <= heard.keys() - events <= set(soak.commands)
    assert set(heard.values()) == {1}, "something was done twice"
    assert kinds.keys() == TROUBLES.keys() or disconnects < 100
    # Whoever keeps people's acts apart has nothing left of all the connections that were.
    await eventually(lambda: len(asyncio.all_tasks()) <= idle + 2, 15)


async def test_a_sample_of_disconnects(soak: Soak, eventually: Eventually) -> None:
    await run(soak, eventually, disconnects=15)
    assert soak.socket.problem == ""


@pytest.mark.long
async def test_a_thousand_disconnects(soak: Soak, eventually: Eventually) -> None:
    await run(soak, eventually, disconnects=1_000)
