"""A server that answers what a real Argo CD answered, and checks what it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.pipeline import ArgocdInstance, ArgocdReference
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.argocd.transport import Patience
from tests.integrations.argocd.swagger import Swagger
from tests.integrations.replay import Answer, FixedClock, Replay, Seen, replaying

SAMPLES = Path(__file__).parents[2] / "samples" / "argocd_client"
TOKEN = "header.payload.signature"
SOON = 5.0

IMPATIENT = Patience(
    connect=2,
    answer=3,
    refresh=3,
    queued=0.2,
    silence=3,
    settle=0.05,
    settle_most=0.3,
    back_off_first=0.01,
    back_off_most=0.02,
    back_off_denied=0.05,
    relist=60,
)

STAGING = ArgocdReference(instance="main", project="apm", namespace="argocd", name="apm-stack-staging")


class LiveStream:
    """The server's end of one watch connection: nothing is sent, headers neither, until the test says so."""

    def __init__(self) -> None:
        self._script: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._orderly = True
        self.closed = asyncio.Event()

    def send(self, *chunks: str) -> None:
        for chunk in chunks:
            self._script.put_nowait(chunk.encode())

    def event(self, kind: str, name: str, *, project: str = "apm", namespace: str = "argocd") -> None:
        application = {"metadata": {"name": name, "namespace": namespace}, "spec": {"project": project}}
        message = {"result": {"type": kind, "application": application}}
        self.send(f"data: {json.dumps(message)} \n\n\n")

    @property
    def is_drained(self) -> bool:
        """Whether everything was written to the socket, which a reader that stands still would prevent."""
        return self._script.empty()

    def end(self) -> None:
        self._script.put_nowait(None)

    def cut(self) -> None:
        """End without the final chunk, as a stopping server does."""
        self._orderly = False
        self._script.put_nowait(None)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        try:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            chunk = await self._script.get()  # no headers before the first event
            response.enable_chunked_encoding()
            await response.prepare(request)
            while chunk is not None:
                await response.write(chunk)
                chunk = await self._script.get()
            if not self._orderly and request.transport is not None:
                request.transport.close()
            return response
        finally:
            self.closed.set()


class Argocd(Replay):
    """It opens a stream where nothing is queued for the watch, and holds requests to Argo CD's own description."""

    nowhere = Answer(404, "text/plain; charset=utf-8", "Not Found\n")

    def __init__(self, swagger: Swagger) -> None:
        super().__init__()
        self.violations: list[str] = []
        self.at_once = self.most_at_once = 0
        self._swagger = swagger
        self._streams: asyncio.Queue[LiveStream] = asyncio.Queue()

    def play(self, scenario: str, *labels: str, at: str | None = None) -> None:
        """Queue recorded exchanges, at their own path or at `at`."""
        for label in labels:
            recorded = recorded_exchange(scenario, label)
            self.on(recorded["method"], at or recorded["path"].partition("?")[0], answer_of(recorded))

    async def connection(self) -> LiveStream:
        """The next watch that was opened."""
        return await asyncio.wait_for(self._streams.get(), SOON)

    async def open_stream(self, request: web.Request) -> web.StreamResponse:
        stream = LiveStream()
        self._streams.put_nowait(stream)
        return await stream.serve(request)

    async def answer(self, seen: Seen, request: web.Request) -> web.StreamResponse:
        self.violations.extend(self._swagger.violations(seen.method, seen.path, seen.query, seen.headers, seen.body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if seen.path == "/api/v1/stream/applications" and not self._answers.get((seen.method, seen.path)):
                return await self.open_stream(request)
            return await super().answer(seen, request)
        finally:
            self.at_once -= 1


def recorded_exchange(scenario: str, label: str) -> dict[str, Any]:
    document = json.loads((SAMPLES / f"{scenario}.json").read_text())
    found: dict[str, Any] = next(entry for entry in document["exchanges"] if entry["label"] == label)
    return found


def recorded_stream(scenario: str, label: str) -> dict[str, Any]:
    document = json.loads((SAMPLES / f"{scenario}.json").read_text())
    found: dict[str, Any] = next(entry for entry in document["streams"] if entry["label"].startswith(label))
    return found


def answer_of(recorded: dict[str, Any]) -> Answer:
    return Answer(
        status=recorded["status"],
        content_type=recorded["content_type"],
        body=recorded.get("body"),
        text=recorded.get("text", ""),
    )


@pytest.fixture(scope="session")
def swagger() -> Swagger:
    return Swagger(json.loads((SAMPLES / "swagger.json").read_text()))


@pytest.fixture
async def replay(swagger: Swagger) -> AsyncIterator[Argocd]:
    replay = Argocd(swagger)
    async with replaying(replay):
        yield replay
    assert replay.violations == []


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 20, 0, tzinfo=UTC))


@pytest.fixture
async def client(replay: Argocd, clock: FixedClock) -> AsyncIterator[ArgocdClient]:
    instance = ArgocdInstance(name="main", server=replay.url, token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client:
        yield client


def reference(name: str, *, project: str = "apm", namespace: str = "argocd") -> ArgocdReference:
    return ArgocdReference(instance="main", project=project, namespace=namespace, name=name)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    async with asyncio.timeout(SOON):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in code that knows no event
            await asyncio.sleep(0.01)
