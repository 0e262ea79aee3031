"""Webhooks of alerts: who may send, what is taken, and what the sender reads of the rest."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.domain.alerts.policy import AlertSource, BasicAuth
from bot.integrations.alertmanager.webhook import check_snapshot
from bot.meter import Meter
from bot.ports_store import StoreUnavailable
from bot.web import alert_webhooks
from bot.web.alert_webhooks import PATH, AlertWebhooks, is_allowed
from tests.desk import served
from tests.services.alerts.room import body
from tests.web.raw import exchange

OLD, NEW, PASSWORD = "made-up-token-old", "made-up-token-new", "made-up: pässword"
GOOD = body(("a", "firing"))
SOURCES = {
    "default": AlertSource(name="default", webhook_tokens=(OLD, NEW)),
    "eu": AlertSource(name="eu", webhook_basic=BasicAuth(username="am", password=PASSWORD)),
    "open": AlertSource(name="open"),
}


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Counting(Meter):
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def alerts_heard(self, source: str, outcome: str, seconds: float) -> None:
        self.heard.append((source, outcome))


@dataclass(kw_only=True)
class Route:
    """`taken` is what was stored; `broken` is what storing fails with."""

    http: httpx.AsyncClient
    url: str = ""
    sources: dict[str, AlertSource] | None = field(default_factory=lambda: dict(SOURCES))
    taken: list[tuple[str, str]] = field(default_factory=list)
    broken: Exception | None = None
    meter: Counting = field(default_factory=Counting)

    async def take_in(self, source: str, text: str) -> None:
        if self.broken is not None:
            raise self.broken
        self.taken.append((source, text))

    async def send(self, content: Any = GOOD, source: str | None = None, **headers: str | None) -> httpx.Response:
        whole: dict[str, str | None] = {
            "Authorization": f"Bearer {NEW}", "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        sent = {name: value for name, value in whole.items() if value is not None}
        path = PATH if source is None else f"{PATH}/{source}"
        return await self.http.post(f"{self.url}{path}", content=content, headers=sent)


@pytest.fixture
async def route() -> AsyncIterator[Route]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        route = Route(http=http)
        app = web.Application()
        hooks = AlertWebhooks(lambda: route.sources, check_snapshot, route.take_in, meter=route.meter)
        app.add_routes(hooks.routes())
        async with served(app) as route.url:
            yield route


async def test_a_snapshot_is_stored_as_it_came(route: Route) -> None:
    assert (await route.send()).status_code == 202
    assert (await route.send(source="default", Authorization=f"bearer {OLD}")).status_code == 202
    assert (await route.send(source="eu", Authorization=basic("am", PASSWORD))).status_code == 202
    assert route.taken == [("default", GOOD), ("default", GOOD), ("eu", GOOD)]
    assert route.meter.heard == [("default", "taken"), ("default", "taken"), ("eu", "taken")]


@pytest.mark.parametrize(
    ("source", "authorization"),
    [
        ("default", None), ("default", ""), ("default", "Bearer"), ("default", NEW),
        ("default", f"Bearer {NEW}x"), ("default", f"Bearer {NEW} {OLD}"), ("default", f"Token {NEW}"),
        ("default", basic("am", PASSWORD)), ("eu", f"Bearer {NEW}"), ("eu", basic("am", "")), ("eu", basic("", "")),
        ("eu", basic("other", PASSWORD)), ("eu", "Basic ???"), ("eu", "Basic"), ("open", None), ("open", "Bearer"),
        ("open", basic("", "")), ("open", f"Bearer {NEW}"),
    ],
)  # fmt: skip
async def test_who_does_not_prove_himself_is_refused(route: Route, source: str, authorization: str | None) -> None:
    answer = await route.send(source=source, Authorization=authorization)
    assert (answer.status_code, route.taken) == (401, [])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not {NEW, OLD, PASSWORD} & set(answer.text.split())


async def test_two_proofs_are_none() -> None:
    assert is_allowed(SOURCES["default"], [f"Bearer {NEW}"])
    assert not is_allowed(SOURCES["default"], [f"Bearer {NEW}", f"Bearer {NEW}"])
    assert not is_allowed(SOURCES["default"], ["Bearer \udcff"])
    assert not is_allowed(SOURCES["eu"], ["Basic \udcff"])


async def test_a_source_that_is_not_there_is_not_told_from_a_path_that_is_not(route: Route) -> None:
    unknown, nothing = await route.send(source="us"), await route.http.post(f"{route.url}/webhooks/nothing")
    assert (unknown.status_code, unknown.text) == (nothing.status_code, nothing.text) == (404, "404: Not Found")
    assert route.meter.heard == [("unknown", "no-source")]


async def test_sources_follow_the_configuration(route: Route) -> None:
    assert route.sources is not None
    route.sources["us"] = replace(SOURCES["default"], name="us", webhook_tokens=("renewed",))
    assert (await route.send(source="us", Authorization="Bearer renewed")).status_code == 202
    del route.sources["us"]
    assert (await route.send(source="us", Authorization="Bearer renewed")).status_code == 404
    route.sources = None
    assert (await route.send()).status_code == 503, "not ready yet"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400),
        (body(("a", "firing"), version="3"), 400), (body(("a", "firing"), groupKey=7), 400),
        (body(("a", "firing")).replace("alerts", "alarms"), 400), ('{"text": "a custom payload"}', 400),
    ],
    ids=lambda one: str(one)[:20],
)  # fmt: skip
async def test_what_is_no_snapshot_is_refused_in_a_few_words(route: Route, content: Any, status: int) -> None:
    answer = await route.send(content)
    assert (answer.status_code, route.taken) == (status, [])
    assert len(answer.text) <= 220
    assert answer.text.isprintable()


@pytest.mark.parametrize(
    "headers", [{"Content_Type": "text/plain"}, {"Content_Type": None}, {"Content_Encoding": "gzip"}]
)
async def test_another_form_is_refused(route: Route, headers: dict[str, Any]) -> None:
    assert (await route.send(**headers)).status_code in (400, 415)  # aiohttp itself refuses what cannot be unpacked
    assert route.taken == []


async def test_what_cannot_be_stored_is_to_be_sent_again(route: Route) -> None:
    route.broken = StoreUnavailable("the server db.example.com is gone")
    with capture_logs() as logs:
        answer = await route.send()
    assert (answer.status_code, "db.example.com" in answer.text) == (503, False)
    assert [line["event"] for line in logs] == ["alert_webhook.no_database", "alert_webhook.received"]
    route.broken = ZeroDivisionError("secret")
    answer = await route.send()
    assert (answer.status_code, "secret" in answer.text) == (503, False)
    route.broken = None
    assert (await route.send()).status_code == 202


async def test_what_is_too_large_is_refused_before_it_is_read(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_webhooks, "LARGEST", len(GOOD))
    assert (await route.send()).status_code == 202
    assert (await route.send(GOOD + " ")).status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        yield GOOD.encode()
        yield b" "

    assert (await route.send(pieces())).status_code == 413
    assert len(route.taken) == 1


async def test_what_is_in_our_hands_at_once_is_bounded(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_webhooks, "SLOWEST", 0.3)
    monkeypatch.setattr(alert_webhooks, "MOST_HELD", 250)
    slow = head(100)
    answers = await asyncio.gather(*(exchange(route.url, slow) for _ in range(4)))
    assert sorted(answer.status or 0 for answer in answers) == [408, 408, 503, 503]
    assert (await route.send()).status_code == 202, "one is taken, however large"


def head(length: int) -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {NEW}\r\nContent-Length: {length}\r\n\r\nx"
    ).encode()
