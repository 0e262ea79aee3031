"""The intake of alerts without the rest of the bot: the route on a socket, a real database, the workers, and a small
Alertmanager that can be asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from aiohttp import web

from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.outgoing import Outgoing
from bot.domain.pipeline import Configuration
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.transport import Patience
from bot.integrations.alertmanager.webhook import check_snapshot, read_snapshot
from bot.services.alerts.absorbing import Absorbing, ReadSnapshot
from bot.services.alerts.opening import Opening
from bot.services.alerts.reconciling import Reconciling
from bot.services.alerts.waking import Waking
from bot.store.store import SqlStore
from bot.wake import Bells
from bot.web.alert_webhooks import PATH, AlertWebhooks
from tests.alert_examples import ALERTS
from tests.desk import SetClock, configuration, served
from tests.examples import NOW

TOKEN = "made-up-alert-token"
Labels = dict[str, str]


def rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class Source:
    """The configuration in force; set it to reload."""

    current: Configuration


@dataclass
class Alertmanager:
    """What `GET /api/v2/…` tells. `down`: it answers nothing but 503."""

    clock: SetClock
    url: str = ""
    up_since: datetime = NOW - timedelta(days=1)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    silences: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    asked: int = 0

    def fires(self, labels: Labels, fingerprint: str, *, receiver: str = "tiphys", silenced_by: str = "",
              since: datetime = NOW - timedelta(minutes=10)) -> None:  # fmt: skip
        state = "suppressed" if silenced_by else "active"
        self.alerts.append({
            "labels": labels, "annotations": {}, "fingerprint": fingerprint, "receivers": [{"name": receiver}],
            "startsAt": rfc3339(since), "endsAt": rfc3339(self.clock.now() + timedelta(minutes=4)),
            "updatedAt": rfc3339(since), "generatorURL": "",
            "status": {"state": state, "silencedBy": [silenced_by] if silenced_by else [], "inhibitedBy": []},
        })  # fmt: skip

    def silence(self, name: str, ends: datetime, by: str = "U0DEV1") -> None:
        self.silences.append({
            "id": name, "status": {"state": "active"}, "createdBy": by, "comment": "known", "startsAt": rfc3339(NOW),
            "endsAt": rfc3339(ends), "updatedAt": rfc3339(NOW),
            "matchers": [{"name": "alertname", "value": "x", "isRegex": False, "isEqual": True}],
        })  # fmt: skip

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/api/v2/{what}", self._answer)])
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.down:
            return web.Response(status=503, text="down")
        status = {
            "cluster": {"status": "disabled"}, "uptime": rfc3339(self.up_since), "versionInfo": {"version": "0.33.1"},
        }  # fmt: skip
        told = {"status": status, "alerts": self.alerts, "silences": self.silences}
        return web.json_response(told[request.match_info["what"]])


@dataclass
class Room:
    store: SqlStore
    clock: SetClock
    source: Source
    bells: Bells
    alertmanager: Alertmanager
    clients: dict[str, AlertmanagerClient]
    url: str
    http: httpx.AsyncClient

    def absorbing(
        self, store: SqlStore | None = None, read: ReadSnapshot = read_snapshot, *, waking: Waking | None = None
    ) -> Absorbing:
        """A worker of the intake, such as another replica's."""
        return Absorbing(
            store or self.store, read, Opening(self.source), self.source, self.clock, self.bells, waking=waking
        )

    def reconciling(self, store: SqlStore | None = None, *, waking: Waking | None = None) -> Reconciling:
        return Reconciling(
            store or self.store, self.clients, Opening(self.source), self.source, self.clock, self.bells, waking=waking
        )

    def configure(self, **policy: Any) -> None:
        alerts = replace(self.source.current.alerts, **policy)
        self.source.current = replace(self.source.current, alerts=alerts)

    async def post(self, body: str | bytes, *, source: str = "") -> int:
        path = f"{self.url}{PATH}" + (f"/{source}" if source else "")
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return (await self.http.post(path, content=body, headers=headers)).status_code

    async def hear(self, *bodies: str, source: str = "") -> None:
        """Each is posted and absorbed by itself."""
        for body in bodies:
            assert await self.post(body, source=source) == 202
            await self.absorbing().sweep()

    async def groups(self) -> list[AlertGroup]:
        """All of them, oldest first."""
        async with self.store.reading() as tx:
            return await tx.alerts.list_opened(NOW - timedelta(days=9), NOW + timedelta(days=9))

    async def group(self) -> AlertGroup:
        [found] = await self.groups()
        return found

    async def outgoing(self) -> list[Outgoing]:
        async with self.store.writing() as tx:
            return await tx.outbox.list_due(self.clock.now() + timedelta(days=9), limit=1000)

    async def notes(self) -> list[str]:
        return [row.text.plain for row in await self.outgoing() if row.key.startswith("alert-note:") and row.text]

    async def shown(self) -> int:
        """How many times cards were touched."""
        return sum(row.version for row in await self.outgoing() if row.key.startswith("alert:"))

    async def waiting(self) -> int:
        async with self.store.reading() as tx:
            return await tx.intake.count()


def body(*alerts: tuple[str, str], **facts: Any) -> str:
    """A webhook of one group with these services, each firing or resolved."""
    told = [
        {
            "status": status, "labels": {"alertname": "HighErrorRate", "severity": "critical", "service": service},
            "annotations": {}, "startsAt": rfc3339(NOW - timedelta(minutes=3)), "generatorURL": "",
            "endsAt": rfc3339(NOW - timedelta(minutes=1)) if status == "resolved" else "0001-01-01T00:00:00Z",
            "fingerprint": fingerprint(service),
        }
        for service, status in alerts
    ]  # fmt: skip
    known: dict[str, Any] = {
        "version": "4", "groupKey": '{}:{alertname="HighErrorRate"}', "truncatedAlerts": 0, "status": "firing",
        "receiver": "tiphys", "groupLabels": {"alertname": "HighErrorRate"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager.example.com", "alerts": told,
    }  # fmt: skip
    return json.dumps(known | facts)


def fingerprint(service: str) -> str:
    return service.encode().hex()[:16].ljust(16, "0")


def labels(service: str) -> Labels:
    return {"alertname": "HighErrorRate", "severity": "critical", "service": service}


@asynccontextmanager
async def open_room(url: str, *, api: bool = True) -> AsyncIterator[Room]:
    """A room over a database of the newest schema."""
    clock = SetClock()
    alertmanager = Alertmanager(clock)
    async with served(alertmanager.app()) as address, httpx.AsyncClient(trust_env=False, timeout=20) as http:
        alertmanager.url = address
        one = AlertSource(name="default", webhook_tokens=("older", TOKEN), url=address if api else None)
        other = AlertSource(name="eu", webhook_tokens=(TOKEN,))
        policy = AlertsPolicy(sources={"default": one, "eu": other}, channel=ALERTS)
        source, bells, store = Source(replace(configuration(), alerts=policy)), Bells(), SqlStore(url)
        clients = (
            {"default": AlertmanagerClient(one, clock=clock, patience=Patience(connect=2, answer=2))} if api else {}
        )

        async def take_in(name: str, text: str) -> None:
            await store.take_in(name, text, clock.now())

        app = web.Application()
        app.add_routes(AlertWebhooks(lambda: source.current.alerts.sources, check_snapshot, take_in).routes())
        try:
            async with served(app) as route:
                yield Room(store, clock, source, bells, alertmanager, clients, route, http)
        finally:
            for client in clients.values():
                await client.close()
            await store.close()
