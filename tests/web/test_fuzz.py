"""Whatever is sent to any endpoint: never a 500, and never an effect unless it is believed and readable."""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.main import Bot
from bot.sandbox.bots import KEPT_VARIABLES
from bot.sandbox.feed import Feed
from bot.sandbox.ports import Ports
from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from bot.settings import Settings
from tests.desk import ENVIRON, MANIFEST, TIPHYS_YAML, served
from tests.web.endpoints import ARGOCD_WEBHOOK_TOKEN, ENDPOINTS, NOTIFICATION, WEBHOOK_SECRET, Endpoint, now
from tests.web.raw import Answer, Header, ask, exchange

SAMPLE = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
MANY = settings(SAMPLE, max_examples=3_000)
EACH = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
SIGNED = pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.sign], ids=str)
UNKNOWN = Endpoint("/nothing/here")

TEXT = st.one_of(st.text(max_size=40), st.sampled_from(["0", "-1", "%ff", "v0=", "chunked", "gzip", "100-continue"]))
NAMES = st.one_of(
    st.sampled_from([
        "X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Slack-Retry-Num", "X-Slack-Bolt-Lazy-Only",
        "X-Slack-Bolt-Lazy-Function-Name", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Content-Length",
        "Expect", "Cookie", "Range", "Upgrade", "Connection", "Host", "X-Hub-Signature-256", "X-GitHub-Event",
        "Authorization", "Accept",
    ]),
    st.from_regex(r"[!#-'*+.^-z|~-]{1,20}", fullmatch=True),
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, st.one_of(TEXT.map(str.encode), st.binary(max_size=40)).map(
    lambda value: value.replace(b"\r", b"").replace(b"\n", b""))), max_size=6)  # fmt: skip
ACCEPTED = st.builds(
    "{}; {}={}".format, st.sampled_from(["text/plain", "application/openmetrics-text", "*/*"]),
    st.sampled_from(["version", "escaping", "q"]),
    st.one_of(st.sampled_from(["1.0.0", "2.x"]), st.text(st.characters(exclude_categories=["C"]), max_size=9)),
)  # fmt: skip
WORDS = st.sampled_from([
    "type", "event", "event_callback", "app_mention", "message", "user", "id", "team", "team_id", "channel", "actions",
    "block_actions", "view", "view_submission", "state", "values", "container", "authorizations", "ssl_check",
    "url_verification", "command", "payload", "function_executed", "is_ext_shared_channel", "response_urls", "1",
])  # fmt: skip
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=25,
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"])


@dataclass
class House:
    """The bot in a process of its own, its database, and the loop that asks it."""

    runner: asyncio.Runner
    url: str
    database: sqlite3.Connection

    def asked(self, method: str, path: str | bytes, headers: list[Header], body: bytes = b"") -> Answer:
        return self.runner.run(ask(self.url, method, path, headers, body))

    def told(self, sent: bytes) -> Answer:
        return self.runner.run(exchange(self.url, sent, and_end=True))

    @property
    def effects(self) -> int:
        """All that was ever taken; nothing else happens without a row there. Those of the intake go when they are
        absorbed, and leave their numbers."""
        alerts = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'alert_intake'"
        return int(self.database.execute(f"SELECT count(*) + ({alerts}) FROM inbound").fetchone()[0])  # noqa: S608


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as rest:
        runner = rest.enter_context(asyncio.Runner())
        folder = Path(rest.enter_context(tempfile.TemporaryDirectory()))
        opened = AsyncExitStack()
        rest.callback(lambda: runner.run(opened.aclose()))
        url = runner.run(_open(opened, folder))
        yield House(runner, url, rest.enter_context(closing(sqlite3.connect(folder / "tiphys.db"))))


