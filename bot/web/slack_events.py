"""`POST /slack/events`: what is not signed by Slack, just now and over exactly these bytes, goes no further.

These checks stand before the SDK, which parses before it verifies, knows no limit for a body, and fails on what nobody
can read. Nothing of a body is ever logged.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from bot.ports import Clock
from bot.web.bodies import BodyRefused, read_body, refuse_by_headers

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST_BODY = 1 << 20
"""A submitted dialog of the largest kind has about half of it, percent-encoded."""
READ_SECONDS = 5.0
"""Slack itself gives up after three."""
WINDOW_SECONDS = 300
MOST_FIELDS = 100
TOLD_EVERY_SECONDS = 10.0

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_PASSED_ON = ("X-Slack-Retry-Num", "X-Slack-Retry-Reason")
"""Of the headers only these: some others make the SDK run parts of a listener. The signature does not cover them."""
_NO_RETRY = {"X-Slack-No-Retry": "1"}
"""Goes with 400: the same bytes would not become readable."""

Payload = Mapping[str, Any]


class Answer(Protocol):
    """What is answered to Slack."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> str: ...
    @property
    def content_type(self) -> str: ...


Receive = Callable[[Payload, Mapping[str, str]], Awaitable[Answer | None]]
"""Takes a verified payload and Slack's remarks on it; None as long as nobody can take it."""


class _Refused(BodyRefused):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, "refused", reason)


def slack_events_routes(receive: Receive, signing_secret: str, clock: Clock) -> list[web.RouteDef]:
    """Events, interactions and commands, all on the one path. Raises `ValueError` without a secret."""
    if not signing_secret:
        raise ValueError("nothing can be verified without the signing secret")
    return [web.post(PATH, _SlackEvents(receive, signing_secret, clock).handle)]


class _SlackEvents:
    def __init__(self, receive: Receive, signing_secret: str, clock: Clock) -> None:
        self._receive, self._secret, self._clock = receive, signing_secret.encode(), clock
        self._told: dict[str, float] = {}

    async def handle(self, request: web.Request) -> web.Response:
        try:
            payload = _parsed(request.content_type, await self._verified(request))
        except BodyRefused as refused:
            self._tell(refused)
            return web.Response(status=refused.status, text=refused.reason, headers=_headers(refused.status))
        remarks = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        answer = await self._receive(payload, remarks)
        if answer is None:
            return web.Response(status=503, text="not ready")
        return web.Response(
            status=answer.status, text=answer.body, content_type=answer.content_type, headers=_headers(answer.status)
        )

    async def _verified(self, request: web.Request) -> bytes:
        """The body as it came, once it is known to be Slack's."""
        refuse_by_headers(request, largest=LARGEST_BODY)
        timestamp = _only(request, "X-Slack-Request-Timestamp", _TIMESTAMP)
        signature = _only(request, "X-Slack-Signature", _SIGNATURE)
        if abs(self._clock.now().timestamp() - int(timestamp)) > WINDOW_SECONDS:
            raise _Refused(401, "the timestamp is more than five minutes away")
        body = await read_body(request, largest=LARGEST_BODY, seconds=READ_SECONDS)
        ours = hmac.new(self._secret, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"v0={ours}", signature):
            raise _Refused(401, "the signature is not Slack's")
        return body

    def _tell(self, refused: BodyRefused) -> None:
        """Each reason now and then: anybody may knock, and nobody shall fill the log by it."""
        now = asyncio.get_running_loop().time()
        if now - self._told.get(refused.reason, -TOLD_EVERY_SECONDS) >= TOLD_EVERY_SECONDS:
            self._told[refused.reason] = now
            log.warning("slack.request_refused", status=refused.status, reason=refused.reason)


def _only(request: web.Request, name: str, shape: re.Pattern[str]) -> str:
    """The one value of a header."""
    values = request.headers.getall(name, [])
    if len(values) != 1 or shape.fullmatch(values[0]) is None:
        raise _Refused(401, f"{name} is missing or malformed")
    return values[0]


def _parsed(content_type: str, body: bytes) -> Payload:
    """Events are JSON; commands are a form, interactions a form with JSON in it."""
    try:
        text = body.decode()
        if content_type == "application/json":
            return _object(text)
        if content_type != "application/x-www-form-urlencoded":
            raise _Refused(415, "neither JSON nor a form")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
        form = dict(pairs)
        if not form or len(form) != len(pairs):
            raise ValueError("no form, or one whose fields mean two things")
        return _object(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise _Refused(400, "the body cannot be read") from None


def _object(text: str) -> Payload:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _headers(status: int) -> Mapping[str, str]:
    return _NO_RETRY if status == 400 else {}
