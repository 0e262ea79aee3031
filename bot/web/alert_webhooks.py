"""`/webhooks/alertmanager[/<source>]`: what an Alertmanager tells is checked, stored, and only then taken for heard.

There is no signature and no delivery id: who sends proves it by a token or a password, and what is sent twice is
stored twice. Alertmanager tries again after 5xx and never minds 4xx until its next notification; it follows 301 and
302 as GET, and copies our answer into its log: so no redirects, no 429, and short words without secrets.
Source: alertmanager `notify/util.go`, `notify/webhook/webhook.go`.
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import web

from bot.domain.alerts.policy import AlertSource
from bot.meter import SILENT, Meter
from bot.ports_alerts import NotASnapshot
from bot.ports_store import StoreUnavailable
from bot.web.bodies import BodyRefused, read_body, refuse_by_headers
from bot.web.proofs import bears, given, is_one_of

log = structlog.get_logger(__name__)

PATH = "/webhooks/alertmanager"
DEFAULT_SOURCE = "default"
LARGEST = 16 << 20
"""Alertmanager knows no limit. 60 common alerts have 30 kB."""
SLOWEST = 10.0
"""Seconds. A second Alertmanager sends the same after 15."""
MOST_HELD = 48 << 20
"""Bytes of bodies that are in our hands at once."""
MOST_AT_ONCE = 500
LONGEST_REASON = 200
UNKNOWN = "unknown"

Sources = Callable[[], Mapping[str, AlertSource] | None]
Check = Callable[[str, bytes], None]
"""Reads a body of a source, strictly. Raises `NotASnapshot`."""
TakeIn = Callable[[str, str], Awaitable[None]]
"""Stores a body of a source; returns when it is safe. Raises `StoreUnavailable`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery. `case` is a word of a fixed set, `said` is for the sender's log."""

    status: int
    case: str
    said: str


class AlertWebhooks:
    """The routes. `sources` tells who may send now; None as long as nothing can be taken."""

    def __init__(self, sources: Sources, check: Check, take_in: TakeIn, *, meter: Meter = SILENT) -> None:
        self._sources, self._check, self._take_in, self._meter = sources, check, take_in, meter
        self._held = self._at_once = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._serve), web.post(f"{PATH}/{{source}}", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        started = time.perf_counter()
        sources = self._sources()
        named = request.match_info.get("source", DEFAULT_SOURCE)
        source = (sources or {}).get(named)
        if sources is None:
            outcome = Outcome(503, "starting", "not ready yet")
        elif source is None:
            outcome = Outcome(404, "no-source", "404: Not Found")  # as any other path that is not there
        else:
            outcome = await self._guarded(request, source)
        told = source.name if source else UNKNOWN  # what anybody may write is no label, and no line of a log
        seconds = time.perf_counter() - started
        self._meter.alerts_heard(told, outcome.case, seconds)
        asyncio.get_running_loop().call_soon(partial(_tell, told, outcome, seconds))  # when it is answered
        headers = {"WWW-Authenticate": 'Bearer realm="alerts"'} if outcome.status == 401 else None
        return web.Response(status=outcome.status, text=outcome.said, headers=headers)

    async def _guarded(self, request: web.Request, source: AlertSource) -> Outcome:
        try:
            return await self._receive(request, source)
        except BodyRefused as refused:
            return Outcome(refused.status, refused.case, refused.reason)
        except NotASnapshot as error:
            log.warning("alert_webhook.not_a_snapshot", source=source.name, reason=_short(str(error)))
            return Outcome(400, "not-a-snapshot", _short(f"not taken: {error}"))
        except StoreUnavailable as error:
            log.warning("alert_webhook.no_database", source=source.name, reason=error.reason)
            return Outcome(503, "no-database", "the database gives no answer, try again")
        except Exception:  # whatever it is: nothing is lost while the sender tries again
            log.exception("alert_webhook.crashed", source=source.name)
            return Outcome(503, "crashed", "an error of ours, try again")

    async def _receive(self, request: web.Request, source: AlertSource) -> Outcome:
        """What can be refused by the headers alone is refused before the body is read."""
        if not is_allowed(source, request.headers.getall("Authorization", [])):
            return Outcome(401, "not-allowed", "the token or password is not the configured one")
        if request.content_type != "application/json":
            return Outcome(415, "not-json", "Content-Type is not application/json")
        refuse_by_headers(request, largest=LARGEST)
        size = LARGEST if request.content_length is None else request.content_length
        if self._at_once >= MOST_AT_ONCE or (self._held and self._held + size > MOST_HELD):
            return Outcome(503, "busy", "too much at once, try again")
        self._at_once, self._held = self._at_once + 1, self._held + size
        try:
            body = await read_body(request, largest=LARGEST, seconds=SLOWEST)
            self._check(source.name, body)
            try:
                text = body.decode()
            except UnicodeDecodeError:
                raise NotASnapshot("the body is not UTF-8") from None
            await self._take_in(source.name, text)
        finally:
            self._at_once, self._held = self._at_once - 1, self._held - size
        return Outcome(202, "taken", "taken")


def _tell(source: str, outcome: Outcome, seconds: float) -> None:
    """A line takes longer than the check of a small body, and nobody waits for it."""
    log.info(
        "alert_webhook.received", source=source, outcome=outcome.case, status=outcome.status,
        ms=round(seconds * 1000, 1),
    )  # fmt: skip


def is_allowed(source: AlertSource, headers: list[str]) -> bool:
    """Whether the `Authorization` proves that this source sends: every secret is compared, in constant time each.

    A source without any secret is open to nobody.
    """
    scheme, value = given(headers)
    if scheme == "basic" and source.webhook_basic is not None and source.webhook_basic.password:
        known = f"{source.webhook_basic.username}:{source.webhook_basic.password}"
        return is_one_of(_decoded(value), [known.encode()])
    return bears(headers, source.webhook_tokens)


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value.encode("ascii", "replace"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _short(reason: str) -> str:
    line = re.sub(r"[^\x20-\x7e]+", " ", reason)
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}~"
