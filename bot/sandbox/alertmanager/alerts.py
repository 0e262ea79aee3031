"""The alerts that somebody told of: firing until they end, or until nobody tells of them any more."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

FNV_START, FNV_PRIME = 14695981039346656037, 1099511628211
KEEPS_FOR = timedelta(minutes=4)
"""Prometheus tells again and again that an alert fires, with an end that is this far away."""


class Untellable(ValueError):
    """An alert that the real one refuses, in its words."""


@dataclass(slots=True, kw_only=True)
class Alert:
    """`is_kept`: whoever told of it goes on telling, so that it fires until it is resolved."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    generator_url: str = ""
    is_kept: bool = False

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.labels)

    def is_resolved(self, now: datetime) -> bool:
        return not self.is_kept and self.ends_at <= now

    def end(self, now: datetime) -> datetime:
        """As the API tells it: of what fires, a time to come."""
        return now + KEEPS_FOR if self.is_kept else self.ends_at


def fingerprint(labels: Mapping[str, str]) -> str:
    """The same as every Prometheus and Alertmanager computes: FNV-1a over the sorted labels."""
    total = FNV_START
    for name in sorted(labels):
        for byte in (*name.encode("utf-8", "replace"), 255, *labels[name].encode("utf-8", "replace"), 255):
            total = ((total ^ byte) * FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def place(alert: Alert) -> tuple[str, str, int, list[tuple[str, str]]]:
    """Sorts alerts as a webhook and a group have them."""
    return (
        alert.labels.get("job", ""),
        alert.labels.get("instance", ""),
        len(alert.labels),
        sorted(alert.labels.items()),
    )


class Alerts:
    """By fingerprint; one that is told of again while it fires is the same episode."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}

    def __iter__(self) -> Iterator[Alert]:
        return iter([self._alerts[key] for key in sorted(self._alerts)])

    def find(self, key: str) -> Alert | None:
        return self._alerts.get(key)

    def tell(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], now: datetime, *, lasts: timedelta,
        starts_at: datetime | None = None, ends_at: datetime | None = None, generator_url: str = "",
        is_kept: bool = False,
    ) -> Alert:  # fmt: skip
        """Take in what was told. Raises `Untellable`."""
        kept = {name: value for name, value in labels.items() if value}
        if not kept:
            raise Untellable("at least one label pair required")
        starts_at = starts_at or ends_at or now
        ends_at = ends_at or now + lasts
        if starts_at > ends_at:
            raise Untellable("start time must be before end time")
        alert = Alert(
            labels=kept, annotations=dict(annotations), starts_at=starts_at, ends_at=ends_at, updated_at=now,
            generator_url=generator_url, is_kept=is_kept,
        )  # fmt: skip
        before = self._alerts.get(alert.fingerprint)
        if before is not None and before.end(now) > starts_at:  # the episodes touch: it is one
            alert.starts_at = min(alert.starts_at, before.starts_at)
        self._alerts[alert.fingerprint] = alert
        return alert

    def forget(self, alert: Alert) -> None:
        if self._alerts.get(alert.fingerprint) is alert:
            del self._alerts[alert.fingerprint]

    def dump(self) -> list[dict[str, Any]]:
        times = ("starts_at", "ends_at", "updated_at")
        return [asdict(alert) | {name: getattr(alert, name).isoformat() for name in times} for alert in self]

    def load(self, stored: list[dict[str, Any]]) -> None:
        for each in stored:
            times = {name: datetime.fromisoformat(each[name]) for name in ("starts_at", "ends_at", "updated_at")}
            alert = Alert(**{**each, **times})
            self._alerts[alert.fingerprint] = alert
