"""Alerts as a table: by which labels they are told apart, which come first, and what many of them have in common."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.severity import Severity

MOST_COLUMNS = 3
LONGEST_VALUE, LONGEST_SUMMARY = 16, 40
"""An annotation is a column of its own when none of its values is longer."""
MOST_READ = 20
"""So many of the first alerts decide on the annotation, and so many labels are counted: enough for a card."""
_FIRST = (
    "severity", "alertname", "cluster", "namespace", "exported_namespace", "name", "service", "app", "application",
    "deployment", "statefulset", "daemonset", "job_name", "node", "pod", "container", "device", "instance",
)  # fmt: skip
_ORDER: Mapping[str, int] = {label: number for number, label in enumerate(_FIRST)}
_STATES: Mapping[AlertState, int] = {
    AlertState.FIRING: 0, AlertState.UNREPORTED: 1, AlertState.INHIBITED: 2, AlertState.SILENCED: 3,
    AlertState.RESOLVED: 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """`labels` tell the alerts apart, as far as `MOST_COLUMNS` can; `others` differ too. `annotation`: one that is
    short and says something else of each; a summary only beside a single label that it does not just repeat. All names
    are untrusted."""

    labels: tuple[str, ...]
    others: tuple[str, ...]
    annotation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopValues:
    """The most frequent values of a label that several alerts share, and how many other values there are."""

    label: str
    values: tuple[tuple[str, int], ...]
    others: int


def in_order(alerts: Iterable[Alert], severity_of: Callable[[Mapping[str, str]], Severity]) -> tuple[Alert, ...]:
    """What fires first, then the gravest, then the newest; else in the order in which they come."""

    def place(alert: Alert) -> tuple[int, int, float]:
        return _STATES[alert.state], severity_of(alert.labels).rank, -alert.starts_at.timestamp()

    return tuple(sorted(alerts, key=place))


def differing(alerts: tuple[Alert, ...]) -> tuple[str, ...]:
    """Labels that the alerts do not agree on, those first by which people tell things apart."""
    names = {name for alert in alerts for name in alert.labels}
    found = [name for name in names if len({alert.labels.get(name, "") for alert in alerts}) > 1]
    return tuple(sorted(found, key=reading_order))


def reading_order(label: str) -> tuple[int, str]:
    """Sorts those labels first by which people tell alerts apart, the widest first; then the others by name."""
    return _ORDER.get(label, len(_FIRST)), label


def columns_of(alerts: tuple[Alert, ...]) -> Columns:
    """As few labels as tell the alerts apart, which stand in the order in which they are read."""
    names = differing(alerts)
    chosen: list[str] = []
    seen = 1
    for name in names:
        if len(chosen) == MOST_COLUMNS or seen == len(alerts):
            break
        told = _told_apart(alerts, [*chosen, name])
        if told > seen:
            chosen.append(name)
            seen = told
    others = tuple(name for name in names if name not in chosen)
    return Columns(labels=tuple(chosen), others=others, annotation=_annotation(alerts[:MOST_READ], beside=chosen))


def top_values(alerts: tuple[Alert, ...], *, labels: int = MOST_COLUMNS, values: int = 3) -> tuple[TopValues, ...]:
    """Of the differing labels those first that several alerts share a value of; one that no two share has no values."""
    made: list[TopValues] = []
    for name in differing(alerts)[:MOST_READ]:
        counts = Counter(alert.labels.get(name, "") for alert in alerts)
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        shown = tuple((value, number) for value, number in most[:values] if number > 1)
        made.append(TopValues(label=name, values=shown, others=len(most) - len(shown)))
    return tuple(sorted(made, key=lambda top: not top.values)[:labels])


def _told_apart(alerts: tuple[Alert, ...], names: list[str]) -> int:
    return len({tuple(alert.labels.get(name, "") for name in names) for alert in alerts})


def _annotation(alerts: tuple[Alert, ...], *, beside: list[str]) -> str | None:
    if _differs_shortly(alerts, "value", LONGEST_VALUE):
        return "value"
    if len(beside) > 1 or not _differs_shortly(alerts, "summary", LONGEST_SUMMARY):
        return None
    return None if any(_only_repeats(alerts, label) for label in beside) else "summary"


def _differs_shortly(alerts: tuple[Alert, ...], annotation: str, longest: int) -> bool:
    values = {alert.annotations.get(annotation, "") for alert in alerts}
    return len(values) > 1 and all(len(value) <= longest for value in values)


def _only_repeats(alerts: tuple[Alert, ...], label: str) -> bool:
    """Whether the summaries are one sentence with the label's value put in."""
    pairs = ((alert.annotations.get("summary", ""), alert.labels.get(label, "")) for alert in alerts)
    return len({_without(value, summary) for summary, value in pairs}) == 1


def _without(word: str, text: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "\0", text) if word else text
