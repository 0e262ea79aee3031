"""What its alerts make of a group: whether it is over, how grave it is, whether it flaps, what its thread is told.

Webhooks (`bot.domain.alerts.absorb`) and the API (`bot.domain.alerts.reconcile`) say how each alert stands; what
follows from that is the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import MOST_ALERTS, AlertGroup, GroupState
from bot.domain.alerts.policy import AlertsPolicy, Flapping
from bot.domain.alerts.severity import Severity, gravest
from bot.domain.text import Code, Part, Text, counted, spoken

MOST_RESOLVED = 200
MOST_FLIPS = 50
LONGEST_NAME = 80
MOST_NAMED = 5
CARDS_WHILE_FLAPPING = 6
"""So often within `flapping.within` the card of a group that flaps is made anew, but when it is graver than it was."""
UNHEARD = timedelta(days=6)
"""Without an API: after so long without a webhook a group is over. Alertmanager forgets after five days at most (its
`--data.retention`) what it has notified of, and then tells again of what still fires."""
LAPSED = Text.of("The acknowledgement has run out: nobody has it now.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a group is now; None: there is nothing to keep. `is_shown`: its card would look different; then `notes` are
    for the thread. `put_off`: it would, and is to be made anew only then."""

    group: AlertGroup | None
    notes: tuple[Text, ...] = ()
    is_shown: bool = False
    put_off: datetime | None = None


def has_api(policy: AlertsPolicy, source: str) -> bool:
    """Whether the source can be asked what is true."""
    found = policy.sources.get(source)
    return found is not None and found.url is not None


def soonest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def stands(
    before: AlertGroup | None, group: AlertGroup, *, policy: AlertsPolicy, now: datetime, rest_fires: bool = False
) -> Seen:
    """Draw the conclusions for `group`, whose alerts are brought up to date; `before` is its row (None: a new one).

    `rest_fires`: some of its alerts were not told, and may fire.
    """
    alerts, left_out = _bounded(group.alerts, policy)
    hiding = {silence for alert in alerts if alert.state is AlertState.SILENCED for silence in alert.silenced_by}
    group = replace(
        group, alerts=alerts, truncated=group.truncated + left_out,
        silences=tuple(silence for silence in group.silences if silence.id in hiding),
    )  # fmt: skip
    if _has_lapsed(group, now):
        group = replace(group, acknowledged=None)
    waits = has_api(policy, group.source) and (before is None or not before.is_over)
    state = GroupState.FIRING if rest_fires or _may_fire(group, waits=waits) else GroupState.RESOLVED
    flips = before.flips if before else ()
    if before is None or before.state is not state:
        flips = (*flips, now)[-MOST_FLIPS:]
    is_flapping = _flaps(flips, before is not None and before.is_flapping, policy.flapping, now)
    group = replace(
        group, state=state, flips=flips, is_flapping=is_flapping, severity=_severity(group, state, policy),
        resolved_at=None if state is GroupState.FIRING else _ended_at(before, group, now),
        check_at=soonest(
            group.check_at, flips[-1] + policy.flapping.within if is_flapping else None, _lapses_at(group, state),
            _unheard_at(group, state, policy),
        ),
    )  # fmt: skip
    known = (before.peak, before.severity) if before else ()
    group = replace(group, peak=gravest((group.severity, *known)))
    if before is None:
        return Seen(group=replace(group, changed_at=now), is_shown=True)
    if _as_shown(group) == _as_shown(before):
        return Seen(group=replace(group, changed_at=before.changed_at))
    rested = before.changed_at + policy.flapping.within / CARDS_WHILE_FLAPPING
    is_news = _is_graver(group, before) or before.acknowledged != group.acknowledged
    if before.is_flapping and group.is_flapping and now < rested and not is_news:
        return Seen(group=replace(group, changed_at=before.changed_at), put_off=rested)
    group = replace(group, changed_at=now)
    return Seen(group=group, notes=_notes(before, group, policy.flapping), is_shown=True)


def named(alert: Alert, common: Mapping[str, str]) -> str:
    """What tells this alert from the others of its group; untrusted."""
    own = [value for label, value in sorted(alert.labels.items()) if common.get(label) != value]
    words = " · ".join(own) or alert.name or alert.fingerprint
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"


def _bounded(alerts: Iterable[Alert], policy: AlertsPolicy) -> tuple[tuple[Alert, ...], int]:
    """The gravest and newest of those that are not over, then those that ended last; and how many of the former are
    left out. In the order of their labels, whatever order they were told in."""
    alive, over = list[Alert](), list[Alert]()
    for alert in alerts:
        (over if alert.state is AlertState.RESOLVED else alive).append(alert)
    left_out = max(len(alive) - MOST_ALERTS, 0)
    if left_out:
        alive.sort(key=lambda alert: alert.starts_at, reverse=True)
        alive.sort(key=lambda alert: (not alert.state.may_fire, policy.severity_of(alert.labels).rank))
        del alive[MOST_ALERTS:]
    room = min(MOST_RESOLVED, MOST_ALERTS - len(alive))
    if len(over) > room:
        over.sort(key=lambda alert: alert.ends_at or alert.starts_at, reverse=True)
        del over[room:]
    return tuple(sorted([*alive, *over], key=lambda alert: (sorted(alert.labels.items()), alert.fingerprint))), left_out


