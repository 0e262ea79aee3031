"""What reaches the Slack app over HTTP is signed, fresh, whole and readable; everything else is refused by status."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from aiohttp import web
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier

from bot.main import Bot
from bot.settings import Settings
from bot.web.slack_events import LARGEST_BODY, slack_events_routes
from tests.desk import SetClock, served
from tests.web.raw import Answer, Header, ask, exchange, signed

SECRET = "signing-secret-1"
JSON: Header = ("Content-Type", "application/json")
FORM: Header = ("Content-Type", "application/x-www-form-urlencoded")
COMMAND = {"command": "/promote", "text": "apm-stack prod & ümlaut", "user_id": "U0DEV1", "channel_id": "C0DEPLOY"}
EVENT = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention", "text": "hi"}}


@dataclass
class Told:
    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


@dataclass
class Ear:
    """Hears what gets through, and answers as it is told."""

    url: str
    clock: SetClock
    heard: list[Mapping[str, Any]] = field(default_factory=list)
    remarks: list[Mapping[str, str]] = field(default_factory=list)
    answer: Told | None = field(default_factory=Told)

    async def receive(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Told | None:
        self.heard.append(payload)
        self.remarks.append(headers)
        return self.answer

    async def post(
        self, body: bytes, *headers: Header, secret: str = SECRET, late: float = 0.0, form: bool = True
    ) -> Answer:
        """As Slack would send it, `late` seconds after signing, with `headers` besides."""
        at = self.clock.now().timestamp() - late
        return await ask(self.url, "POST", "/slack/events", [*headers, *([FORM] if form else []),
                                                             *signed(secret, body, at=at)], body)  # fmt: skip


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear("", SetClock())
    app = web.Application()
    app.add_routes(slack_events_routes(ear.receive, SECRET, ear.clock))
    async with served(app) as url:
        ear.url = url
        yield ear


async def test_a_command_an_interaction_and_an_event_get_through(ear: Ear) -> None:
    click = {"type": "block_actions", "user": {"id": "U0DEV1"}}
    assert (await ear.post(urlencode(COMMAND).encode())).status == 200
    assert (await ear.post(urlencode({"payload": json.dumps(click)}).encode())).status == 200
    assert (await ear.post(json.dumps(EVENT).encode(), JSON, form=False)).status == 200
    assert ear.heard == [COMMAND, click, EVENT]


async def test_we_sign_as_slacks_own_library_does(ear: Ear) -> None:
    """What these tests sign with, and what the bot compares with, is the same as there."""
    body = urlencode(COMMAND)
    (_, timestamp), (_, signature) = signed(SECRET, body.encode(), at=1_700_000_000)
    assert SignatureVerifier(SECRET).generate_signature(timestamp=str(timestamp), body=body) == signature


async def test_what_is_answered_reaches_slack(ear: Ear) -> None:
    ear.answer = Told(status=200, body='{"text": "ö"}', content_type="application/json")
    answered = await ear.post(urlencode(COMMAND).encode())
    assert (answered.status, answered.body) == (200, '{"text": "ö"}')
    assert answered.headers["content-type"].startswith("application/json")
    ear.answer = Told(status=500)
    failed = await ear.post(urlencode(COMMAND).encode())
    assert (failed.status, "x-slack-no-retry" in failed.headers) == (500, False)


async def test_until_somebody_can_take_it_slack_is_told_to_come_again(ear: Ear) -> None:
    ear.answer = None
    answered = await ear.post(urlencode(COMMAND).encode())
    assert (answered.status, "x-slack-no-retry" in answered.headers) == (503, False)


async def test_only_slacks_remark_on_repeats_is_passed_on(ear: Ear) -> None:
    remarks: list[Header] = [("X-Slack-Retry-Num", "1"), ("X-Slack-Retry-Reason", "http_timeout")]
    steering: list[Header] = [("X-Slack-Bolt-Lazy-Only", "1"), ("X-Slack-Bolt-Lazy-Function-Name", "take")]
    await ear.post(urlencode(COMMAND).encode(), *remarks, *steering)
    assert ear.remarks == [dict(remarks)]


@pytest.mark.parametrize("late", [-301, 301, 3600, 10**9])
async def test_five_minutes_and_no_more(ear: Ear, late: int) -> None:
    body = urlencode(COMMAND).encode()
    assert (await ear.post(body, late=late)).status == 401
    for fresh in (-299, 299):
        assert (await ear.post(body, late=fresh)).status == 200
    assert ear.heard == [COMMAND, COMMAND]


async def test_another_apps_signature_is_none(ear: Ear) -> None:
    assert (await ear.post(urlencode(COMMAND).encode(), secret="another-secret")).status == 401
    assert ear.heard == []


async def test_a_signature_is_for_its_own_bytes(ear: Ear) -> None:
    ours, other = urlencode(COMMAND).encode(), urlencode({**COMMAND, "user_id": "U0ADMIN"}).encode()
    headers = [FORM, *signed(SECRET, ours, at=ear.clock.now().timestamp())]
    assert (await ask(ear.url, "POST", "/slack/events", headers, other)).status == 401
    assert (await ask(ear.url, "POST", "/slack/events", headers, ours + b" ")).status == 401
    assert (await ask(ear.url, "POST", "/slack/events", headers, ours)).status == 200


def altered(name: str, *values: str | bytes) -> Any:
    return pytest.param(name, values, id=f"{name}-{values!r}"[:60])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        altered("X-Slack-Request-Timestamp"), altered("X-Slack-Request-Timestamp", "noon"),
        altered("X-Slack-Request-Timestamp", ""), altered("X-Slack-Request-Timestamp", "1_0"),
        altered("X-Slack-Request-Timestamp", "9" * 400), altered("X-Slack-Request-Timestamp", "-1"),
        altered("X-Slack-Request-Timestamp", "١٧٧٢"), altered("X-Slack-Request-Timestamp", b"\xff\xfe"),
        altered("X-Slack-Signature"), altered("X-Slack-Signature", "v0="), altered("X-Slack-Signature", "v0=é"),
        altered("X-Slack-Signature", b"\xff" * 67), altered("X-Slack-Signature", "v0=" + "0" * 64),
        altered("X-Slack-Signature", "v1=" + "0" * 64), altered("X-Slack-Signature", "v0=" + "0" * 63),
    ],
)  # fmt: skip
async def test_headers_that_do_not_say_what_they_must(ear: Ear, name: str, values: tuple[str | bytes, ...]) -> None:
    body = urlencode(COMMAND).encode()
    kept = [header for header in signed(SECRET, body, at=ear.clock.now().timestamp()) if header[0] != name]
    answered = await ask(ear.url, "POST", "/slack/events", [FORM, *kept, *((name, value) for value in values)], body)
    assert answered.status in ({401, 400} if any(isinstance(value, bytes) for value in values) else {401})
    assert ear.heard == []


async def test_a_header_that_stands_twice_says_nothing(ear: Ear) -> None:
    body = urlencode(COMMAND).encode()
    good = signed(SECRET, body, at=ear.clock.now().timestamp())
    for doubled in good:
        assert (await ask(ear.url, "POST", "/slack/events", [FORM, *good, doubled], body)).status == 401
    assert ear.heard == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"{"), (JSON, b""), (JSON, b"[]"), (JSON, b'"x"'), (JSON, b"\xff"),
        (JSON, b'{"a": ' + b"1" * 5000 + b"}"),
        (JSON, b'{"a":' * 100_000), (FORM, b""), (FORM, b"no form"), (FORM, b"a=%ff"), (FORM, b"a=\xff"),
        (FORM, b"payload=%7B"), (FORM, b"payload=[]"), (FORM, b"payload=null"), (FORM, b"{}"),
        (FORM, b"command=/a&command=/b"), (FORM, "&".join(f"f{n}=x" for n in range(101)).encode()),
        (FORM, quote('payload={"a"').encode()),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
async def test_what_nobody_can_read_is_refused_for_good(ear: Ear, content_type: Header, body: bytes) -> None:
    answered = await ear.post(body, content_type, form=False)
    assert (answered.status, answered.headers.get("x-slack-no-retry")) == (400, "1")
    assert ear.heard == []


@pytest.mark.parametrize("header", [("Content-Type", "text/plain"), ("Content-Type", ";;"), ("X-Nothing", "x")])
async def test_only_json_and_forms_are_read(ear: Ear, header: Header) -> None:
    assert (await ear.post(urlencode(COMMAND).encode(), header, form=False)).status == 415
    assert ear.heard == []


async def test_an_encoded_body_is_not_unpacked(ear: Ear) -> None:
    assert (await ear.post(b"\x1f\x8b", ("Content-Encoding", "gzip"))).status == 415


async def test_a_body_too_large_is_refused_before_it_is_read(ear: Ear) -> None:
    """Of the announced megabyte not a byte is sent."""
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
    assert (await exchange(ear.url, head.encode())).status == 413


async def test_a_body_that_does_not_say_its_length_ends_at_the_limit(ear: Ear) -> None:
    body = b"a=" + b"x" * LARGEST_BODY
    headers = [FORM, ("Transfer-Encoding", "chunked"), *signed(SECRET, body, at=ear.clock.now().timestamp())]
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert (await ask(ear.url, "POST", "/slack/events", headers, chunked, length=False)).status == 413
    largest = b"a=" + b"x" * (LARGEST_BODY - 2)
    assert (await ear.post(largest)).status == 200


async def test_a_body_that_does_not_come_is_not_waited_for(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.slack_events.READ_SECONDS", 0.05)
    good = signed(SECRET, b"", at=ear.clock.now().timestamp())
    lines = "".join(f"{name!s}: {value!s}\r\n" for name, value in good)
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n{lines}\r\nabc"
    assert (await exchange(ear.url, head.encode())).status == 408


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_post(ear: Ear, method: str) -> None:
    assert (await ask(ear.url, method, "/slack/events", [])).status == 405


def test_without_a_secret_nothing_is_served() -> None:
    with pytest.raises(ValueError, match="signing secret"):
        slack_events_routes(Ear("", SetClock()).receive, "", SetClock())


async def test_refusals_are_logged_now_and_then_and_never_with_a_body(
    ear: Ear, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(ear.post(urlencode({**COMMAND, "text": "hush-hush"}).encode(), secret="wrong"))
    told = capsys.readouterr().out + caplog.text
    assert told.count("slack.request_refused") == 1
    assert "hush-hush" not in told


@pytest.mark.parametrize(
    "rest", [b"zz\r\n", b"5\r\nab", b"5\r\nabcdeXX0\r\n\r\n", b"-1\r\n\r\n", b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n"]
)
async def test_a_body_whose_pieces_do_not_fit_is_no_error_of_ours(ear: Ear, rest: bytes) -> None:
    good = signed(SECRET, b"abc", at=ear.clock.now().timestamp())
    lines = "".join(f"{name!s}: {value!s}\r\n" for name, value in good)
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{lines}\r\n"
    answered = await exchange(ear.url, head.encode() + rest, and_end=True)
    assert answered.status is None or answered.status < 500
    assert ear.heard == []


async def test_a_sender_that_goes_away_is_no_error_of_ours(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    lines = "".join(
        f"{name!s}: {value!s}\r\n" for name, value in signed(SECRET, b"abc", at=ear.clock.now().timestamp())
    )
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n{lines}\r\nabc"
    assert (await exchange(ear.url, head.encode(), and_end=True)).status is None
    assert (await ear.post(urlencode(COMMAND).encode())).status == 200
    assert "Traceback" not in caplog.text


def test_with_an_app_token_nothing_listens_for_slack() -> None:
    over_socket_mode = Settings(
        _env_file=None, slack_bot_token=SecretStr("xoxb-1"), slack_signing_secret=SecretStr("signs"),
        slack_app_token=SecretStr("xapp-1"),
    )  # fmt: skip
    assert "/slack/events" not in {route.path for route in Bot(over_socket_mode).routes()}
