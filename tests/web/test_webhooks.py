"""Webhooks: what is GitHub's word wakes, once; everything else is refused, and nothing of it is an error of ours."""

import asyncio
import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from structlog.testing import capture_logs

from bot.ports_store import StoreUnavailable
from bot.web import webhooks
from bot.web.webhooks import EVENTS, LARGEST, MOST_AT_ONCE, PATH, Deliveries
from tests.web.conftest import OURS, SECRET, Route, signature

DEEP = b'{"repository":' + b"[" * 100_000
OTHERS: list[Any] = [
    None,
    [],
    "x",
    7,
    {},
    {"repository": None},
    {"repository": {"full_name": 7}},
    {"repository": [OURS]},
]


@pytest.mark.parametrize("event", sorted(EVENTS))
async def test_a_move_in_one_of_our_repositories_is_heard(route: Route, event: str) -> None:
    assert await route.send(event=event) == 202
    assert route.heard == [OURS]


async def test_each_delivery_is_one_line_without_its_content(route: Route) -> None:
    delivery = str(uuid.uuid4())
    with capture_logs() as logs:
        await route.send({"repository": {"full_name": OURS}, "sender": {"login": "hidden"}}, X_GitHub_Delivery=delivery)
        await route.send(X_Hub_Signature_256=signature(b"other"), X_GitHub_Event="push\tx")
    heard, forged = [line for line in logs if line["event"] == "webhook.received"]
    assert (heard["github_event"], heard["delivery"], heard["outcome"]) == ("push", delivery, "heard")
    assert (heard["status"], heard["woken"]) == (202, 1)
    assert (forged["outcome"], forged["status"], forged["github_event"]) == ("forged", 401, "")
    assert "hidden" not in str(logs)


@pytest.mark.parametrize(
    "how",
    [
        {"X_Hub_Signature_256": None},
        {"X_Hub_Signature_256": ""},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": "sha1=" + "0" * 40},
        {"X_Hub_Signature_256": signature(b'{"repository": {"full_name": "example/apm"}}', "another-secret")},
        {"X_Hub_Signature_256": signature(b'{"repository": {"full_name": "example/apm"}}').upper()},
        {"X_Hub_Signature_256": None, "X_Hub_Signature": "sha1=" + "0" * 40},
    ],
)
async def test_what_github_did_not_sign_is_refused(route: Route, how: dict[str, Any]) -> None:
    assert await route.send(**how) == 401
    assert route.heard == []


async def test_one_byte_more_is_another_body(route: Route) -> None:
    body = json.dumps({"repository": {"full_name": OURS}}).encode()
    assert await route.send(body=body + b" ", X_Hub_Signature_256=signature(body)) == 401
    assert await route.send(body=body) == 202


async def test_a_repeated_delivery_is_heard_once(route: Route) -> None:
    delivery = str(uuid.uuid4())
    assert [await route.send(X_GitHub_Delivery=delivery) for _ in range(3)] == [202, 200, 200]
    assert route.heard == [OURS]
    assert await route.send(X_GitHub_Delivery=None) == 202, "an id is no proof, and none is needed"


async def test_a_delivery_that_came_to_nothing_may_be_repeated(route: Route) -> None:
    delivery, route.broken = str(uuid.uuid4()), ZeroDivisionError("an error of ours")
    assert await route.send(X_GitHub_Delivery=delivery) == 503
    route.broken = None
    assert await route.send(X_GitHub_Delivery=delivery) == 202


async def test_a_database_that_is_away_is_told_by_its_name_and_without_a_trace(route: Route) -> None:
    route.broken = StoreUnavailable("the server is gone")
    with capture_logs() as logs:
        assert await route.send() == 503
    away, received = logs
    assert (away["event"], away["log_level"], away["reason"]) == (
        "webhook.no_database",
        "warning",
        "the server is gone",
    )
    assert (received["outcome"], received["status"]) == ("no-database", 503)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "REMEMBERED", 3)
    known = Deliveries()
    for number in range(5):
        known.remember(str(number))
    assert [str(number) in known for number in range(5)] == [False, False, True, True, True]


async def test_what_tells_of_nothing_that_we_wait_for_is_taken_and_forgotten(route: Route) -> None:
    for event in ("ping", "star", "no-such-event", "", "push push"):
        assert await route.send(event=event) == 200
    assert route.heard == []
    assert await route.send({"repository": {"full_name": "example/other"}}) == 200


@pytest.mark.parametrize("document", OTHERS)
async def test_a_document_that_names_no_repository(route: Route, document: Any) -> None:
    assert await route.send(body=json.dumps(document).encode()) == 400
    assert route.heard == []


@pytest.mark.parametrize(
    "body",
    [
        DEEP, b"", b"{", b"\xff\xfe\x00", b'{"repository": {"full_name": "\xe4"}}', b"1" * 10_000,
        json.dumps({"repository": {"full_name": OURS}}).encode("utf-7") + b"+", b"payload=%7B%7D",
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)  # fmt: skip
async def test_a_body_that_is_no_document(route: Route, body: bytes) -> None:
    assert await route.send(body=body) == 400
    assert route.heard == []


@pytest.mark.parametrize(
    "how",
    [
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "text/plain"},
        {"Content_Type": None},
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "x-unknown"},
    ],
)
async def test_another_form_than_github_is_asked_for(route: Route, how: dict[str, Any]) -> None:
    assert await route.send(**how) in (400, 415)  # aiohttp itself refuses what cannot be unpacked
    assert route.heard == []


