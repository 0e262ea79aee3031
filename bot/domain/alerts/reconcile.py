"""What the API makes of a group: it knows what webhooks never tell, such as what was silenced, and what ended so.

Its list is the truth about what fires, with two exceptions: an Alertmanager that has just started has not heard of
everything yet, and one of several may not have heard of what its neighbour has just told us. Then absence means
nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alerts.alert import Alert, AlertState, ReportedAlert
from bot.domain.alerts.group import AlertGroup, AlertGroupId, GroupState, SilenceSeen
from bot.domain.alerts.keys import key_of_group
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.silence import Silence
from bot.domain.alerts.standing import UNHEARD, Seen, has_api, soonest, stands
from bot.domain.text import Text, spoken

YOUNG = timedelta(seconds=15)
"""So long after a webhook, an alert that it told of need not be known to every Alertmanager of a pair."""
UNSETTLED = timedelta(seconds=30)
"""Until an Alertmanager that has just started is asked again."""
SILENCE_SLACK = timedelta(seconds=3)
SILENT = Text.of(f"No webhook has told of it for {spoken(UNHEARD)}: it is taken for over.")
GONE = Text.of("Its Alertmanager is no longer in tiphys.yaml: it is taken for over, as nobody will tell.")
LOST_AFTER = timedelta(minutes=5)
"""From when on an alert that no webhook told of is one whose webhook was lost: before, its group may still wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """Alerts that fire for a receiver of ours and belong to no group that we know."""

    receiver: str
    group_labels: Mapping[str, str]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    by_group: Mapping[AlertGroupId, tuple[Alert, ...]]
    unclaimed: tuple[Unclaimed, ...]


def reconcile(
    group: AlertGroup, reported: Iterable[Alert], silences: Sequence[Silence], policy: AlertsPolicy, now: datetime, *,
    settled: bool = True, new_id: AlertGroupId,
) -> Seen:  # fmt: skip
    """What `group` is, when at `now` its source lists `reported` of its alerts (see `assign`), suppressed ones too.

    A group that is over and whose alerts fire goes on in its row if that is soon, else in a new one with `new_id`.
    Reconciling with the same again changes nothing.
    """
    present = {alert.fingerprint: alert for alert in reported}
    known = {alert.fingerprint: alert for alert in group.alerts}
    merged, again = dict(known), None
    for fingerprint, alert in present.items():
        merged[fingerprint] = _present(known.get(fingerprint), alert)
    told_at = max(group.changed_at, group.heard_at or group.changed_at)
    is_young = now - told_at < YOUNG
    for fingerprint, alert in known.items():
        if fingerprint in present or alert.state is AlertState.RESOLVED:
            continue
        if not settled:
            again = now + UNSETTLED
        elif is_young and alert.state is AlertState.FIRING:
            again = told_at + YOUNG
        else:
            merged[fingerprint] = _ended(alert, now)
    seen = _silences(merged.values(), silences)
    fires = any(alert.state.may_fire for alert in merged.values())
    if group.is_over:
        if not fires:
            return stands(group, replace(group, check_at=again), policy=policy, now=now)
        if now - (group.resolved_at or now) > policy.reopen_within:
            return _new(group, new_id, present, silences, policy, now)
    told = replace(
        group, alerts=tuple(merged.values()), silences=seen, check_at=soonest(again, _next_end(seen, now)),
        truncated=0 if settled else group.truncated,
    )  # fmt: skip
    rest_fires = group.truncated > 0 and not settled and not group.is_over
    return stands(group, told, policy=policy, now=now, rest_fires=rest_fires)


def rest(group: AlertGroup, policy: AlertsPolicy, now: datetime, *, is_gone: bool = False) -> Seen:
    """What only the time has made of a group whose source cannot be asked: it may be calm now, or unheard of for so
    long that it cannot fire. `is_gone`: its source is no longer configured, so that nobody will tell that it is over.
    """
    told = replace(group, check_at=None)
    is_unheard = group.heard_at is not None and now - group.heard_at >= UNHEARD and not has_api(policy, group.source)
    if group.is_over or not (is_gone or is_unheard):
        return stands(group, told, policy=policy, now=now, rest_fires=group.truncated > 0 and not group.is_over)
    left = tuple(
        replace(alert, state=AlertState.UNREPORTED, silenced_by=(), inhibited_by=()) if alert.state.may_fire else alert
        for alert in group.alerts
    )
    seen = stands(group, replace(told, alerts=left, truncated=0), policy=policy, now=now)
    return replace(seen, notes=(GONE if is_gone else SILENT, *seen.notes))


def found(
    unclaimed: Unclaimed, source: str, silences: Sequence[Silence], policy: AlertsPolicy, now: datetime, *,
    new_id: AlertGroupId,
) -> Seen:  # fmt: skip
    """A new group of which no webhook has told."""
    group = AlertGroup(
        id=new_id, source=source, receiver=unclaimed.receiver, group_key="", group_labels=unclaimed.group_labels,
        state=GroupState.FIRING, alerts=unclaimed.alerts, severity=Severity.NONE, opened_at=now, changed_at=now,
        silences=_silences(unclaimed.alerts, silences),
    )  # fmt: skip
    return stands(None, group, policy=policy, now=now)