async def _open(opened: AsyncExitStack, folder: Path) -> str:
    """The bot as it is run, with a Slack that knows it; returns when it is ready."""
    (folder / "tiphys.yaml").write_text(f"{TIPHYS_YAML}alertmanagers: {{default: }}\nalerts: {{channel: C0ALERTS}}\n")
    slack = SlackService(Traffic(), Feed(), "http")
    slack.install(MANIFEST)
    opened.push_async_callback(slack.close)
    slack.base_url = await opened.enter_async_context(served(slack.app()))
    listen = f"127.0.0.1:{Ports(folder).reserve('bot')}"
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, stderr=asyncio.subprocess.DEVNULL,
        env={**kept, **ENVIRON, "SLACK_API_URL": f"{slack.base_url}/api", "SLACK_BOT_TOKEN": TOKENS.slack_bot,
             "SLACK_SIGNING_SECRET": TOKENS.slack_signing_secret, "GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
             "ALERTMANAGER_WEBHOOK_TOKEN": TOKENS.alertmanager, "ARGOCD_WEBHOOK_TOKEN": ARGOCD_WEBHOOK_TOKEN,
             "TIPHYS_LISTEN": listen, "TIPHYS_DATA": str(folder)},
    )  # fmt: skip
    opened.push_async_callback(_end, process)
    async with asyncio.timeout(30):
        while not await _is_ready(f"http://{listen}"):
            assert process.returncode is None
            await asyncio.sleep(0.05)
    return f"http://{listen}"


async def _is_ready(url: str) -> bool:
    try:
        return (await ask(url, "GET", "/readyz", [])).status == 200
    except OSError:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


def test_every_endpoint_of_the_bot_stands_in_the_table() -> None:
    settings = Settings(
        _env_file=None, slack_bot_token=SecretStr("xoxb-1"), slack_signing_secret=SecretStr("signs"),
        github_webhook_secret=SecretStr("signs-too"), argocd_webhook_token=SecretStr("bears"),
    )  # fmt: skip
    routes = {(route.method, route.path.partition("/{")[0]) for route in Bot(settings).routes()}
    assert routes == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}


def anything(house: House, endpoint: Endpoint, budget: settings) -> None:
    @budget
    @given(method=METHODS, query=st.binary(max_size=20), headers=HEADERS, body=st.binary(max_size=200))
    def holds(method: str, query: bytes, headers: list[Header], body: bytes) -> None:
        before = house.effects
        path = endpoint.path.encode() + b"?" + query.translate(None, b" \r\n\t\x00#")
        answered = house.asked(method, path, headers, body)
        assert answered.status is None or answered.status < 500, answered
        assert house.effects == before

    holds()


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, UNKNOWN], ids=str)
def test_anything_at_all(house: House, endpoint: Endpoint) -> None:
    anything(house, endpoint, SAMPLE)


@pytest.mark.long
@pytest.mark.parametrize("endpoint", [*ENDPOINTS, UNKNOWN], ids=str)
def test_very_much_of_anything(house: House, endpoint: Endpoint) -> None:
    anything(house, endpoint, MANY)


def test_whatever_is_accepted(house: House) -> None:
    """By itself: beside other headers of any bytes hardly one gets past the parser."""

    @SAMPLE
    @given(accepted=st.lists(ACCEPTED, min_size=1, max_size=3).map(",".join))
    def holds(accepted: str) -> None:
        assert house.asked("GET", "/metrics", [("Accept", accepted.encode())]).status == 200

    holds()


@EACH
def test_bytes_that_are_no_request(house: House, endpoint: Endpoint) -> None:
    begun = f"{endpoint.method} {endpoint.path} HTTP/1.1\r\n".encode()
    junk = st.binary(max_size=200).map(lambda sent: sent + b"\r\n\r\n")
    headers = HEADERS.map(lambda named: b"".join(b"%s: %s\r\n" % (str(n).encode(), v) for n, v in named) + b"\r\n")

    @SAMPLE
    @given(sent=st.one_of(junk, junk.map(lambda rest: begun + rest), headers.map(lambda rest: begun + rest)))
    def holds(sent: bytes) -> None:
        before = house.effects
        answered = house.told(sent)
        assert answered.status is None or answered.status < 500, answered
        assert house.effects == before

    holds()


@SIGNED
def test_what_is_documented_but_not_signed_has_no_effect(house: House, endpoint: Endpoint) -> None:
    assert endpoint.bodies is not None
    sign = endpoint.sign
    assert sign is not None

    @SAMPLE
    @given(body=endpoint.bodies, data=st.data())
    def holds(body: tuple[Header, bytes], data: st.DataObject) -> None:
        content_type, text = body
        stamped = ["stale", "early", "half"] if endpoint.is_stamped else []
        signed = ["other bytes"] if endpoint.is_over_bytes else []
        how = data.draw(st.sampled_from(["not", "flipped", *signed, *stamped]))
        late = {"stale": -data.draw(st.integers(301, 10**6)), "early": data.draw(st.integers(302, 10**6))}
        headers = sign(text + b" " if how == "other bytes" else text, now() + late.get(how, 0))
        if how == "not":
            headers = []
        elif how == "half":
            headers = [data.draw(st.sampled_from(headers))]
        elif how == "flipped":
            flip = str.maketrans("0123456789abcdef", "1032547698badcfe")
            proofs = [name for name, _ in headers if "Signature" in str(name) or name == "Authorization"]
            headers = [(name, str(value).translate(flip) if name in proofs else value) for name, value in headers]
        before = house.effects
        assert house.asked(endpoint.method, endpoint.path, [content_type, *headers], text).status == 401
        assert house.effects == before

    holds()


