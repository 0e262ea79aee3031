"""What fires for one stage at one moment: what the gates ask, and what the card of a change shows of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import SilenceSeen
from bot.domain.alerts.severity import Severity
from bot.domain.text import counted, listed

MOST_FIRING = 20
MOST_NAMED = 2
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlert:
    """All alerts of one name, severity and state: `count` of them, since the oldest began.

    `name` is untrusted, and of a length that can be shown. `silence`: the one that ends first, where it was found.
    """

    name: str
    severity: Severity
    starts_at: datetime
    state: AlertState  # FIRING, SILENCED or INHIBITED
    count: int = 1
    silence: SilenceSeen | None = None

    @property
    def counts(self) -> bool:
        """Whether it stands in the way: neither silenced, which somebody answers for, nor inhibited."""
        return self.state is AlertState.FIRING


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlerts:
    """Everything that fires, silenced or not: what counts first, then the gravest, then the oldest. `more`: how many
    further names there are. Empty: nothing fires, and that is known."""

    alerts: tuple[FiringAlert, ...] = ()
    more: int = 0
    type: Literal["firing"] = "firing"

    @property
    def counting(self) -> tuple[FiringAlert, ...]:
        return tuple(alert for alert in self.alerts if alert.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """Nobody could be asked. `reason` says who and why, in a phrase."""

    reason: str
    type: Literal["cannot tell"] = "cannot tell"


Firing = FiringAlerts | CannotTell


def gathered(alerts: Iterable[tuple[Alert, Severity]], silences: Iterable[SilenceSeen] = ()) -> FiringAlerts:
    """Those of the alerts that may fire, by name."""
    by_id = {silence.id: silence for silence in silences}
    found: dict[tuple[str, Severity, AlertState], list[Alert]] = {}
    for alert, severity in alerts:
        if alert.state.may_fire:
            name = _shortened(alert.name or "an alert without a name")
            found.setdefault((name, severity, alert.state), []).append(alert)
    made = [
        FiringAlert(
            name=name, severity=severity, state=state, count=len(alike),
            starts_at=min(alert.starts_at for alert in alike), silence=_silence(alike, by_id),
        )
        for (name, severity, state), alike in found.items()
    ]  # fmt: skip
    return joined(FiringAlerts(alerts=tuple(made)))


def joined(*parts: FiringAlerts) -> FiringAlerts:
    """What several sources tell, in order and bounded."""
    every = sorted(
        (alert for part in parts for alert in part.alerts),
        key=lambda alert: (not alert.counts, alert.severity.rank, alert.starts_at, alert.name),
    )
    left_out = max(len(every) - MOST_FIRING, 0)
    return FiringAlerts(alerts=tuple(every[:MOST_FIRING]), more=left_out + sum(part.more for part in parts))


def in_words(alerts: tuple[FiringAlert, ...], *, where: str = "", now: datetime | None = None) -> str:
    """`HighErrorRate fires on staging (critical)`; of several `HighErrorRate (critical) and 3 more fire on staging`.

    With `now` also since when, in UTC: for reasons that are stored, and shown to everybody alike.
    """
    at = f" on {where}" if where else ""
    if len(alerts) == 1:
        return f"{alerts[0].name} fires{at} ({_facts(alerts[0], now=now)})"
    return f"{listed(tuple(f'{a.name} ({_facts(a, now=now)})' for a in alerts), most=MOST_NAMED)} fire{at}"


def grade(severity: Severity) -> str:
    return "no severity" if severity is Severity.NONE else severity.value


def hidden_in_words(alerts: tuple[FiringAlert, ...]) -> str:
    """`1 silenced by anna`, of all that does not count; empty when there is nothing."""
    silenced = [alert for alert in alerts if alert.state is AlertState.SILENCED]
    inhibited = sum(alert.count for alert in alerts if alert.state is AlertState.INHIBITED)
    said = []
    if silenced:
        names = listed(tuple(dict.fromkeys(alert.name for alert in silenced)), most=MOST_NAMED)
        by = listed(tuple(dict.fromkeys(a.silence.by for a in silenced if a.silence and a.silence.by)), most=MOST_NAMED)
        number = counted(sum(alert.count for alert in silenced), "silenced", "silenced")
        said.append(f"{number}{f' by {_shortened(by)}' if by else ''}: {names}")
    if inhibited:
        said.append(f"{inhibited} inhibited")
    return ", ".join(said)


def _facts(alert: FiringAlert, *, now: datetime | None) -> str:
    if now is None:
        return grade(alert.severity)
    day = "" if alert.starts_at.date() == now.date() else f"{alert.starts_at:%Y-%m-%d} "
    return f"{grade(alert.severity)}, since {day}{alert.starts_at:%H:%M} UTC"


def _silence(alike: list[Alert], by_id: dict[str, SilenceSeen]) -> SilenceSeen | None:
    found = {silence for alert in alike for silence in alert.silenced_by if silence in by_id}
    return min((by_id[silence] for silence in found), key=lambda silence: (silence.ends_at, silence.id), default=None)


def _shortened(words: str) -> str:
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"
