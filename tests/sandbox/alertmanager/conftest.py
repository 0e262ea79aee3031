"""The stand-in on a real socket, with its control API, and a receiver that keeps what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.sandbox.alertmanager.service import AlertmanagerService
from bot.sandbox.alertmanager.setup import Setup
from bot.sandbox.alertmanager.webhooks import AlertTarget
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.traffic import Traffic

Json = dict[str, Any]
SOON = 5.0
LABELS = {"alertname": "HighErrorRate", "severity": "critical", "namespace": "apm-production"}


class SetClock(Clock):
    """Tells the time that the test sets; durations are shortened all the same."""

    def __init__(self, now: datetime, speed: float = 100) -> None:
        super().__init__(speed)
        self.time = now

    def now(self) -> datetime:
        return self.time


@dataclass
class Heard:
    headers: dict[str, str]
    body: Json

    @property
    def states(self) -> dict[str, str]:
        """By service."""
        return {alert["labels"].get("service", ""): alert["status"] for alert in self.body["alerts"]}


@dataclass
class Receiver:
    """Answers with the queued statuses, then with 202."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append(Heard(dict(request.headers), json.loads(await request.read())))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)


@dataclass
class World:
    service: AlertmanagerService
    traffic: Traffic
    api: httpx.AsyncClient
    control: httpx.AsyncClient
    receiver: Receiver

    async def act(self, do: str, **labels: str) -> Json:
        answer = await self.control.post("/api/alerts", json={"do": do, "labels": {**LABELS, **labels}})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def silence(self, *, minutes: int = 60, **labels: str) -> str:
        body = {
            "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": f"2099-01-01T00:{minutes % 60:02}:00Z",
            "createdBy": "U0DEV1", "comment": "known",
        }  # fmt: skip
        answer = await self.api.post("/api/v2/silences", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["silenceID"])

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for a condition, not for a time."""
        async with asyncio.timeout(SOON):
            while not is_so():  # noqa: ASYNC110 - what is waited for happens in code that knows no event
                await asyncio.sleep(0.01)


Start = Callable[..., Awaitable[World]]


async def serve(stack: AsyncExitStack, app: web.Application) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def started(
            *, setup: Setup | None = None, speed: float = 50, clock: Clock | None = None, stored: Json | None = None
        ) -> World:
            traffic, receiver = Traffic(), Receiver()
            service = AlertmanagerService(traffic, Feed(), speed, setup, clock)
            receiving = web.Application()
            receiving.router.add_post("/webhooks/alertmanager", receiver.handle)
            receiver.url = f"{await serve(stack, receiving)}/webhooks/alertmanager"
            service.sender.targets = lambda: [AlertTarget(url=receiver.url, token="made-up")]
            if stored is not None:
                service.load(stored)
            service.base_url = await serve(stack, service.app())
            control = web.Application(middlewares=[errors_as_json])
            control.add_routes(service.control_routes())
            api = await stack.enter_async_context(httpx.AsyncClient(base_url=service.base_url))
            controls = await stack.enter_async_context(httpx.AsyncClient(base_url=await serve(stack, control)))
            stack.push_async_callback(service.close)
            await service.start()
            return World(service, traffic, api, controls, receiver)

        yield started


@pytest.fixture
async def world(start: Start) -> World:
    return await start()
