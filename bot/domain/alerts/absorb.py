"""What a webhook makes of a group: a snapshot replaces what was known, as far as it can be believed.

A snapshot may be repeated, late, or older than one that was heard before; it carries no time of its own. What it tells
of an alert does: an episode that has ended does not fire again because somebody says later that it fired. Where a
snapshot contradicts what is known, the API is asked.
Source: alertmanager `dispatch/dispatch.go`, `notify/dedup_stage.go`; docs/alerts.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import AlertGroup, AlertGroupId, GroupState
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.snapshot import Snapshot
from bot.domain.alerts.standing import SOON, Seen, has_api, soonest, stands

LATEST = timedelta(minutes=15)
"""Without an API: after so long, an episode that had ended and is told to fire is believed to fire. A late snapshot is
late by no more than the flush that sends it lasts, which is a `group_interval`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merged:
    alerts: Mapping[str, Alert]
    is_doubtful: bool


def absorb(
    group: AlertGroup | None, snapshot: Snapshot, policy: AlertsPolicy, now: datetime, *, number: int = 0,
    new_id: AlertGroupId,
) -> Seen:  # fmt: skip
    """What `group` is after `snapshot`, which was heard at `now` as the webhook of this `number` in the intake.

    `group`: the newest row of the snapshot's key, over or not. A group that is over and fires again goes on in its row
    if that is soon, else in a new one: then the answer has `new_id` and version 0. None: nothing to keep.
    Absorbing the same again changes nothing that is shown.
    """
    api = has_api(policy, snapshot.source)
    if group is None:
        return _opened(None, snapshot, policy, now, number, new_id)
    merged = _merge(group, snapshot, api=api, is_older=0 < number < group.heard, now=now)
    heard = max(group.heard, number)
    check_at = soonest(group.check_at, now + SOON if api and (merged.is_doubtful or snapshot.truncated) else None)
    if group.is_over:
        if not any(alert.state is AlertState.FIRING for alert in merged.alerts.values()):
            return Seen(group=replace(group, heard=heard, check_at=check_at))
        if now - (group.resolved_at or now) > policy.reopen_within:
            return _opened(group, snapshot, policy, now, number, new_id)
    is_older = 0 < number < group.heard
    told = replace(
        group, alerts=tuple(merged.alerts.values()), heard=heard,
        check_at=check_at if api else None,  # what the time brings is found anew
        heard_at=max(group.heard_at or now, now),
        truncated=group.truncated if is_older else snapshot.truncated,
        group_key=group.group_key or snapshot.group_key, external_url=group.external_url or snapshot.external_url,
    )  # fmt: skip
    rest_fires = group.state is GroupState.FIRING if is_older else snapshot.truncated > 0
    return stands(group, told, policy=policy, now=now, rest_fires=rest_fires)


def _opened(
    before: AlertGroup | None, snapshot: Snapshot, policy: AlertsPolicy, now: datetime, number: int,
    new_id: AlertGroupId,
) -> Seen:  # fmt: skip
    """A new row. Of what has ended only what the row before it (of the same group) did not know."""
    past = {alert.fingerprint: alert for alert in before.alerts} if before else {}
    api = has_api(policy, snapshot.source)
    alerts = [
        alert
        for alert in _once(snapshot).values()
        if _is_news(past.get(alert.fingerprint), alert, believes_late=not api, now=now)
    ]
    rest_fires = snapshot.truncated > 0  # nobody is told of a group unless something in it fires, or did
    if not rest_fires and not any(alert.state is AlertState.FIRING for alert in alerts):
        return Seen(group=before)
    opened = AlertGroup(
        id=new_id, source=snapshot.source, receiver=snapshot.receiver, group_key=snapshot.group_key,
        group_labels=snapshot.group_labels, state=GroupState.FIRING, alerts=tuple(alerts), severity=Severity.NONE,
        opened_at=now, changed_at=now, truncated=snapshot.truncated, external_url=snapshot.external_url, heard=number,
        heard_at=now,
        check_at=now + SOON if api else None,
    )  # fmt: skip
    return stands(None, opened, policy=policy, now=now, rest_fires=rest_fires)


def _is_news(known: Alert | None, told: Alert, *, believes_late: bool, now: datetime) -> bool:
    if known is None or known.ends_at is None:
        return True
    if told.ends_at is not None:
        return told.ends_at > known.ends_at
    return told.starts_at >= known.ends_at or (believes_late and now - known.ends_at > LATEST)


def _merge(group: AlertGroup, snapshot: Snapshot, *, api: bool, is_older: bool, now: datetime) -> _Merged:
    """How every alert stands. Of an older snapshot only the ends count, which have a time: the rest is out of date."""
    merged = {alert.fingerprint: alert for alert in group.alerts}
    told, is_doubtful = _once(snapshot), is_older
    for fingerprint, alert in told.items():
        known = merged.get(fingerprint)
        if is_older and (known is None or alert.state is AlertState.FIRING):
            continue
        found = _next(known, alert, believes_late=not api, now=now)
        if found is None:
            is_doubtful = True
        else:
            merged[fingerprint] = found
            is_doubtful = is_doubtful or (known is not None and alert.starts_at < found.starts_at)
    if not is_older and not snapshot.truncated:
        for fingerprint, known in list(merged.items()):
            if known.state is AlertState.FIRING and fingerprint not in told:
                merged[fingerprint] = replace(known, state=AlertState.UNREPORTED)
                is_doubtful = True
    return _Merged(alerts=merged, is_doubtful=is_doubtful)


def _next(known: Alert | None, told: Alert, *, believes_late: bool, now: datetime) -> Alert | None:
    """The alert as it stands now; None where what is told contradicts what is known.

    Alertmanager joins episodes that overlap, and tells the earlier start of both from then on: a start that differs is
    no other episode unless it is after the end of the one that we know.
    """
    if known is None:
        return told
    if told.state is AlertState.RESOLVED:
        ended = told.ends_at or now
        if known.state is AlertState.RESOLVED:
            return told if known.ends_at is not None and ended > known.ends_at else known
        return told if ended > known.starts_at else None
    if known.state is not AlertState.RESOLVED:
        return told if told.starts_at >= known.starts_at else replace(known, state=AlertState.FIRING, silenced_by=())
    ended = known.ends_at or now
    if told.starts_at >= ended or (believes_late and now - ended > LATEST):
        return told
    return None


def _once(snapshot: Snapshot) -> dict[str, Alert]:
    """By fingerprint. Alertmanager tells each once; if not, what fires counts."""
    found: dict[str, Alert] = {}
    for alert in snapshot.alerts:
        if alert.fingerprint not in found or alert.state is AlertState.FIRING:
            found[alert.fingerprint] = alert
    return found
