"""Every metric of a process, declared in one place, and how they are written for Prometheus. See docs/metrics.md.

Labels come from small fixed sets: kinds, states, environments of `tiphys.yaml`, methods of an API. Never an id, a
person, a branch or a path with one of them in it.
"""

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bot.domain.alerts.severity import Severity
from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.meter import Meter
from bot.ports_store import ChangeCount, Queue, Transaction

MOST_CODES = 100
OTHER = "other"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
_ODD_VERSION = re.compile(r"version=(?!\d{1,4}(\.\d{1,4}){0,3}\s*(;|$))", re.ASCII)
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ACKNOWLEDGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
LAG_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, _MINUTE, 5 * _MINUTE, 15 * _MINUTE)
PEOPLE_SECONDS = (
    1, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY, 3 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What stands in the database, for the gauges."""

    changes: tuple[ChangeCount, ...]
    due: Queue
    inbound: Queue
    outbox: Queue
    alerts: Queue
    intake: Queue
    groups: Mapping[Severity, int]


async def read_waiting(tx: Transaction, now: datetime) -> Waiting:
    """Look it up. Everything that is counted here is bounded by what is open, not by what ever was."""
    return Waiting(
        changes=tuple(await tx.changes.count_open()), due=await tx.changes.queue(now),
        inbound=await tx.inbound.queue(now), outbox=await tx.outbox.queue(now),
        alerts=await tx.outbox.alerts_queue(now),
        intake=await _intake(tx, now), groups=await tx.alerts.count_by_severity(),
    )  # fmt: skip


async def _intake(tx: Transaction, now: datetime) -> Queue:
    due, since = await tx.intake.count_due(now), await tx.intake.waiting_since()
    age = now - since if since is not None else timedelta()
    return Queue(due=due, later=await tx.intake.count() - due, age=max(age, timedelta()))


class Metrics(Meter):
    """The meter that counts, on a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._build = Gauge("tiphys_build_info", "Which Tiphys this is; always 1.", ("version", "python"),
                            registry=registry)  # fmt: skip
        self._build.labels(version, platform.python_version()).set(1)
        self._changes = Gauge("tiphys_changes", "Open changes, as they stand in the database.",
                              ("kind", "environment", "state"), registry=registry)  # fmt: skip
        self._ended = Counter("tiphys_changes_ended", "Changes that ended in this process, by the state they ended in.",
                              ("kind", "environment", "state"), registry=registry)  # fmt: skip
        self._in_state = Histogram(
            "tiphys_change_state_seconds", "How long changes were in a state, told when they left it.",
            ("kind", "environment", "state"), buckets=PEOPLE_SECONDS, registry=registry,
        )  # fmt: skip
        self._approval = Histogram(
            "tiphys_approval_seconds", "From the moment a change could be approved until enough people had.",
            ("kind", "environment"), buckets=PEOPLE_SECONDS, registry=registry,
        )  # fmt: skip
        self._calls = Histogram(
            "tiphys_outside_call_seconds", "Calls of Argo CD, GitHub, Git, Slack and Alertmanager.",
            ("system", "operation", "result"), buckets=CALL_SECONDS, registry=registry,
        )  # fmt: skip
        self._slack_refusals = Counter("tiphys_slack_refusals", "Calls that Slack refused, by its error code.",
                                       ("method", "code"), registry=registry)  # fmt: skip
        self._acknowledgement = Histogram(
            "tiphys_acknowledgement_seconds", "From an act's arrival until it is recorded and Slack can be answered.",
            ("kind", "result"), buckets=ACKNOWLEDGE_SECONDS, registry=registry,
        )  # fmt: skip
        self._lag = Histogram("tiphys_reconcile_lag_seconds", "How long after it was due a change's step began.",
                              buckets=LAG_SECONDS, registry=registry)  # fmt: skip
        self._ends = Counter("tiphys_outbox_attempts", "Attempts to show something in Slack, by how they ended.",
                             ("kind", "end"), registry=registry)  # fmt: skip
        self._database_up = Gauge("tiphys_database_up", "Whether the database answered this scrape.", registry=registry)
        self._rows = Gauge("tiphys_queue_rows", "Rows that wait: due now, or put off until later.",
                           ("queue", "when"), registry=registry)  # fmt: skip
        self._age = Gauge("tiphys_queue_age_seconds", "How long the oldest row that is due has waited.",
                          ("queue",), registry=registry)  # fmt: skip
        self._webhooks = Histogram(
            "tiphys_alert_webhook_seconds", "Webhooks of alerts, from their arrival until they are answered.",
            ("source", "outcome"), buckets=ACKNOWLEDGE_SECONDS, registry=registry,
        )  # fmt: skip
        self._groups = Gauge("tiphys_alert_groups", "Open groups of alerts, as they stand in the database.",
                             ("severity",), registry=registry)  # fmt: skip
        self._codes: set[str] = set()

    def called(self, system: str, operation: str, result: str, seconds: float) -> None:
        self._calls.labels(system, operation, result).observe(seconds)

    def refused_by_slack(self, method: str, code: str) -> None:
        self._slack_refusals.labels(method, self._known(code)).inc()

    def acknowledged(self, kind: str, result: str, seconds: float) -> None:
        self._acknowledgement.labels(kind, result).observe(seconds)

    def begun(self, lag: float) -> None:
        self._lag.observe(max(lag, 0.0))

    def moved(self, before: Change, after: Change) -> None:
        if before.state is after.state:
            return
        of = (after.kind.value, after.environment)
        seconds = (after.state_since - before.state_since).total_seconds()
        self._in_state.labels(*of, before.state.value).observe(max(seconds, 0.0))
        if _is_approved(before, after) and after.ready_at is not None:
            self._approval.labels(*of).observe(max((after.state_since - after.ready_at).total_seconds(), 0.0))
        if after.is_over:
            self._ended.labels(*of, after.state.value).inc()

    def outgoing_ended(self, kind: str, end: str) -> None:
        self._ends.labels(kind, end).inc()

    def alerts_heard(self, source: str, outcome: str, seconds: float) -> None:
        self._webhooks.labels(source, outcome).observe(seconds)

    def show(self, waiting: Waiting | None) -> None:
        """Set the gauges to what the database said; None: it said nothing, and they are not shown."""
        self._database_up.set(waiting is not None)
        for gauge in (self._changes, self._rows, self._age, self._groups):
            gauge.clear()
        if waiting is None:
            return
        for found in waiting.changes:
            self._changes.labels(found.kind, found.environment, found.state).set(found.number)
        for severity in Severity:
            self._groups.labels(severity.value).set(waiting.groups.get(severity, 0))
        queues = {
            "changes": waiting.due, "inbound": waiting.inbound, "outbox": waiting.outbox, "intake": waiting.intake,
            "alerts": waiting.alerts,
        }  # fmt: skip
        for name, queue in queues.items():
            self._rows.labels(name, "due").set(queue.due)
            self._rows.labels(name, "later").set(queue.later)
            self._age.labels(name).set(queue.age.total_seconds())

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All of it in the format that `accept` asks for, and that format's content type.

        What anybody writes for a version is compared as a number by the library, and told back in the content type.
        """
        understood = [asked for asked in accept.split(",") if asked.isascii() and not _ODD_VERSION.search(asked)]
        encode, content_type = choose_encoder(",".join(understood))
        return encode(_WithoutBirthdays(self.registry)), content_type

    def _known(self, code: str) -> str:
        """The code, if it is one; beyond a number of different ones no new one becomes a label."""
        if code in self._codes:
            return code
        if _CODE.fullmatch(code) is None or len(self._codes) >= MOST_CODES:
            return OTHER
        self._codes.add(code)
        return code


class _WithoutBirthdays(Collector):
    """Leaves out when each series began: twice the series, and nobody asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _is_approved(before: Change, after: Change) -> bool:
    """Whether this step is the one for which the people who had to say yes were waited for."""
    if not after.approved_by or before.state not in (State.WAITING_FOR_APPROVAL, State.MERGED_DIFFERS):
        return False
    return after.state in (State.WAITING_FOR_CHECKS, State.MERGED)
