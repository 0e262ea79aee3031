"""What holds for a stage, and where each value comes from: the stage, its environment, the defaults, or built in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from bot.config.alert_documents import StageAlertsDocument
from bot.config.documents import (
    ApplicationDocument,
    ApprovalsDocument,
    PolicyDocument,
    TimeoutsDocument,
    TiphysDocument,
)
from bot.config.problems import Path
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, GroupId, UserId
from bot.domain.pipeline import ApprovalPolicy, BakeAction, StageAlerts, SyncMode, Timeouts

ANY, SHOW = "any", "show"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effective(Generic[T]):
    """A value and where it stands in the file; `origin` None: nobody wrote it, it is built in."""

    value: T
    origin: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveApprovals:
    needed: Effective[int]
    sources: Effective[tuple[str, ...]]
    notify: Effective[GroupId | UserId | None]
    expire: Effective[timedelta]
    valid_for: Effective[timedelta]

    def policy(self) -> ApprovalPolicy | None:
        """None where nobody is needed."""
        if not self.needed.value:
            return None
        return ApprovalPolicy(
            needed=self.needed.value,
            sources=self.sources.value,
            notify=self.notify.value,
            expire=self.expire.value,
            valid_for=self.valid_for.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveTimeouts:
    checks: Effective[timedelta]
    operation: Effective[timedelta]
    health: Effective[timedelta]

    def timeouts(self) -> Timeouts:
        return Timeouts(checks=self.checks.value, operation=self.operation.value, health=self.health.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveAlerts:
    """Severity and what is done during the soak as the words of the file."""

    severity: Effective[str]
    during_soak: Effective[str]
    fail_after: Effective[timedelta]
    block_promotion: Effective[bool]

    def alerts(self) -> StageAlerts:
        return StageAlerts(
            severity=severity_of(self.severity.value),
            during_soak=None if self.during_soak.value == SHOW else BakeAction(self.during_soak.value),
            fail_after=self.fail_after.value,
            block_promotion=self.block_promotion.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePolicy:
    """The policy of one stage. `approvals` None: no level writes any."""

    sync: Effective[SyncMode]
    channel: Effective[ChannelId | None]
    prune: Effective[bool]
    soak: Effective[timedelta]
    source_must_be_healthy: Effective[bool]
    supersede: Effective[bool]
    approvals: EffectiveApprovals | None
    timeouts: EffectiveTimeouts
    alerts: EffectiveAlerts


Level = tuple[Path, PolicyDocument]


def levels_of(document: TiphysDocument, application: str, environment: str) -> tuple[Level, ...]:
    """Who may say something about a stage, the nearest first."""
    stage = _application(document, application).stages.get(environment)
    around = (document.environments or {}).get(environment)
    levels: list[Level] = []
    if stage is not None:
        levels.append((("applications", application, "stages", environment), stage))
    if around is not None:
        levels.append((("environments", environment), around))
    if document.defaults is not None:
        levels.append((("defaults",), document.defaults))
    return tuple(levels)


def policy_of(document: TiphysDocument, application: str, environment: str) -> EffectivePolicy:
    """Every key is decided by itself, also those inside `approvals`, `timeouts` and `alerts`."""
    levels = levels_of(document, application, environment)
    sync: Effective[str] = _pick(levels, "sync", lambda level: level.sync, SyncMode.MANUAL.value)
    return EffectivePolicy(
        sync=Effective(SyncMode(sync.value), sync.origin),
        channel=_channel(levels, application, _application(document, application)),
        prune=_pick(levels, "prune", lambda level: level.prune, False),
        soak=_pick(levels, "soak", lambda level: level.soak, timedelta(minutes=10)),
        source_must_be_healthy=_pick(
            levels, "source_must_be_healthy", lambda level: level.source_must_be_healthy, True
        ),
        supersede=_pick(levels, "supersede", lambda level: level.supersede, True),
        approvals=_approvals([((*path, "approvals"), level.approvals) for path, level in levels if level.approvals]),
        timeouts=_timeouts([((*path, "timeouts"), level.timeouts) for path, level in levels if level.timeouts]),
        alerts=_alerts([((*path, "alerts"), level.alerts) for path, level in levels if level.alerts]),
    )


def severity_of(word: str) -> Severity:
    """What is meant by "from this severity on"; `any` takes in what nobody has graded."""
    return Severity.NONE if word == ANY else Severity(word)


def who(identifier: str) -> GroupId | UserId:
    return GroupId(identifier) if identifier.startswith("S") else UserId(identifier)


def _application(document: TiphysDocument, name: str) -> ApplicationDocument:
    return (document.applications or {})[name]


def _channel(levels: Sequence[Level], name: str, application: ApplicationDocument) -> Effective[ChannelId | None]:
    """The application's channel is nearer than the defaults'."""
    near = [(path, level) for path, level in levels if path != ("defaults",)]
    found: Effective[str | None] = _pick(near, "channel", lambda level: level.channel, None)
    if found.value is None and application.channel is not None:
        found = Effective(application.channel, ("applications", name, "channel"))
    if found.value is None:
        found = _pick(levels, "channel", lambda level: level.channel, None)
    return Effective(ChannelId(found.value) if found.value else None, found.origin)


def _approvals(levels: Sequence[tuple[Path, ApprovalsDocument]]) -> EffectiveApprovals | None:
    if not levels:
        return None
    sources: Effective[list[str]] = _pick(levels, "from", lambda level: level.from_, [])
    notify: Effective[str | None] = _pick(levels, "notify", lambda level: level.notify, None)
    return EffectiveApprovals(
        needed=_pick(levels, "needed", lambda level: level.needed, 1),
        sources=Effective(tuple(sources.value), sources.origin),
        notify=Effective(who(notify.value) if notify.value else None, notify.origin),
        expire=_pick(levels, "expire", lambda level: level.expire, timedelta(hours=8)),
        valid_for=_pick(levels, "valid_for", lambda level: level.valid_for, timedelta(hours=24)),
    )


def _timeouts(levels: Sequence[tuple[Path, TimeoutsDocument]]) -> EffectiveTimeouts:
    built_in = Timeouts()
    return EffectiveTimeouts(
        checks=_pick(levels, "checks", lambda level: level.checks, built_in.checks),
        operation=_pick(levels, "operation", lambda level: level.operation, built_in.operation),
        health=_pick(levels, "health", lambda level: level.health, built_in.health),
    )


def _alerts(levels: Sequence[tuple[Path, StageAlertsDocument]]) -> EffectiveAlerts:
    built_in = StageAlerts()
    soaking = built_in.during_soak.value if built_in.during_soak else SHOW
    return EffectiveAlerts(
        severity=_pick(levels, "severity", lambda level: level.severity, built_in.severity.value),
        during_soak=_pick(levels, "during_soak", lambda level: level.during_soak, soaking),
        fail_after=_pick(levels, "fail_after", lambda level: level.fail_after, built_in.fail_after),
        block_promotion=_pick(levels, "block_promotion", lambda level: level.block_promotion, built_in.block_promotion),
    )


D = TypeVar("D")


def _pick(levels: Sequence[tuple[Path, D]], key: str, read: Callable[[D], T | None], built_in: T) -> Effective[T]:
    for path, level in levels:
        value = read(level)
        if value is not None:
            return Effective(value, (*path, key))
    return Effective(built_in, None)
