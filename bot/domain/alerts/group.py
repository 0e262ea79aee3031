"""A group of alerts from when it first fires until it is over: what its card shows, and what people did about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChangeId, ChannelId, UserId

AlertGroupId = NewType("AlertGroupId", str)
"""A ULID, 26 characters; carried by the card's metadata."""
MOST_ALERTS = 1_000
"""How many alerts of one group are kept; the gravest and newest stay, the rest is counted in `truncated`."""


class GroupState(StrEnum):
    """Silenced, inhibited and unreported alerts leave their group firing: nobody knows that they are over."""

    FIRING = "firing"
    RESOLVED = "resolved"


class TiedBy(StrEnum):
    """How an alert was found to belong to an application, the surest first."""

    LABELS = "labels"  # the alert names it
    MATCHERS = "matchers"  # `alerts.applications` in the configuration does
    METRIC = "metric"  # it is made of Argo CD's own metrics, which name the Argo CD Application
    GUESS = "guess"  # the namespace is one that an application is deployed to


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """To which application and environment a group belongs. A guess is shown as one, and never acted on."""

    application: str
    environment: str | None
    by: TiedBy

    @property
    def is_guess(self) -> bool:
        return self.by is TiedBy.GUESS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBefore:
    """The last change that had reached the application when the group began to fire."""

    id: ChangeId
    number: int
    by: UserId
    shipped_at: datetime
    versions: str  # what it brought, in a few words; may be empty
    pull_number: int | None = None
    pull_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody has it. Ours alone: Alertmanager knows no such thing."""

    by: UserId
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceSeen:
    """A silence that hides some of the group's alerts. `by` and `comment` are untrusted text."""

    id: str
    by: str
    ends_at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """One row; `version` is what compare-and-swap compares. At most one open row per `key`.

    `group_key` is empty while only the API has told of it. `channel` was chosen when it opened and stays. `severity` is
    the gravest of what fires; of a group that is over, the gravest that it ever was. `peak` is the gravest that it has
    been since it opened, so that nobody is pinged twice for that. `flips` are the times at which it
    began or ceased to fire, oldest first, the newest few. `check_at`: when the API is to be asked about it.
    `heard`: the newest webhook (its number in the intake) that went into it, and `heard_at` when it came.
    """

    id: AlertGroupId
    number: int = 0
    version: int = 0
    source: str
    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    state: GroupState
    alerts: tuple[Alert, ...]
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    truncated: int = 0
    external_url: str = ""
    channel: ChannelId | None = None
    tie: Tie | None = None
    change: ChangeBefore | None = None
    acknowledged: Acknowledgement | None = None
    assigned_to: UserId | None = None
    silences: tuple[SilenceSeen, ...] = ()
    flips: tuple[datetime, ...] = ()
    is_flapping: bool = False
    first_acted_at: datetime | None = None  # acknowledged, assigned or silenced by a person
    check_at: datetime | None = None
    heard: int = 0
    heard_at: datetime | None = None
    peak: Severity = Severity.NONE

    @property
    def is_over(self) -> bool:
        return self.state is GroupState.RESOLVED

    @property
    def name(self) -> str:
        """The alerts' common name, else what the group goes by; untrusted."""
        names = {alert.name for alert in self.alerts if alert.name}
        if name := self.group_labels.get("alertname"):
            return name
        if len(names) == 1:
            return names.pop()
        return ", ".join(f"{label}={value}" for label, value in sorted(self.group_labels.items())) or "alerts"

    def count(self, state: AlertState) -> int:
        return sum(alert.state is state for alert in self.alerts)

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts if alert.state is AlertState.FIRING)

    @property
    def began_at(self) -> datetime:
        """When the first of its alerts began, which is before we heard of it."""
        return min((self.opened_at, *(alert.starts_at for alert in self.alerts)))

    @property
    def since(self) -> datetime:
        """When the oldest of what is not known to be over began; when we heard of the group, if all we know is over."""
        left = (alert.starts_at for alert in self.alerts if alert.state is not AlertState.RESOLVED)
        return min(left, default=self.opened_at)

    @property
    def common_labels(self) -> Mapping[str, str]:
        """What all alerts of the group agree on."""
        return _common([alert.labels for alert in self.alerts])

    @property
    def common_annotations(self) -> Mapping[str, str]:
        return _common([alert.annotations for alert in self.alerts])


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPlacement:
    """Where a group's card stands, and the digest of what it shows (None: unknown)."""

    group: AlertGroupId
    channel: ChannelId
    ts: str
    digest: str | None


def _common(maps: list[Mapping[str, str]]) -> Mapping[str, str]:
    if not maps:
        return {}
    first, *others = maps
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}
