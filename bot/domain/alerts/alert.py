"""One alert: a set of labels, and whether it fires."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertState(StrEnum):
    FIRING = "firing"
    SILENCED = "silenced"  # it fires, and somebody has silenced it
    INHIBITED = "inhibited"  # it fires, and another alert makes it unimportant
    UNREPORTED = "unreported"  # it fired, and its group no longer tells of it: silenced, resolved, or out of date
    RESOLVED = "resolved"

    @property
    def may_fire(self) -> bool:
        """Whether its condition holds, as far as we know; `UNREPORTED` is not known."""
        return self in (AlertState.FIRING, AlertState.SILENCED, AlertState.INHIBITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """All text is untrusted. `fingerprint`: 16 hexadecimal digits, the same for the same labels everywhere and always.

    `ends_at` is None while it may fire. The same fingerprint with another `starts_at` is another episode.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: AlertState
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""
    silenced_by: tuple[str, ...] = ()  # ids of silences
    inhibited_by: tuple[str, ...] = ()  # fingerprints

    @property
    def name(self) -> str:
        """By convention, not by law: may be empty."""
        return self.labels.get("alertname", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedAlert:
    """An alert as the API tells of it, with the receivers (by name) that hear of it. Resolved ones are not told of."""

    alert: Alert
    receivers: tuple[str, ...]
