"""The alerts of a group: those that tell something in a table, many of them by what they have in common."""

from datetime import timedelta

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.card import AlertCard
from bot.domain.alerts.group import TiedBy
from bot.domain.alerts.table import Columns, TopValues, reading_order, top_values
from bot.domain.text import Code, Moment, Plain, Text, counted, listed
from bot.slack.blocks.elements import Json, paragraphs
from bot.slack.escape import one_line

MOST_ROWS, ROWS_OF_MANY, MOST_LABELS, MOST_NAMES = 10, 5, 6, 5
_TOGETHER = timedelta(minutes=1)
_WIDTHS = {1: 40, 2: 24, 3: 18}
_WORDS = {
    AlertState.FIRING: "", AlertState.SILENCED: " 🔕 silenced", AlertState.INHIBITED: " ➖ inhibited",
    AlertState.UNREPORTED: " ❔ not reported any more", AlertState.RESOLVED: " ✅ resolved",
}  # fmt: skip
_COUNTED = (
    (AlertState.FIRING, "firing"), (AlertState.SILENCED, "silenced"), (AlertState.INHIBITED, "inhibited"),
    (AlertState.UNREPORTED, "not reported"), (AlertState.RESOLVED, "resolved"),
)  # fmt: skip
_SAID_ELSEWHERE = frozenset({"alertname", "severity"})
_SAID_BY_THE_TIE = frozenset({"tiphys_application", "tiphys_environment"})
"""Where they are understood, the card's title has them."""


def alert_table(card: AlertCard) -> list[Json | None]:
    """Blocks; empty of a single alert, whose labels stand on the card. What has no row is counted."""
    alerts, columns = card.alerts, card.columns
    if len(alerts) < 2 or not columns.labels:
        return []
    many = len(alerts) > MOST_ROWS
    rows = alerts[: ROWS_OF_MANY if many else MOST_ROWS]
    hidden = alerts[len(rows) :]
    return paragraphs(
        *(map(_top, top_values(alerts)) if many else ()),
        *_rows(rows, columns, card),
        _more(card, hidden),
        _others(columns),
    )


def how_many(card: AlertCard) -> str:
    """`3 firing, 1 resolved`; how many fire is said even when none does. Of what was not sent nobody knows."""
    if not card.group.truncated:
        return _counts(card.alerts)
    if any(alert.state is AlertState.FIRING for alert in card.alerts):
        return f"at least {_counts(card.alerts)}"
    return f"{_counts(card.alerts, always=False)}, the others are not known"


def _counts(alerts: tuple[Alert, ...], *, always: bool = True) -> str:
    found = [(sum(alert.state is state for alert in alerts), word) for state, word in _COUNTED]
    return ", ".join(f"{number:,} {word}" for number, word in found if number or (always and word == "firing"))


def labels(card: AlertCard) -> Text:
    """What all alerts have in common, the labels that they are grouped by first."""
    common, by, tie = card.group.common_labels, card.group.group_labels, card.group.tie
    said = _SAID_ELSEWHERE | (_SAID_BY_THE_TIE if tie and tie.by is TiedBy.LABELS else frozenset())
    names = sorted(
        (name for name in common if name not in said), key=lambda name: (name not in by, reading_order(name))
    )
    made = Text()
    for name in names[:MOST_LABELS]:
        made = Text.of(made, "  " if made.parts else "", Code(f"{one_line(name, 40)}={one_line(common[name], 60)}"))
    hidden = len(names) - MOST_LABELS
    return Text.of(made, f"  and {counted(hidden, 'more label', 'more labels')}") if hidden > 0 else made


def _rows(rows: tuple[Alert, ...], columns: Columns, card: AlertCard) -> list[Text]:
    heads = [*columns.labels, *([columns.annotation] if columns.annotation else [])]
    most = _WIDTHS[len(columns.labels)]
    table = [[_fitted(head, most) for head in heads]]
    for alert in rows:
        cells = [_fitted(alert.labels.get(name, ""), most) for name in columns.labels]
        if columns.annotation:
            cells.append(_fitted(alert.annotations.get(columns.annotation, ""), 40))
        table.append(cells)
    widths = [max(len(row[n]) for row in table) for n in range(len(heads))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    since = card.since
    together = all(alert.starts_at - since < _TOGETHER for alert in card.alerts if alert.state.may_fire)
    told = (_row(line, alert, since=not together) for line, alert in zip(shown[1:], rows, strict=True))
    return [Text.of(Code(shown[0].rstrip())), *told]


def _row(line: str, alert: Alert, *, since: bool) -> Text:
    """`since`: whether the alerts began at different times; else the card's own says it all."""
    if alert.state is AlertState.RESOLVED:
        ended = Text.of(" ", Moment(alert.ends_at)) if alert.ends_at else Text()
        return Text.of(Code(line), _WORDS[alert.state], ended)
    began = Text.of(" ", Moment(alert.starts_at)) if since else Text()
    made = Text.of(began, _WORDS[alert.state])
    return Text.of(Code(line if made.plain else line.rstrip()), made)


def _fitted(text: str, most: int) -> str:
    """On one line, at most so long; of what is longer both ends stay, as names often differ at the end."""
    shown = one_line(text, 200) or "–"
    if len(shown) <= most:
        return shown
    tail = most // 2 - 1
    return f"{shown[: most - tail - 1]}…{shown[len(shown) - tail :]}"


def _top(top: TopValues) -> Text:
    name = one_line(top.label, 40)
    if not top.values:
        return Text.of(Plain(f"{name}: {top.others} different"))
    words = tuple(f"{one_line(value, 40) or '–'} {number}" for value, number in top.values)
    others = (counted(top.others, "other value"),) if top.others else ()
    return Text.of(Plain(f"{name}: {listed((*words, *others), most=len(words) + 1)}"))


def _more(card: AlertCard, hidden: tuple[Alert, ...]) -> Text:
    if not hidden:
        return Text()
    return Text.of(f"… and {len(hidden):,} more ({_counts(hidden, always=False)}): ",
                   Code(f"/gitops alerts A{card.group.number}"))  # fmt: skip


def _others(columns: Columns) -> Text:
    if not columns.others:
        return Text()
    return Text.of(
        Plain(f"they also differ in: {listed(tuple(one_line(n, 40) for n in columns.others), most=MOST_NAMES)}")
    )
