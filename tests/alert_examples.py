"""Example alerts and groups for unit tests."""

from datetime import timedelta
from typing import Any

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.firing import FiringAlert
from bot.domain.alerts.group import AlertGroup, AlertGroupId, GroupState, SilenceSeen
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.snapshot import Snapshot
from bot.domain.identity import ChannelId
from tests.examples import NOW

GROUP = AlertGroupId("01J0A1B2C3D4E5F6G7H8J9K0MN")
ALERTS = ChannelId("C0ALERTS")
LABELS = {"alertname": "HighErrorRate", "severity": "critical", "namespace": "apm-production"}


def alert(service: str = "apm-api", **facts: Any) -> Alert:
    """One of `HighErrorRate`; its fingerprint follows from the service."""
    known: dict[str, Any] = {
        "fingerprint": service.encode().hex()[:16].ljust(16, "0"), "labels": {**LABELS, "service": service},
        "annotations": {"summary": f"{service} answers with errors", "runbook_url": "https://runbooks.example.com/errors"},
        "state": AlertState.FIRING, "starts_at": NOW - timedelta(minutes=3),
        "generator_url": "https://prometheus.example.com/graph?g0.expr=errors",
    }  # fmt: skip
    return Alert(**known | facts)


def group(*alerts: Alert, **facts: Any) -> AlertGroup:
    known: dict[str, Any] = {
        "id": GROUP, "number": 7, "version": 1, "source": "default", "receiver": "tiphys",
        "group_key": '{}:{alertname="HighErrorRate", namespace="apm-production"}',
        "group_labels": {"alertname": "HighErrorRate", "namespace": "apm-production"}, "state": GroupState.FIRING,
        "alerts": alerts or (alert(),), "severity": Severity.CRITICAL, "opened_at": NOW, "changed_at": NOW,
        "peak": facts.get("severity", Severity.CRITICAL),
        "channel": ALERTS, "external_url": "https://alertmanager.example.com",
    }  # fmt: skip
    return AlertGroup(**known | facts)


def snapshot(*alerts: Alert, **facts: Any) -> Snapshot:
    of = group()
    known: dict[str, Any] = {
        "source": of.source, "receiver": of.receiver, "group_key": of.group_key, "group_labels": of.group_labels,
        "alerts": alerts or (alert(),), "external_url": of.external_url,
    }  # fmt: skip
    return Snapshot(**known | facts)


def fires(name: str = "HighErrorRate", **facts: Any) -> FiringAlert:
    """What a gate sees of an alert that counts."""
    known: dict[str, Any] = {
        "name": name, "severity": Severity.CRITICAL, "starts_at": NOW - timedelta(minutes=3),
        "state": AlertState.FIRING,
    }  # fmt: skip
    return FiringAlert(**known | facts)


def is_silenced(name: str = "HighErrorRate", **facts: Any) -> FiringAlert:
    silence = SilenceSeen(id="s1", by="@approver-1", ends_at=NOW + timedelta(hours=1), comment="known")
    return fires(name, **{"state": AlertState.SILENCED, "silence": silence} | facts)