def _has_lapsed(group: AlertGroup, now: datetime) -> bool:
    until = group.acknowledged.until if group.acknowledged else None
    return until is not None and until <= now and not group.is_over


def _lapses_at(group: AlertGroup, state: GroupState) -> datetime | None:
    """Who had a group that is over had it to the end."""
    return group.acknowledged.until if group.acknowledged and state is GroupState.FIRING else None


def _unheard_at(group: AlertGroup, state: GroupState, policy: AlertsPolicy) -> datetime | None:
    if state is GroupState.RESOLVED or group.heard_at is None or has_api(policy, group.source):
        return None
    return group.heard_at + UNHEARD


def _may_fire(group: AlertGroup, *, waits: bool) -> bool:
    """What is no longer reported counts as firing until the API says that it is over. A source without an API is taken
    at its word: what it leaves out is over, or silenced, and nobody could tell."""
    if any(alert.state.may_fire for alert in group.alerts):
        return True
    return waits and group.count(AlertState.UNREPORTED) > 0


def _severity(group: AlertGroup, state: GroupState, policy: AlertsPolicy) -> Severity:
    """Of what fires; where nothing does unsuppressed, of what may; of a group that is over, the gravest it ever was."""
    if state is GroupState.RESOLVED:
        return gravest((group.severity, *(policy.severity_of(alert.labels) for alert in group.alerts)))
    for chosen in (
        group.firing, tuple(alert for alert in group.alerts if alert.state is not AlertState.RESOLVED), group.alerts,
    ):  # fmt: skip
        if chosen:
            return gravest(tuple(policy.severity_of(alert.labels) for alert in chosen))
    return group.severity


def _ended_at(before: AlertGroup | None, group: AlertGroup, now: datetime) -> datetime:
    if before is not None and before.resolved_at is not None:
        return before.resolved_at
    last = max((alert.ends_at or now for alert in group.alerts), default=now)
    return min(max(last, group.began_at), max(now, group.began_at))


def _flaps(flips: tuple[datetime, ...], did: bool, flapping: Flapping, now: datetime) -> bool:
    """It does from so many flips on, and until there was none for as long."""
    recent = sum(now - flip < flapping.within for flip in flips)
    return recent >= flapping.flips or (did and recent > 0)


def _is_graver(group: AlertGroup, before: AlertGroup) -> bool:
    return group.severity.rank < before.severity.rank


def _as_shown(group: AlertGroup) -> AlertGroup:
    """Without what nobody sees."""
    return replace(
        group, version=0, heard=0, heard_at=None, check_at=None, changed_at=group.opened_at, peak=Severity.NONE
    )


def _notes(before: AlertGroup, group: AlertGroup, flapping: Flapping) -> tuple[Text, ...]:
    """What happened, in sentences. A flapping group tells only that it began to, and that it is calm again."""
    lapsed = [LAPSED] if before.acknowledged is not None and group.acknowledged is None else []
    if before.is_flapping and group.is_flapping:
        return tuple(lapsed)
    said: list[Text] = lapsed
    if group.is_flapping:
        times = counted(len(group.flips), "time")
        said.append(Text.of(
            f"Flapping: it began or ceased to fire {times} lately. Its card is updated less often until it was calm "
            f"for {spoken(flapping.within)}."
        ))  # fmt: skip
    elif before.is_flapping:
        said.append(Text.of(f"Calm: it has {'ceased to fire' if group.is_over else 'been firing steadily'}."))
    elif group.is_over and not before.is_over:
        ended = group.resolved_at or group.changed_at
        said.append(Text.of(f"Resolved after {spoken(ended - group.began_at)}."))
    else:
        said += _changes(before, group)
    return tuple(said)


def _changes(before: AlertGroup, group: AlertGroup) -> list[Text]:
    known = {alert.fingerprint: alert for alert in before.alerts}
    turned: dict[str, list[Alert]] = {}
    for alert in group.alerts:
        was = known.get(alert.fingerprint)
        if phrase := _turn(was, alert):
            turned.setdefault(phrase, []).append(alert)
    if before.is_over and "Fires too" in turned:
        turned = {"Fires again": turned.pop("Fires too"), **turned}
    common = group.common_labels
    return [Text.of(f"{phrase}: ", *_listed([named(alert, common) for alert in alerts]), ".")
            for phrase, alerts in turned.items()]  # fmt: skip


def _turn(was: Alert | None, alert: Alert) -> str:
    """What has become of it, if that is worth a word."""
    match alert.state:
        case AlertState.FIRING if was is None or was.state in (AlertState.RESOLVED, AlertState.UNREPORTED):
            return "Fires too"
        case AlertState.FIRING if was is not None and was.state is AlertState.SILENCED:
            return "No longer silenced"
        case AlertState.SILENCED if was is None or was.state is not AlertState.SILENCED:
            return "Silenced"
        case AlertState.RESOLVED if was is not None and was.state is not AlertState.RESOLVED:
            return "Over"
    return ""


def _listed(names: list[str]) -> list[str | Part]:
    shown: list[str | Part] = []
    for number, name in enumerate(names[:MOST_NAMED]):
        shown += [", ", Code(name)] if number else [Code(name)]
    if len(names) > MOST_NAMED:
        shown.append(f" and {len(names) - MOST_NAMED} more")
    return shown


SOON = timedelta(seconds=2)
"""Until the API is asked about something that a webhook has made doubtful: more of them may come."""
