"""`/webhooks/github`: GitHub tells that something moved. Verified, and then no more than a reason to look.

Nothing in a delivery is believed but the name of the repository: what has happened there is asked of GitHub. So a
forged one is refused, and a stale, repeated or late one can do no more than wake.
"""

import hashlib
import hmac
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.ports_store import StoreUnavailable
from bot.web.bodies import BodyRefused, read_body, refuse_by_headers

log = structlog.get_logger(__name__)

PATH = "/webhooks/github"
LARGEST = 5 << 20
"""GitHub sends up to 25 MB. What we listen to is below 200 KB but for pushes of thousands of commits, and those are
found by the poll."""
SLOWEST = 10.0
"""Seconds: GitHub waits no longer for an answer."""
MOST_AT_ONCE = 8
REMEMBERED = 2_000
EVENTS = frozenset({
    "push", "create", "delete", "pull_request", "pull_request_review", "pull_request_review_thread", "status",
    "check_run", "check_suite", "branch_protection_rule", "branch_protection_configuration", "repository_ruleset",
})  # fmt: skip
"""Whatever a change may wait for."""

Heard = Callable[[str], Awaitable[int | None]]
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery. `woken`: how many changes are looked at now because of it."""

    status: int
    what: str
    woken: int = 0


class Deliveries:
    """The ids of what was heard lately. In memory and bounded: a repeated hint is harmless, this only saves work."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, delivery: str) -> bool:
        return delivery in self._known

    def remember(self, delivery: str) -> None:
        self._known[delivery] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


class GithubWebhooks:
    """The route. `heard` gets the repository's name, makes what waits for it due, and answers how many that were."""

    def __init__(self, secret: str, heard: Heard) -> None:
        self._secret, self._heard = secret.encode(), heard
        self._deliveries = Deliveries()
        self._reading = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        started = time.perf_counter()
        event, delivery = _word(request, "X-GitHub-Event"), _word(request, "X-GitHub-Delivery")
        try:
            outcome = await self._receive(request, event, delivery)
        except StoreUnavailable as error:
            log.warning("webhook.no_database", github_event=event, delivery=delivery, reason=error.reason)
            outcome = Outcome(503, "no-database")
        except Exception:  # whatever it is: GitHub need not see it, and the poll finds what this told of
            log.exception("webhook.crashed", github_event=event, delivery=delivery)
            outcome = Outcome(503, "crashed")
        log.info(
            "webhook.received", github_event=event, delivery=delivery, outcome=outcome.what, status=outcome.status,
            woken=outcome.woken, ms=round((time.perf_counter() - started) * 1000, 1),
        )  # fmt: skip
        return web.json_response({"outcome": outcome.what}, status=outcome.status)

    async def _receive(self, request: web.Request, event: str, delivery: str) -> Outcome:
        """What can be refused by the headers alone is refused before the body is read."""
        signature = _SIGNATURE.fullmatch(request.headers.get("X-Hub-Signature-256", ""))
        if signature is None:
            return Outcome(401, "unsigned")
        if request.content_type != "application/json":
            return Outcome(415, "not-json")
        try:
            refuse_by_headers(request, largest=LARGEST)
            if self._reading >= MOST_AT_ONCE:
                return Outcome(503, "busy")
            self._reading += 1
            try:
                body = await read_body(request, largest=LARGEST, seconds=SLOWEST)
            finally:
                self._reading -= 1
        except BodyRefused as refused:
            return Outcome(refused.status, refused.case)
        if not hmac.compare_digest(hmac.new(self._secret, body, hashlib.sha256).hexdigest(), signature[1]):
            return Outcome(401, "forged")
        return await self._understand(event, delivery, body)

    async def _understand(self, event: str, delivery: str, body: bytes) -> Outcome:
        """The body is GitHub's word, or was so once."""
        if delivery and delivery in self._deliveries:
            return Outcome(200, "repeated")
        if event not in EVENTS:
            return Outcome(200, "pong" if event == "ping" else "ignored")
        repository = _repository_of(body)
        if repository is None:
            return Outcome(400, "no-repository")
        woken = await self._heard(repository)
        if delivery:
            self._deliveries.remember(delivery)
        return Outcome(200, "not-ours") if woken is None else Outcome(202, "heard", woken)


def _repository_of(body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"repository": {"full_name": str(name)}}:
            return name
    return None


def _word(request: web.Request, header: str) -> str:
    """A header's value as far as it is one plain word."""
    value = request.headers.get(header, "")
    return value if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else ""