def damaged(house: House, endpoint: Endpoint, budget: settings) -> None:
    assert endpoint.damaged is not None
    sign = endpoint.sign
    assert sign is not None

    @budget
    @given(body=endpoint.damaged)
    def holds(body: tuple[Header, bytes]) -> None:
        content_type, text = body
        before = house.effects
        answered = house.asked(endpoint.method, endpoint.path, [content_type, *sign(text, now())], text)
        assert answered.status is not None
        assert answered.status < 500, text
        assert house.effects == before

    holds()


@SIGNED
def test_what_is_signed_but_damaged_has_no_effect(house: House, endpoint: Endpoint) -> None:
    damaged(house, endpoint, settings(SAMPLE, max_examples=150))


@pytest.mark.long
@SIGNED
def test_very_much_of_what_is_signed_but_damaged(house: House, endpoint: Endpoint) -> None:
    damaged(house, endpoint, MANY)


def signed_junk(house: House, endpoint: Endpoint, budget: settings) -> None:
    sign = endpoint.sign
    assert sign is not None
    texts = st.one_of(
        ANY_JSON.map(json.dumps), ANY_JSON.map(lambda value: "payload=" + json.dumps(value).replace("&", "%26")),
        st.dictionaries(WORDS, st.text(max_size=10)).map(lambda form: "&".join(f"{k}={v}" for k, v in form.items())),
    ).map(lambda text: text.encode("utf-8", "surrogatepass"))  # fmt: skip
    kinds = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "x", ""])

    @budget
    @given(text=st.one_of(texts, st.binary(max_size=100)), kind=kinds)
    def holds(text: bytes, kind: str) -> None:
        answered = house.asked(endpoint.method, endpoint.path, [("Content-Type", kind), *sign(text, now())], text)
        assert answered.status is not None
        assert answered.status < 500, text

    holds()


@SIGNED
def test_signed_junk_is_never_an_error_of_ours(house: House, endpoint: Endpoint) -> None:
    signed_junk(house, endpoint, settings(SAMPLE, max_examples=200))


@pytest.mark.long
@SIGNED
def test_very_much_signed_junk(house: House, endpoint: Endpoint) -> None:
    signed_junk(house, endpoint, settings(MANY, max_examples=10_000))


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.sign and one.is_recorded], ids=str)
def test_the_same_bodies_have_an_effect_when_they_are_signed(house: House, endpoint: Endpoint) -> None:
    """So that the others fail for the right reason; and a second time nothing happens any more."""
    assert endpoint.bodies is not None
    sign = endpoint.sign
    assert sign is not None
    seen: dict[bytes, Any] = {}

    @SAMPLE
    @given(body=endpoint.bodies)
    def holds(body: tuple[Header, bytes]) -> None:
        content_type, text = body
        before = house.effects
        answered = house.asked(endpoint.method, endpoint.path, [content_type, *sign(text, now())], text)
        assert answered.status == 200, answered
        assert (house.effects > before) == (text not in seen)
        seen[text] = answered

    holds()
    assert seen


def test_a_notification_of_a_stage_is_heard_and_one_of_something_else_is_not_ours(house: House) -> None:
    """So that the others fail for the right reason: its effect is a look, and no row."""
    [endpoint] = [one for one in ENDPOINTS if one.path == "/webhooks/argocd"]
    assert endpoint.sign is not None
    for path, name, status in (("", NOTIFICATION["app"], 202), ("/main", NOTIFICATION["app"], 202), ("", "x", 200)):
        text = json.dumps({**NOTIFICATION, "app": name}).encode()
        sent = [("Content-Type", "application/json"), *endpoint.sign(text, now())]
        assert house.asked("POST", f"{endpoint.path}{path}", sent, text).status == status
