"""Argo CD's notifications: who may send, what of them counts, and that a recorded one is understood."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.ports_store import StoreUnavailable
from bot.web import argocd_webhooks
from bot.web.argocd_webhooks import (
    LARGEST,
    PATH,
    ArgocdWebhooks,
    NotANotification,
    Notification,
    instance_of,
    read_notification,
)
from tests.desk import served
from tests.web.raw import exchange

TOKEN = "made-up-argocd-token"
OURS = {"schema": 1, "app": "apm-stack-production", "namespace": "argocd"}
SAMPLES = Path("tests/samples/argocd_notifications")
RECORDED = json.loads((SAMPLES / "webhook.json").read_text("utf-8"))
ENGINE = json.loads((SAMPLES / "rendered.json").read_text("utf-8"))


@dataclass(kw_only=True)
class Route:
    """`heard` is what came through; `broken` is what whoever hears it fails with."""

    http: httpx.AsyncClient
    url: str = ""
    instances: tuple[str, ...] | None = ("main", "eu")
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    broken: Exception | None = None

    async def hear(self, instance: str, application: str, namespace: str) -> int | None:
        if self.broken is not None:
            raise self.broken
        self.heard.append((instance, application, namespace))
        return 1 if application == OURS["app"] else None

    async def send(self, content: Any = None, path: str = PATH, **headers: str | None) -> httpx.Response:
        body = content if isinstance(content, bytes) or hasattr(content, "__aiter__") else json.dumps(content or OURS)
        whole: dict[str, str | None] = {
            "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        sent = {name: value for name, value in whole.items() if value is not None}
        return await self.http.post(f"{self.url}{path}", content=body, headers=sent)


@pytest.fixture
async def route() -> AsyncIterator[Route]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        route = Route(http=http)
        app = web.Application()
        app.add_routes(ArgocdWebhooks(TOKEN, lambda: route.instances, route.hear).routes())
        async with served(app) as route.url:
            yield route


async def test_what_moved_is_heard_of_its_instance(route: Route) -> None:
    assert (await route.send()).status_code == 202
    assert (await route.send(path=f"{PATH}/eu")).status_code == 202
    assert route.heard == [("main", "apm-stack-production", "argocd"), ("eu", "apm-stack-production", "argocd")]


async def test_what_a_real_controller_sent_is_heard_each_time_it_tries(route: Route) -> None:
    for told in RECORDED["exchanges"]:
        body = told["request"]["body_raw"].encode()
        headers = {name.replace("-", "_"): value for name, value in told["request"]["headers"]}
        assert (await route.send(body, **headers)).status_code == 200, "none of its Applications is ours"
    assert [application for _, application, _ in route.heard] == ["apm-small", "apm-small", "apm-invalid"]


async def test_what_the_engine_makes_of_the_shipped_template_is_heard(route: Route) -> None:
    bodies = [(asked["metadata"], body) for asked in ENGINE for body in asked["bodies"]]
    assert len(bodies) > 10
    for metadata, body in bodies:
        assert (await route.send(body.encode(), path=f"{PATH}/main")).status_code == 202
        assert route.heard[-1] == ("main", metadata["name"], metadata["namespace"])


@pytest.mark.parametrize("header", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN])
async def test_who_does_not_prove_himself_is_refused(route: Route, header: str | None) -> None:
    answer = await route.send(Authorization=header)
    assert (answer.status_code, route.heard) == (401, [])
    assert TOKEN not in answer.text
    unknown = await route.send(path=f"{PATH}/nowhere", Authorization=header)
    assert unknown.status_code == 401, "which instances there are is nobody's business"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"[" * 50_000, "not JSON"), (b"\xff", "not JSON"),
        (b"[]", "no JSON object"), (b"null", "no JSON object"),
        ({"app": "a", "namespace": "b"}, "`schema`"), ({**OURS, "schema": 2}, "`schema`"),
        ({**OURS, "schema": True}, "`schema`"), ({**OURS, "schema": "1"}, "`schema`"), ({**OURS, "app": None}, "`app`"),
        ({**OURS, "app": "A b"}, "`app`"), ({**OURS, "app": "x" * 254}, "`app`"), ({**OURS, "app": "a\n"}, "`app`"),
        ({**OURS, "namespace": ["argocd"]}, "`namespace`"), ({**OURS, "namespace": "<no value>"}, "`namespace`"),
    ],
)  # fmt: skip
async def test_what_is_not_our_template_is_told_so(route: Route, body: Any, said: str) -> None:
    answer = await route.send(body)
    assert (answer.status_code, route.heard) == (400, [])
    assert said in answer.text


async def test_what_can_be_refused_by_its_headers_is_not_read(route: Route) -> None:
    assert (await route.send(Content_Type="text/plain")).status_code == 415
    assert (await route.send(Content_Encoding="gzip")).status_code == 415
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {LARGEST + 1}\r\n\r\n"
    )
    answer = await exchange(route.url, head.encode())
    assert answer.status == 413


async def test_a_body_without_a_length_is_cut_off_at_the_same_size(route: Route) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 1000 + 2):
            yield b" " * 1000

    assert (await route.send(endless())).status_code == 413
    assert route.heard == []


async def test_more_at_once_than_we_read_is_put_off(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(argocd_webhooks, "MOST_AT_ONCE", 0)
        assert (await route.send()).status_code == 503
    monkeypatch.setattr(argocd_webhooks, "MOST_AT_ONCE", 1)
    answers = [(await route.send(content)).status_code for content in (None, b"{", None)]
    assert answers == [202, 400, 202], "one after the other is never too much"


async def test_an_instance_that_is_not_configured(route: Route) -> None:
    answer = await route.send(path=f"{PATH}/us")
    assert (answer.status_code, route.heard) == (404, [])
    assert "no such instance" in answer.text
    route.instances = None
    assert (await route.send()).status_code == 503


def test_a_path_without_a_name_is_of_main_or_of_the_only_one() -> None:
    assert instance_of(None, ("eu", "main")) == "main"
    assert instance_of(None, ("eu",)) == "eu"
    assert instance_of(None, ("eu", "us")) is None
    assert instance_of(None, ()) is None
    assert instance_of("us", ("eu",)) is None


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (StoreUnavailable("the server is gone"), "argocd_webhook.no_database"),
        (ValueError("x"), "argocd_webhook.crashed"),
    ],
)
async def test_a_failure_of_ours_is_one_that_is_tried_again(route: Route, error: Exception, event: str) -> None:
    route.broken = error
    with capture_logs() as logs:
        assert (await route.send()).status_code == 503
    assert event in {line["event"] for line in logs}


async def test_each_is_one_line_without_what_anybody_may_write(route: Route) -> None:
    with capture_logs() as logs:
        await route.send({**OURS, "message": "hidden"})
        await route.send(path=f"{PATH}/hidden")
        await route.send(path=f"{PATH}/hidden", Authorization="Bearer hidden")
    told = [(line["instance"], line["outcome"], line["status"], line["woken"]) for line in logs]
    assert told == [("main", "heard", 202, 1), ("", "no-instance", 404, 0), ("", "not-allowed", 401, 0)]
    assert "hidden" not in str(logs)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["schema", "app", "namespace", "x"]), inner, max_size=4)
    ),
)


@settings(deadline=None)
@given(ANY_JSON.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=60))
def test_whatever_comes_is_a_notification_or_said_not_to_be(body: bytes) -> None:
    try:
        told: Notification | str = read_notification(body)
    except NotANotification as error:
        told = str(error)
    assert told
    assert isinstance(told, str) or (told.application and told.namespace)
