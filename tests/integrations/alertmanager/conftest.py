"""A server over a real socket that answers what real Alertmanagers answered, and keeps what it was asked."""

import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.domain.alerts.policy import AlertSource
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.transport import Patience
from tests.integrations.alertmanager.recorded import Exchange, exchange

IMPATIENT = Patience(connect=2, answer=2, gossip=0.3, gossip_pause=0.01)
PREFIX = "/alertmanager"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedClock:
    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True)
class Answer:
    status: int = 200
    content_type: str | None = "application/json"
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        kind = {"Content-Type": self.content_type} if self.content_type else {}
        return web.Response(status=self.status, body=self.text.encode(), headers={**kind, **self.headers})


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


class Replay:
    """Answers per method and path (without the prefix): queued ones first, the last of them again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Seen] = []
        self._answers: dict[tuple[str, str], deque[Answer | Handler]] = defaultdict(deque)

    def play(self, version: str, scenario: str, label: str, *, at: str | None = None) -> Exchange:
        """Queue a recorded exchange, at its own path or at `at`."""
        recorded = exchange(version, scenario, label)
        path = at or recorded.path.partition("?")[0]
        self.on(recorded.method, path, Answer(recorded.status, recorded.content_type, recorded.answer))
        return recorded

    def on(self, method: str, path: str, *answers: Answer | Handler) -> None:
        self._answers[method, path].extend(answers)

    def forget(self) -> None:
        self._answers.clear()

    @property
    def last(self) -> Seen:
        return self.requests[-1]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        assert path.startswith(PREFIX), path
        raw = await request.read()
        body = json.loads(raw) if raw else None
        path = path.removeprefix(PREFIX)
        self.requests.append(Seen(request.method, path, list(request.query.items()), dict(request.headers), body))
        queue = self._answers.get((request.method, path))
        if not queue:
            return Answer(404, "text/plain; charset=utf-8", "404 page not found\n").response()
        answer = queue.popleft() if len(queue) > 1 else queue[0]
        return answer.response() if isinstance(answer, Answer) else await answer(request)


@pytest.fixture
async def replay() -> AsyncIterator[Replay]:
    replay = Replay()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", replay.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    replay.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}"
    yield replay
    await runner.cleanup()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


@pytest.fixture
async def client(replay: Replay, clock: FixedClock) -> AsyncIterator[AlertmanagerClient]:
    source = AlertSource(name="default", url=replay.url)
    async with AlertmanagerClient(source, clock=clock, patience=IMPATIENT) as client:
        yield client
