"""What `tiphys.yaml` says of alerts: where they come from, where they go, whom they ping, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from bot.domain.alerts.matcher import Matcher
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, GroupId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSource:
    """One Alertmanager, or whatever speaks like one. Secrets stand in it themselves: never shown, never logged.

    Webhooks must carry one of `webhook_tokens` (several, so that one can be renewed) or `webhook_basic`. Without a
    `url` nothing can be silenced, and what webhooks do not tell stays unknown. `receivers` are the names of those
    receivers that send to us; empty: those that we have heard of.
    """

    name: str
    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    webhook_basic: BasicAuth | None = None
    url: str | None = None  # up to what stands before /api/v2, without a trailing slash
    tenant: str | None = None  # X-Scope-OrgID
    token: str | None = field(default=None, repr=False)
    basic: BasicAuth | None = None
    ca_file: str | None = None
    receivers: tuple[str, ...] = ()
    poll: timedelta = timedelta(minutes=1)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that stand in it, to be kept out of logs and messages."""
        passwords = (basic.password for basic in (self.webhook_basic, self.basic) if basic)
        return (*self.webhook_tokens, *((self.token,) if self.token else ()), *passwords)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When: weekdays (0 is Monday) and the time of day, in a zone by name. `start` after `end` goes over midnight;
    then the day is the one that it starts on. `end` is `time.max` for the end of the day; they are never equal."""

    days: frozenset[int]
    start: time
    end: time
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMention:
    """Whom a new group pings, from which severity on, and when; `hours` None: at any time."""

    who: UserId | GroupId
    severity: Severity = Severity.CRITICAL
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRoute:
    """The first route whose matchers all hold for a group's common labels takes it."""

    matchers: tuple[Matcher, ...]
    channel: ChannelId
    mentions: tuple[AlertMention, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRule:
    """Alerts that match belong to this application; to this environment, where one is named."""

    matchers: tuple[Matcher, ...]
    application: str
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLabels:
    """By which labels, or else annotations, an alert says what; the first that it has counts."""

    application: tuple[str, ...] = ("tiphys_application", "argocd_app")
    environment: tuple[str, ...] = ("tiphys_environment", "environment", "env")
    severity: tuple[str, ...] = ("severity",)
    owner: tuple[str, ...] = ("owner", "team")
    runbook: tuple[str, ...] = ("runbook_url", "runbook")
    dashboard: tuple[str, ...] = ("dashboard_url", "dashboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A group that begins or ceases to fire this often within this time is shown as flapping, until it was calm for
    as long."""

    flips: int = 4
    within: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPlan:
    channel: ChannelId
    at: time
    days: frozenset[int]
    zone: str


SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL, "page": Severity.CRITICAL, "emergency": Severity.CRITICAL,
    "error": Severity.WARNING, "warning": Severity.WARNING, "ticket": Severity.WARNING,
    "info": Severity.INFO, "notice": Severity.INFO, "debug": Severity.INFO,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsPolicy:
    """`severities`: what the values of a severity label mean, in lower case."""

    sources: Mapping[str, AlertSource] = field(default_factory=dict)
    routes: tuple[AlertRoute, ...] = ()
    channel: ChannelId | None = None  # for what no route takes
    mentions: tuple[AlertMention, ...] = ()  # there
    applications: tuple[ApplicationRule, ...] = ()
    labels: AlertLabels = AlertLabels()
    severities: Mapping[str, Severity] = field(default_factory=lambda: dict(SEVERITIES))
    flapping: Flapping = Flapping()
    reopen_within: timedelta = timedelta(minutes=30)  # a group that fires again so soon goes on in its card
    acknowledged_for: timedelta | None = None
    silences: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=7))
    digests: tuple[DigestPlan, ...] = ()

    def severity_of(self, labels: Mapping[str, str]) -> Severity:
        for name in self.labels.severity:
            if word := labels.get(name, "").strip().lower():
                return self.severities.get(word, Severity.NONE)
        return Severity.NONE
