"""After the sync: whether health holds through the soak, and what the alerts of the meantime make of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts, hidden_in_words, in_words
from bot.domain.change import Change, SyncFacts
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.syncing import FOLLOW, SyncSeen, still_runs
from bot.domain.identity import short
from bot.domain.lifecycle import Event
from bot.domain.live import Health, LiveApplication
from bot.domain.pipeline import BakeAction, Stage
from bot.domain.text import counted, listed, spoken

DEGRADED_GRACE = timedelta(seconds=15)
"""How long `Degraded` may last before it ends a change: Deployments pass through it for a moment."""
BLIND_FOR = timedelta(hours=2)
"""How long it may be unknown whether alerts fire before a soak ends as errored: as long as any trouble outside may."""


def decide_verifying(change: Change, seen: SyncSeen, stage: Stage, now: datetime) -> Decision:
    """A synced change: succeeded once what was shipped was healthy for the whole soak, and no alert stood in the way.

    It ends when the environment runs something else: health then tells nothing of what was approved. Firing alerts set
    the soak back, or end the change. While nobody can tell whether any fire it stands still.
    """
    live, sync = seen.live, change.sync
    facts: dict[str, object] = {"progress": None, **_alerting(change, seen, stage, now)}
    if sync is not None and seen.moved_on != sync.moved_on:
        facts["sync"] = replace(sync, moved_on=seen.moved_on)
    if (decided := _replaced(seen, facts)) is not None:
        return decided
    if (decided := _ended_by_alerts(change, seen, stage, now, facts)) is not None:
        return decided
    if live.health is Health.HEALTHY:
        facts |= {"unhealthy_since": None, "degraded_since": None}
        return _held_by_alerts(change, seen, stage, now, facts) or _soak(change, seen, stage, now, facts)
    facts |= {"healthy_since": None}
    if live.health is Health.SUSPENDED:
        facts |= {"unhealthy_since": None, "degraded_since": None}
        return Wait(reason="Suspended: waits for a person", look_again=FOLLOW * 5, facts=facts)
    worst = _unhealthy(live)
    bad_since = change.unhealthy_since or now
    degraded_since = (change.degraded_since or now) if live.health is Health.DEGRADED else None
    facts |= {"unhealthy_since": bad_since, "degraded_since": degraded_since}
    ends = {**facts, "cause": worst, "still_runs": still_runs(change, seen)}
    if degraded_since is not None and now >= degraded_since + min(DEGRADED_GRACE, stage.timeouts.health):
        return Advance(event=Event.FAILED, reason=f"Degraded: {worst}", facts=ends)
    if now >= bad_since + stage.timeouts.health:
        reason = f"not healthy within {spoken(stage.timeouts.health)}: {worst}"
        return Advance(event=Event.FAILED, reason=reason, facts=ends)
    return Wait(reason=f"waiting for health: {worst}", look_again=FOLLOW, facts=facts)


def _replaced(seen: SyncSeen, facts: dict[str, object]) -> Advance | None:
    """Rolled back, or synced to other content. An empty history, which Argo CD can be told to keep, says nothing."""
    newest, operation = seen.live.newest, seen.live.operation
    if newest is None or seen.shipped:
        return None
    is_known = operation is not None and operation.phase.is_over and operation.revision == newest.revision
    by = f", synced by {operation.initiated_by}" if operation and is_known and operation.initiated_by else ""
    runs = f"the environment runs {short(newest.revision)} now (history {newest.id}{by})"
    return Advance(event=Event.FAILED, reason=f"{runs}, not what was shipped", facts={**facts, "cause": runs})


def _soak(change: Change, seen: SyncSeen, stage: Stage, now: datetime, facts: dict[str, object]) -> Decision:
    since = change.healthy_since or now
    if isinstance(change.alerts, CannotTell) and change.trouble_since is not None:  # that time does not count
        since = min(since + (now - change.trouble_since), now)
    facts |= {"healthy_since": since}
    if now >= since + stage.soak:
        return Advance(event=Event.SOAKED, reason=_how_well(change.sync, seen.alerts), facts=facts)
    left = since + stage.soak - now
    return Wait(reason=f"healthy; soaking {spoken(stage.soak)}", look_again=min(left, FOLLOW * 5), facts=facts)


def _alerting(change: Change, seen: SyncSeen, stage: Stage, now: datetime) -> dict[str, object]:
    """What the change keeps of its alerts. What cannot be told leaves it open whether those seen last fire on."""
    if isinstance(seen.alerts, CannotTell):
        return {"alerts": seen.alerts}
    since = (change.alerting_since or now) if seen.alerts is not None and seen.alerts.counting else None
    holds = since is not None and stage.alerts.during_soak is BakeAction.HOLD
    return {
        "alerts": seen.alerts, "alerting_since": since,
        "fails_at": since + stage.alerts.fail_after if since is not None and holds else None,
    }  # fmt: skip


def _ended_by_alerts(
    change: Change, seen: SyncSeen, stage: Stage, now: datetime, facts: dict[str, object]
) -> Advance | None:
    """Alerts that fired before the sync count too: who ships into them has not shown that it goes well."""
    if not isinstance(seen.alerts, FiringAlerts) or not seen.alerts.counting:
        return None
    words = in_words(seen.alerts.counting, now=now)
    ends = {**facts, "cause": words, "still_runs": still_runs(change, seen)}
    match stage.alerts.during_soak:
        case BakeAction.FAIL:
            return Advance(event=Event.FAILED, reason=f"{words} during the soak", facts=ends)
        case BakeAction.HOLD if now >= (change.alerting_since or now) + stage.alerts.fail_after:
            lasts = f"{words}, for longer than {spoken(stage.alerts.fail_after)}"
            return Advance(event=Event.FAILED, reason=lasts, facts=ends)
        case _:
            return None


def _held_by_alerts(
    change: Change, seen: SyncSeen, stage: Stage, now: datetime, facts: dict[str, object]
) -> Decision | None:
    if stage.alerts.during_soak is None or seen.alerts is None:
        return None
    if isinstance(seen.alerts, CannotTell):
        since = change.trouble_since or now
        reason = f"cannot tell whether alerts fire: {seen.alerts.reason}"
        if now >= since + BLIND_FOR:
            ends = {**facts, "cause": reason}
            return Advance(event=Event.ERRORED, reason=f"no answer could be had: {reason}", facts=ends)
        return Wait(reason=f"waiting: {reason}", look_again=FOLLOW * 5, facts={**facts, "trouble_since": since})
    if not seen.alerts.counting:
        return None
    left = (change.alerting_since or now) + stage.alerts.fail_after - now
    return Wait(
        reason=f"waiting: {in_words(seen.alerts.counting, now=now)}", look_again=min(left, FOLLOW * 5),
        facts={**facts, "healthy_since": None},
    )  # fmt: skip


def _how_well(sync: SyncFacts | None, alerts: Firing | None) -> str:
    said = ["healthy through the soak"]
    if left := sync.left_behind if sync else ():
        said.append(f"{counted(len(left), 'resource')} left behind: {listed(left)}")
    if isinstance(alerts, FiringAlerts):
        if alerts.counting:
            said.append(in_words(alerts.counting))
        if hidden := hidden_in_words(alerts.alerts):
            said.append(hidden)
    return ", ".join(said)


def _unhealthy(live: LiveApplication) -> str:
    bad = [
        f"{r.key} {r.health.value}{f' ({r.message})' if r.message else ''}"
        for r in live.resources
        if r.health not in (None, Health.HEALTHY)
    ]
    return listed(tuple(bad), most=2) or live.health_message or f"the application is {live.health.value}"
