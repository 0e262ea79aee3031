"""A server over a real socket that answers what real ones answered, and keeps what it was asked."""

import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedClock:
    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True)
class Answer:
    """`body` is sent as JSON, else `text` as it is."""

    status: int = 200
    content_type: str | None = "application/json"
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def response(self) -> web.Response:
        payload = json.dumps(self.body) if self.body is not None else self.text
        kind = {"Content-Type": self.content_type} if self.content_type else {}
        return web.Response(status=self.status, body=payload.encode(), headers={**kind, **self.headers})


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


class Replay:
    """Answers per method and path (without the prefix): queued ones first, the last of them again and again."""

    prefix = ""
    nowhere = Answer(404, "text/plain; charset=utf-8", "404 page not found\n")

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Seen] = []
        self._answers: dict[tuple[str, str], deque[Answer | Handler]] = defaultdict(deque)

    def on(self, method: str, path: str, *answers: Answer | Handler) -> None:
        self._answers[method, path].extend(answers)

    def forget(self) -> None:
        self._answers.clear()

    @property
    def last(self) -> Seen:
        return self.requests[-1]

    @property
    def paths(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.requests]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        assert path.startswith(self.prefix), path
        raw = await request.read()
        body = json.loads(raw) if raw else None
        query, headers = list(request.query.items()), dict(request.headers)
        seen = Seen(request.method, path.removeprefix(self.prefix), query, headers, body)
        self.requests.append(seen)
        return await self.answer(seen, request)

    async def answer(self, seen: Seen, request: web.Request) -> web.StreamResponse:
        queue = self._answers.get((seen.method, seen.path))
        if not queue:
            return self.nowhere.response()
        answer = queue.popleft() if len(queue) > 1 else queue[0]
        return answer.response() if isinstance(answer, Answer) else await answer(request)


@asynccontextmanager
async def replaying(replay: Replay) -> AsyncIterator[None]:
    """While it serves; whoever hangs up is noticed."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", replay.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    replay.url = f"http://127.0.0.1:{runner.addresses[0][1]}{replay.prefix}"
    try:
        yield
    finally:
        await runner.cleanup()
