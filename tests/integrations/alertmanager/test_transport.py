"""How the client speaks: headers, deadlines, bounds."""

import asyncio
import base64

import pytest
from aiohttp import web

from bot.domain.alerts.policy import AlertSource, BasicAuth
from bot.integrations.alertmanager import transport
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.transport import MOST_AT_ONCE, Patience, Transport
from bot.meter import Meter
from bot.ports import Unavailable
from tests.integrations.alertmanager.conftest import Alertmanager
from tests.integrations.replay import Answer, FixedClock

NONE = Answer(text="[]\n")


class Told(Meter):
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def called(self, system: str, operation: str, result: str, seconds: float) -> None:
        self.calls.append((system, operation, result))


async def test_token_and_tenant_go_with_every_call(replay: Alertmanager, clock: FixedClock) -> None:
    replay.on("GET", "/api/v2/silences", NONE)
    source = AlertSource(name="mimir", url=f"{replay.url}/", tenant="apm", token="made-up")
    async with AlertmanagerClient(source, clock=clock) as client:
        await client.list_silences()
    headers = replay.last.headers
    assert (headers["X-Scope-OrgID"], headers["Authorization"]) == ("apm", "Bearer made-up")
    assert headers["Accept"] == "application/json"


async def test_basic_authentication_takes_any_text(replay: Alertmanager, clock: FixedClock) -> None:
    replay.on("GET", "/api/v2/silences", NONE)
    source = AlertSource(name="default", url=replay.url, basic=BasicAuth(username="tiphys", password="p:ä"))
    async with AlertmanagerClient(source, clock=clock) as client:
        await client.list_silences()
    kind, value = replay.last.headers["Authorization"].split()
    assert (kind, base64.b64decode(value).decode()) == ("Basic", "tiphys:p:ä")
    assert "X-Scope-OrgID" not in replay.last.headers


async def test_without_credentials_none_go(replay: Alertmanager, client: AlertmanagerClient) -> None:
    replay.on("GET", "/api/v2/silences", NONE)
    await client.list_silences()
    assert "Authorization" not in replay.last.headers
    assert "Content-Type" not in replay.last.headers


async def test_an_answer_that_drips_ends_at_the_deadline(replay: Alertmanager, clock: FixedClock) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    replay.on("GET", "/api/v2/silences", drip)
    source = AlertSource(name="default", url=replay.url)
    async with AlertmanagerClient(source, clock=clock, patience=Patience(answer=0.2)) as client:
        with pytest.raises(Unavailable, match="no answer in time"):
            await client.list_silences()


async def test_an_answer_that_is_cut_is_none(replay: Alertmanager, client: AlertmanagerClient) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"[")
        assert request.transport is not None
        request.transport.abort()
        return response

    replay.on("GET", "/api/v2/silences", cut)
    with pytest.raises(Unavailable, match="connection broke"):
        await client.list_silences()


async def test_an_answer_without_end_is_not_read_to_it(
    replay: Alertmanager, client: AlertmanagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 1 << 20)
    replay.on("GET", "/api/v2/silences", Answer(text=" " * (2 << 20) + "[]"))
    with pytest.raises(Unavailable, match="more than 1 MiB"):
        await client.list_silences()


async def test_nobody_there(clock: FixedClock, unused_tcp_port: int) -> None:
    source = AlertSource(name="default", url=f"http://127.0.0.1:{unused_tcp_port}")
    async with AlertmanagerClient(source, clock=clock) as client:
        with pytest.raises(Unavailable, match="no connection"):
            await client.status()


async def test_only_a_few_ask_at_once(replay: Alertmanager, client: AlertmanagerClient) -> None:
    at_once = most = 0
    come, go = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == MOST_AT_ONCE:
            come.set()
        await go.wait()
        at_once -= 1
        return NONE.response()

    replay.on("GET", "/api/v2/silences", hold)
    async with asyncio.timeout(5), asyncio.TaskGroup() as asking:
        for _ in range(2 * MOST_AT_ONCE):
            asking.create_task(client.list_silences())
        await come.wait()
        go.set()
    assert most == MOST_AT_ONCE
    assert len(replay.requests) == 2 * MOST_AT_ONCE


async def test_calls_are_told_without_names(replay: Alertmanager, clock: FixedClock) -> None:
    told = Told()
    replay.on("GET", "/api/v2/alerts", NONE)
    replay.on("DELETE", "/api/v2/silence/7abe3c98", Answer(content_type=None))
    async with AlertmanagerClient(AlertSource(name="default", url=replay.url), clock=clock, meter=told) as client:
        await client.list_alerts(receiver="secret")
        await client.expire_silence("7abe3c98")
        with pytest.raises(Unavailable):
            await client.status()
    assert told.calls == [
        ("alertmanager", "GET alerts", "ok"),
        ("alertmanager", "DELETE silence/*", "ok"),
        ("alertmanager", "GET status", "unavailable"),
    ]


def test_a_source_without_a_url_has_no_client() -> None:
    with pytest.raises(ValueError, match="has no url"):
        Transport(AlertSource(name="default"), Patience())
