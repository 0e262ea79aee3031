"""A desk with an Alertmanager beside it: the stand-in on a socket, whose silences are real ones."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.group import AlertGroup
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.outgoing import OutgoingKind
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.sandbox.alertmanager.alerts import fingerprint
from bot.sandbox.alertmanager.service import AlertmanagerService
from bot.sandbox.alertmanager.setup import Setup
from bot.sandbox.feed import Feed
from bot.sandbox.traffic import Traffic
from bot.services.alerts.tying import tie
from tests import alert_examples
from tests.desk import TIPHYS_YAML, Desk, open_office, served

LABELS = {
    "alertname": "HighErrorRate", "severity": "critical", "tiphys_application": "apm-stack",
    "tiphys_environment": "production",
}  # fmt: skip
RIGHTS = """\
    p, role:oncall, alerts, *, apm-stack/production, allow
    p, role:lead, alerts, *, */*, allow
    g, U0DEV2, role:oncall
    g, U0APPR1, role:lead
"""
"""`U0DEV1` may look, `U0DEV2` acts on one stage, `U0APPR1` on all."""
ONCALL, LEAD, READER = "U0DEV2", "U0APPR1", "U0DEV1"


def yaml(url: str | None, more: str = "", rights: str = "") -> str:
    api = f"{{url: {url}}}" if url else "{}"
    return f"{TIPHYS_YAML}{RIGHTS}{rights}alertmanagers:\n  default: {api}\nalerts: {{channel: C0ALERTS{more}}}\n"


@dataclass
class AlertDesk:
    desk: Desk
    service: AlertmanagerService
    traffic: Traffic
    api: httpx.AsyncClient
    clients: dict[str, AlertmanagerClient]

    async def fire(self, service: str = "apm-api", **labels: str) -> Alert:
        """An alert that fires there."""
        wanted = {**LABELS, "service": service, **labels}
        answer = await self.api.post("/api/v2/alerts", json=[{"labels": wanted}])
        assert answer.status_code == 200, answer.text
        return alert_examples.alert(fingerprint=fingerprint(wanted), labels=wanted)

    async def group(self, *alerts: Alert, **facts: Any) -> AlertGroup:
        """A group of these alerts, as it stands in our rows; tied as its labels say."""
        of = alerts or (await self.fire(),)
        made = alert_examples.group(*of, group_labels={"alertname": of[0].name}, version=0, **facts)
        made = replace(made, tie=facts.get("tie", tie(made, self.desk.source.current)))
        async with self.desk.store.writing() as tx:
            return await tx.alerts.insert(made)

    async def get(self) -> AlertGroup:
        async with self.desk.store.reading() as tx:
            found = await tx.alerts.find(alert_examples.GROUP)
        assert found is not None
        return found

    def click(self, user: str, action: str, group: AlertGroup) -> Incoming:
        return self.desk.act(IncomingKind.CLICK, user, action=action, value=json.dumps({"group": group.id}))

    def submission(self, who: str, action: str, group: AlertGroup, **fields: str) -> Incoming:
        value = json.dumps({"group": group.id})
        return self.desk.act(IncomingKind.SUBMISSION, who, action=action, value=value, fields=fields)

    async def notes(self) -> list[str]:
        async with self.desk.store.writing() as tx:
            rows = await tx.outbox.list_due(self.desk.clock.now() + timedelta(days=9), limit=1000)
        return [row.text.plain for row in rows if row.key.startswith("alert-note:") and row.text]

    async def touches(self) -> int:
        """How many times the card was touched."""
        return sum(row.version for row in await self.desk.outgoing() if row.kind is OutgoingKind.ALERT)

    async def silences(self) -> list[dict[str, Any]]:
        """As the API lists them."""
        found: list[dict[str, Any]] = (await self.api.get("/api/v2/silences")).json()
        return found


@asynccontextmanager
async def open_alert_desk(
    home: Path, *, url: str | None = None, api: bool = True, more: str = "", rights: str = ""
) -> AsyncIterator[AlertDesk]:
    """`more` goes into `alerts`, `rights` are further lines of the policy. The bot's clock is the time:
    Alertmanager's own is nobody's to set."""
    traffic = Traffic()
    service = AlertmanagerService(traffic, Feed(), 1, Setup(group_wait=0))
    async with served(service.app()) as address:
        service.base_url = address
        async with (
            open_office(home, yaml(address if api else None, more, rights), url=url) as office,
            httpx.AsyncClient(trust_env=False, timeout=20, base_url=address) as http,
        ):
            office.desk.clock.at = datetime.now(UTC)
            yield AlertDesk(office.desk, service, traffic, http, office.adapters.alertmanagers)
        await service.close()
