"""Argo CD's notifications controller, set up as `deploy/argocd/notifications.yaml` does: what it tells, and how often.

The triggers and the template stand here in Python, since nothing here can run the controller's language; a test holds
them against what the real engine makes of that file.
Source: notifications-engine `pkg/controller`, `pkg/triggers`, `pkg/services/webhook.go`; argo-cd
`notification_controller/controller`; recording `notifications_webhook` of Argo CD 3.5.1.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import structlog

from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.outgoing import sent_through
from bot.sandbox.traffic import Traffic
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

OPERATION, DEGRADED, UNKNOWN = TRIGGERS = ("tiphys-operation", "tiphys-degraded", "tiphys-sync-unknown")
OVER = ("Succeeded", "Failed", "Error")
TOLD = "notified.notifications.argoproj.io"
TOLD_LIMIT = 100
PATH = "/webhooks/argocd/main"
WAITS = (1.0, 2.0, 4.0)
"""Between the tries: four of them."""
RESYNC_SECONDS, SHORTEST_RESYNC = 60.0, 1.0
TIMEOUT = 60.0
"""The real one waits for ever."""
USER_AGENT = "Go-http-client/1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTarget:
    """A bot's address (`http://host:port`), and the token that it takes."""

    bot: str
    url: str
    token: str = field(repr=False)


def triggered(status: Json | None) -> dict[str, str]:
    """Which triggers are met by an Application's status, each with what it is met once per; empty: each time anew."""
    status = status or {}
    operation = status.get("operationState") or {}
    met = {}
    if operation.get("phase") in OVER:
        met[OPERATION] = str(operation["startedAt"])
    if (status.get("health") or {}).get("status") == "Degraded":
        met[DEGRADED] = ""
    if (status.get("sync") or {}).get("status") == "Unknown":
        met[UNKNOWN] = ""
    return met


def body_of(metadata: Mapping[str, str]) -> str:
    """As the template makes it."""
    name, namespace = json.dumps(metadata["name"]), json.dumps(metadata["namespace"])
    return f'{{"schema": 1, "app": {name}, "namespace": {namespace}}}\n'


def is_compared_since(status: Json) -> bool:
    """Of an operation that is over nothing is told before the Application was compared anew."""
    operation = status.get("operationState") or {}
    if operation.get("phase") not in OVER:
        return True
    finished, compared = operation.get("finishedAt"), status.get("reconciledAt")
    return bool(finished and compared and datetime.fromisoformat(finished) <= datetime.fromisoformat(compared))


class Notifications:
    """One worker, as by default: while it tries to tell of one Application, the others wait. `targets` says to whom;
    of several bots the next one is told, as a balancer before them would have it.

    What was told is kept in an annotation of the Application, so that each delivery moves it once more. One that failed
    for good counts as told where its trigger names what it is met once per, and is tried again with the next look where
    it does not.
    """

    def __init__(self, clock: Clock, registry: Registry, traffic: Traffic) -> None:
        self.targets: Callable[[], list[NotificationTarget]] = list
        self._clock, self._registry, self._traffic = clock, registry, traffic
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()
        self._is_at_work = False
        self._turn = 0
        self._tasks = TaskSet("argocd.notifications")
        self._http: httpx.AsyncClient | None = None
        registry.moved = self.look_at

    @property
    def under_way(self) -> int:
        """How many Applications are still to be looked at, the one included of which it tells now."""
        return len(self._waiting) + self._is_at_work

    async def start(self) -> None:
        self._tasks.start(self._work(), name="work")
        self._tasks.start(self._resync(), name="resync")

    async def close(self) -> None:
        await self._tasks.close()
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def look_at(self, app: Application) -> None:
        """It moved."""
        if self.targets():
            self._waiting[app.name] = None
            self._news.set()

    def adopt(self, app: Application) -> None:
        """Of what holds now it was told long ago."""
        self._keep(app, {_key(name, once): self._second() for name, once in triggered(app.status).items()})

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                name = next(iter(self._waiting))
                del self._waiting[name]
                app = self._registry.find(name)
                if app is None:
                    continue
                self._is_at_work = True
                try:
                    await self._process(app)
                except Exception:  # the next one is none the worse for it
                    log.exception("argocd.notification_crashed", application=name)
                finally:
                    self._is_at_work = False

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(max(SHORTEST_RESYNC, self._clock.real(RESYNC_SECONDS)))
            for app in self._registry:
                self.look_at(app)

    async def _process(self, app: Application) -> None:
        if not is_compared_since(app.status):
            return
        before = json.loads((app.metadata.get("annotations") or {}).get(TOLD, "{}"))
        told, met, body = dict(before), triggered(app.status), body_of(app.metadata)
        for name in TRIGGERS:
            once = met.get(name)
            if once is None:
                told.pop(_key(name, ""), None)
            elif (key := _key(name, once)) not in told:
                told[key] = self._second()
                if not await self._deliver(body) and not once:
                    del told[key]
        if told != before and self._registry.find(app.name) is app:
            self._keep(app, told)
            self._registry.save(app)

    def _keep(self, app: Application, told: dict[str, int]) -> None:
        newest = sorted(told.items(), key=lambda entry: entry[1])[-TOLD_LIMIT:]
        annotations = dict(app.metadata.get("annotations") or {})
        annotations.pop(TOLD, None)
        if newest:
            annotations[TOLD] = json.dumps(dict(newest), separators=(",", ":"), sort_keys=True)
        app.metadata["annotations"] = annotations

    def _second(self) -> int:
        return int(self._clock.epoch())

    async def _deliver(self, body: str) -> bool:
        """Whether it was taken. No answer, 429 and 5xx but 501 are tried again; any other no is one."""
        for wait in (*WAITS, None):
            status = await self._attempt(body)
            if status is not None and status != 429 and (status < 500 or status == 501):
                return 200 <= status < 300
            if wait is not None:
                await self._clock.sleep(wait)
        log.info("argocd.notification_lost")
        return False

    async def _attempt(self, body: str) -> int | None:
        targets = self.targets()
        if not targets:
            return None
        target = targets[self._turn % len(targets)]
        self._turn += 1
        return await sent_through(
            self._traffic, "notifications", PATH, json.loads(body), to=target.bot, send=lambda: self._post(target, body)
        )

    async def _post(self, target: NotificationTarget, body: str) -> int | None:
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, verify=False)  # noqa: S501  loopback only
        headers = {
            "Authorization": f"Bearer {target.token}", "Content-Type": "application/json", "User-Agent": USER_AGENT,
            "Accept-Encoding": "gzip",
        }  # fmt: skip
        try:
            answer = await self._http.post(f"{target.url}{PATH}", content=body.encode(), headers=headers)
        except httpx.HTTPError as error:
            log.info("argocd.notification_unanswered", url=target.url, error=type(error).__name__)
            return None
        return answer.status_code


def _key(trigger: str, once: str) -> str:
    """One condition, one service without a recipient."""
    return f"{once}:{trigger}:[0]:tiphys:" if once else f"{trigger}:[0]:tiphys:"