async def raw(route: Route, head: str, *pieces: bytes) -> tuple[int, int]:
    """Send a request by hand until it is answered; the status, and how many of the pieces were sent by then."""
    host, _, port = route.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        answer, sent = asyncio.ensure_future(reader.readline()), 0  # noqa: TID251  looked at between the pieces
        for piece in pieces:
            await asyncio.wait([answer], timeout=0 if sent else 0.2)
            if answer.done():
                break
            writer.write(piece)
            await writer.drain()
            sent += 1
        return int((await answer).split()[1]), sent
    finally:
        writer.close()


SIGNED = f"Content-Type: application/json\r\nX-Hub-Signature-256: {signature(b'')}\r\nX-GitHub-Event: push"


async def test_what_is_too_large_is_refused_before_it_is_read(route: Route) -> None:
    size = 25 << 20
    status, sent = await raw(route, f"{SIGNED}\r\nContent-Length: {size}", *[b"x" * (1 << 20)] * 25)
    assert (status, sent) == (413, 0)
    status, sent = await raw(
        route, f"{SIGNED}\r\nTransfer-Encoding: chunked", *[b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"] * 25
    )
    assert status == 413
    assert sent < 25, "what has no length is read up to the limit"
    assert route.heard == []


async def test_who_sends_all_of_it_before_listening_hears_the_answer_and_no_reset(route: Route) -> None:
    """GitHub's cap, from a sender that reads nothing until it has sent all: what is not wanted is read past."""
    size = 25 << 20
    for _ in range(5):
        host, _, port = route.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\nContent-Length: {size}\r\n\r\n".encode())
        writer.write(b"x" * size)
        await writer.drain()
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answers = (await reader.read()).decode()
        writer.close()
        assert re.findall(r"HTTP/1.1 (\d+)", answers) == ["413", "405"], "the connection serves on"
    assert route.heard == []


async def test_the_largest_that_is_taken(route: Route) -> None:
    document = {"repository": {"full_name": OURS}, "padding": ""}
    document["padding"] = "x" * (LARGEST - len(json.dumps(document)))
    body = json.dumps(document).encode()
    assert len(body) == LARGEST
    assert await route.send(body=body) == 202
    assert await route.send(body=body + b" ") == 413


async def test_a_sender_that_dawdles_holds_nobody_up(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "SLOWEST", 0.3)
    slow = [raw(route, f"{SIGNED}\r\nContent-Length: 100", b"x") for _ in range(MOST_AT_ONCE + 2)]
    statuses = sorted([status for status, _ in await asyncio.gather(*slow)])
    assert statuses == [408] * MOST_AT_ONCE + [503] * 2
    assert await route.send() == 202


async def test_other_methods_and_paths_are_not_there(route: Route) -> None:
    assert (await route.http.get(f"{route.url}{PATH}")).status_code == 405
    assert (await route.http.post(f"{route.url}/webhooks")).status_code == 404


# Hypothesis runs many deliveries against one route: what it keeps between them is what it would keep in life.
ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = some.text(some.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.strip)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text() | some.just("repository"), inner),
    max_leaves=10,
)
REPOSITORY = some.sampled_from([OURS, OURS.upper(), "example/other", "\ud800", "", "../..", "a" * 5000])
BODIES = (
    some.binary(max_size=300)
    | JSON.map(lambda document: json.dumps(document).encode())
    | REPOSITORY.map(lambda name: json.dumps({"repository": {"full_name": name}}).encode())
)
HEADERS = some.fixed_dictionaries(
    {},
    optional={
        "X-GitHub-Event": TEXT | some.sampled_from(sorted(EVENTS)),
        "X-GitHub-Delivery": TEXT,
        "X-Hub-Signature-256": TEXT | some.just("sha256=" + "f" * 64),
        "Content-Type": TEXT | some.just("application/json; charset=utf-16"),
        "Content-Encoding": TEXT,
        "X-Surprise": TEXT,
    },
)


@ANY
@given(body=BODIES, headers=HEADERS, is_signed=some.booleans())
async def test_whatever_is_sent_it_is_no_error_and_no_more_than_a_wake_up(
    route: Route, body: bytes, headers: dict[str, str], is_signed: bool
) -> None:
    before = len(route.heard)
    whole = {"X-GitHub-Event": "push", "Content-Type": "application/json", **headers}
    if is_signed:
        whole["X-Hub-Signature-256"] = signature(body, SECRET)
    status = (await route.http.post(f"{route.url}{PATH}", content=body, headers=whole)).status_code
    assert status in {200, 202, 400, 401, 413, 415}
    if len(route.heard) != before:
        assert is_signed
        assert len(route.heard) == before + 1
        assert status in {200, 202}
        assert json.loads(body)["repository"]["full_name"] == route.heard[-1]
