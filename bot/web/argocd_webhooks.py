"""`/webhooks/argocd[/<instance>]`: Argo CD's notifications tell that an Application moved. Only a reason to look.

What is sent is our own template (`deploy/argocd/notifications.yaml`): which Application it is, and nothing about it
that would be believed. There is no signature and no delivery id; each is tried four times within seconds, after 5xx and
429, and is then lost for good, so the watch and the poll stay.
Source: argo-cd `docs/operator-manual/notifications`, notifications-engine `pkg/services/webhook.go`.
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from bot.ports_store import StoreUnavailable
from bot.web.bodies import BodyRefused, read_body, refuse_by_headers
from bot.web.proofs import bears

log = structlog.get_logger(__name__)

PATH = "/webhooks/argocd"
MAIN = "main"
SCHEMA = 1
LARGEST = 64 << 10
"""Our template makes some hundred bytes."""
SLOWEST = 5.0
MOST_AT_ONCE = 32
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
"""As Kubernetes has names."""

Instances = Callable[[], Collection[str] | None]
Heard = Callable[[str, str, str], Awaitable[int | None]]


class NotANotification(ValueError):
    """The body is not what our template makes; says what is wrong with it, and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Which Application it is about."""

    application: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. `case` is a word of a fixed set; `said` is for Argo CD's log."""

    status: int
    case: str
    said: str
    woken: int = 0


class ArgocdWebhooks:
    """The routes. `instances` names those that are configured, None as long as that is not known; `heard` gets the
    instance, the Application and its namespace, wakes what waits for it, and answers how many changes that were."""

    def __init__(self, token: str, instances: Instances, heard: Heard) -> None:
        self._token, self._instances, self._heard = token, instances, heard
        self._reading = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._serve), web.post(f"{PATH}/{{instance}}", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        started = time.perf_counter()
        instance = ""
        try:
            if not bears(request.headers.getall("Authorization", []), [self._token]):
                outcome = Outcome(401, "not-allowed", "the token is not the configured one")
            elif (known := self._instances()) is None:
                outcome = Outcome(503, "starting", "not ready yet")
            elif (found := instance_of(request.match_info.get("instance"), known)) is None:
                outcome = Outcome(404, "no-instance", "no such instance is configured; the path ends in its name")
            else:
                instance = found
                outcome = await self._receive(request, instance)
        except BodyRefused as refused:
            outcome = Outcome(refused.status, refused.case, refused.reason)
        except NotANotification as error:
            outcome = Outcome(400, "not-a-notification", str(error))
        except StoreUnavailable as error:
            log.warning("argocd_webhook.no_database", instance=instance, reason=error.reason)
            outcome = Outcome(503, "no-database", "the database gives no answer")
        except Exception:  # whatever it is: the watch and the poll find what this told of
            log.exception("argocd_webhook.crashed", instance=instance)
            outcome = Outcome(503, "crashed", "an error of ours")
        log.info(
            "argocd_webhook.received", instance=instance, outcome=outcome.case, status=outcome.status,
            woken=outcome.woken, ms=round((time.perf_counter() - started) * 1000, 1),
        )  # fmt: skip
        headers = {"WWW-Authenticate": 'Bearer realm="argocd"'} if outcome.status == 401 else None
        return web.Response(status=outcome.status, text=outcome.said, headers=headers)

    async def _receive(self, request: web.Request, instance: str) -> Outcome:
        """What can be refused by the headers alone is refused before the body is read."""
        if request.content_type != "application/json":
            return Outcome(415, "not-json", "Content-Type is not application/json")
        refuse_by_headers(request, largest=LARGEST)
        if self._reading >= MOST_AT_ONCE:
            return Outcome(503, "busy", "too much at once")
        self._reading += 1
        try:
            body = await read_body(request, largest=LARGEST, seconds=SLOWEST)
        finally:
            self._reading -= 1
        told = read_notification(body)
        woken = await self._heard(instance, told.application, told.namespace)
        if woken is None:
            return Outcome(200, "not-ours", "no stage is this Application")
        return Outcome(202, "heard", "heard", woken)


def instance_of(named: str | None, known: Collection[str]) -> str | None:
    """The instance that a path names; one that names none is of `main`, or of the only one."""
    if named is not None:
        return named if named in known else None
    if MAIN in known:
        return MAIN
    return next(iter(known)) if len(known) == 1 else None


def read_notification(body: bytes) -> Notification:
    """What our template makes; what else stands in it is left alone. Raises `NotANotification`."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise NotANotification("the body is not JSON") from None
    if not isinstance(document, dict):
        raise NotANotification("the body is no JSON object")
    schema = document.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise NotANotification(f"`schema` is not {SCHEMA}: use the template of this version")
    return Notification(application=_name(document, "app"), namespace=_name(document, "namespace"))


def _name(document: dict[str, Any], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise NotANotification(f"`{field}` is not a name as Kubernetes has them")
    return value