def assign(
    groups: Sequence[AlertGroup], reported: Iterable[ReportedAlert], receivers: Iterable[str], now: datetime
) -> Assigned:
    """Which alerts belong to which of the groups of one source.

    The API does not tell groups. An alert is its group's where that knows it already, or where the labels that its
    receiver groups by (as far as we have heard) are exactly the group's. `receivers`: those that are ours besides those
    of the groups. A row that is over has none where an open one of the same group has followed it.
    """
    of_receiver: dict[str, list[AlertGroup]] = {name: [] for name in receivers}
    open_keys = {key_of_group(group) for group in groups if not group.is_over}
    for group in groups:
        if not group.is_over or key_of_group(group) not in open_keys:
            of_receiver.setdefault(group.receiver, []).append(group)
    by_group: dict[AlertGroupId, list[Alert]] = {group.id: [] for group in groups}
    unclaimed: dict[tuple[str, tuple[tuple[str, str], ...]], list[Alert]] = {}
    indexes = {name: _Index(of) for name, of in of_receiver.items()}
    for one in reported:
        for receiver in one.receivers:
            if (index := indexes.get(receiver)) is None:
                continue
            labels = index.labels_of(one.alert)
            claiming = index.claiming(one.alert, labels)
            for group in claiming:
                by_group[group.id].append(one.alert)
            if not claiming and one.alert.state is AlertState.FIRING and now - one.alert.starts_at >= LOST_AFTER:
                unclaimed.setdefault((receiver, tuple(sorted(labels.items()))), []).append(one.alert)
    return Assigned(
        by_group={group: tuple(alerts) for group, alerts in by_group.items()},
        unclaimed=tuple(
            Unclaimed(receiver=receiver, group_labels=dict(labels), alerts=tuple(alerts))
            for (receiver, labels), alerts in unclaimed.items()
        ),
    )


class _Index:
    """The groups of one receiver, by the alerts that they know and by their labels."""

    def __init__(self, groups: Sequence[AlertGroup]) -> None:
        self._by_fingerprint: dict[str, list[AlertGroup]] = {}
        self._by_labels: dict[tuple[tuple[str, str], ...], list[AlertGroup]] = {}
        names: set[str] = set()
        for group in groups:
            names |= set(group.group_labels)
            self._by_labels.setdefault(tuple(sorted(group.group_labels.items())), []).append(group)
            for alert in group.alerts:
                self._by_fingerprint.setdefault(alert.fingerprint, []).append(group)
        self._names = sorted(names) if groups else ["alertname"]

    def labels_of(self, alert: Alert) -> dict[str, str]:
        return {name: alert.labels[name] for name in self._names if name in alert.labels}

    def claiming(self, alert: Alert, labels: Mapping[str, str]) -> list[AlertGroup]:
        """Those that know it. Else the open group of its labels, if there is one only: of several routes nobody could
        say which."""
        if knowing := self._by_fingerprint.get(alert.fingerprint):
            return knowing
        alike = [group for group in self._by_labels.get(tuple(sorted(labels.items())), []) if not group.is_over]
        return alike[:1]


def _present(known: Alert | None, alert: Alert) -> Alert:
    """As the API tells it; it starts when we have heard that it did, if that is the later episode's start."""
    if known is None or known.state is AlertState.RESOLVED or alert.starts_at >= known.starts_at:
        return replace(alert, ends_at=None)
    return replace(alert, ends_at=None, starts_at=known.starts_at)


def _ended(alert: Alert, now: datetime) -> Alert:
    return replace(alert, state=AlertState.RESOLVED, ends_at=max(now, alert.starts_at), silenced_by=(), inhibited_by=())


def _new(
    before: AlertGroup, new_id: AlertGroupId, present: Mapping[str, Alert], silences: Sequence[Silence],
    policy: AlertsPolicy, now: datetime,
) -> Seen:  # fmt: skip
    opened = replace(
        before, id=new_id, number=0, version=0, state=GroupState.FIRING, severity=Severity.NONE, opened_at=now,
        alerts=tuple(alert for alert in present.values() if alert.state.may_fire), resolved_at=None, truncated=0,
        tie=None, change=None, acknowledged=None, assigned_to=None, first_acted_at=None, flips=(), is_flapping=False,
        silences=_silences(present.values(), silences), check_at=None, channel=None, peak=Severity.NONE,
    )  # fmt: skip
    return stands(None, opened, policy=policy, now=now)


def _silences(alerts: Iterable[Alert], silences: Sequence[Silence]) -> tuple[SilenceSeen, ...]:
    hiding = {silence for alert in alerts if alert.state is AlertState.SILENCED for silence in alert.silenced_by}
    return tuple(
        SilenceSeen(id=silence.id, by=silence.created_by, ends_at=silence.ends_at, comment=silence.comment)
        for silence in sorted(silences, key=lambda silence: (silence.ends_at, silence.id))
        if silence.id in hiding
    )


def _next_end(silences: Sequence[SilenceSeen], now: datetime) -> datetime | None:
    """When the next silence will have ended: no webhook tells of that."""
    ends = [silence.ends_at + SILENCE_SLACK for silence in silences]
    return soonest(*(end for end in ends if end > now))
