"""The living card of an alert group: what fires, who has it, what shipped before it, and which alerts they are."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.card import AlertAction, AlertCard, after_change, place_of
from bot.domain.alerts.group import MOST_ALERTS, AlertGroup, SilenceSeen
from bot.domain.alerts.links import AlertLink
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.silence import SilenceRef
from bot.domain.alerts.wish import without_mark
from bot.domain.text import Code, Link, Mention, Moment, Plain, Strong, Text, counted, spoken
from bot.slack.blocks.alert_table import alert_table, how_many, labels
from bot.slack.blocks.elements import Json, Style, actions, button, header, lines, named
from bot.slack.blocks.message import RenderedMessage, alert_metadata, without_mentions
from bot.slack.blocks.silence_buttons import short, silence_buttons
from bot.slack.escape import clean, mrkdwn, one_line

ICONS = {Severity.CRITICAL: "🔥", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️", Severity.NONE: "🔔"}
RESOLVED, FLAPPING, SILENCED = "✅", "〰️", "🔕"
MOST_SILENCES, MOST_MENTIONS, MOST_HOST = 3, 10, 60
_LABELS = {
    AlertAction.ACKNOWLEDGE: "Acknowledge", AlertAction.UNACKNOWLEDGE: "Un-acknowledge", AlertAction.ASSIGN: "Assign…",
    AlertAction.SILENCE: "Silence…",
}  # fmt: skip
_STYLES: dict[AlertAction, Style] = {AlertAction.ACKNOWLEDGE: "primary"}


def alert_card(card: AlertCard) -> RenderedMessage:
    """The card as it is to be shown now. Within Slack's limits: what does not fit is counted, never cut silently."""
    blocks = [_resolved(card)] if _is_small(card.group) else [*_open(card), _pinged(card), *_buttons(card)]
    text = fallback(card)
    if card.mentions and not _is_small(card.group):
        text += f" · {mrkdwn(_mentions(card))}"
    return RenderedMessage(text=text, blocks=named(blocks), metadata=alert_metadata(card.group.id))


def first_alert_card(card: AlertCard) -> RenderedMessage:
    """The same for its posting: it pings those that the route names, and nobody else whom the card speaks of."""
    quiet = without_mentions(alert_card(replace(card, mentions=())))
    if not card.mentions or _is_small(card.group):
        return quiet
    blocks = [{key: value for key, value in block.items() if key != "block_id"} for block in quiet.blocks]
    at = len(blocks) - sum(block["type"] == "actions" for block in blocks)
    return replace(
        quiet,
        text=f"{quiet.text} · {mrkdwn(_mentions(card))}",
        blocks=named([*blocks[:at], _pinged(card), *blocks[at:]]),
    )


def fallback(card: AlertCard) -> str:
    """The text of notifications and screen readers; scripts rely on how it starts."""
    group = card.group
    state = "flapping" if group.is_flapping else group.state.value
    place = place_of(group.tie)
    more = [spoken(_lasted(group))] if _is_small(group) else [_grade(group), how_many(card)]
    words = " · ".join(filter(None, [one_line(place, 200), *more, one_line(_summary(card), 200)]))
    return f"{mrkdwn(Text.of(name_of(group)), 700)}: {state} · {mrkdwn(Text.of(words), 1_500)}"


def name_of(group: AlertGroup) -> str:
    return one_line(group.name, 120) or "alerts"


def value_of(group: AlertGroup, action: AlertAction) -> str:
    """What a button carries: JSON, `{"group": "<ulid>"}`, of `alert.change` also `"change": "<ulid>"`."""
    carried: dict[str, str] = {"group": group.id}
    if action is AlertAction.CHANGE and group.change is not None:
        carried["change"] = group.change.id
    return json.dumps(carried, separators=(",", ":"))


def _is_small(group: AlertGroup) -> bool:
    """Over for good. What flaps may fire again before anybody has read that it is over."""
    return group.is_over and not group.is_flapping


def _resolved(card: AlertCard) -> Json | None:
    group = card.group
    place = place_of(group.tie)
    parts = Text.of(f"{RESOLVED} ", Strong(name_of(group)), " resolved")
    if place:
        parts = Text.of(parts, " · ", Plain(one_line(place, 200)))
    if len(card.alerts) + group.truncated > 1:
        parts = Text.of(parts, f" · {counted(len(card.alerts) + group.truncated, 'alert')}")
    parts = Text.of(parts, f" · {spoken(_lasted(group))}")
    if group.change is not None:
        parts = Text.of(parts, f" · after #{group.change.number}")
    if group.acknowledged is not None or group.assigned_to is not None:
        who = group.acknowledged.by if group.acknowledged is not None else group.assigned_to
        parts = Text.of(parts, " · ", Mention(who), " had it") if who else parts
    return lines(parts)


def _open(card: AlertCard) -> list[Json | None]:
    group = card.group
    place = place_of(group.tie)
    title = f"{_icon(group)} {clean(name_of(group), 80)}"
    return [
        header(f"{title} · {place}" if place else title),
        lines(
            _status(card),
            _who_has_it(group),
            *_silenced(card),
            _change_before(group),
            Text.of(Plain(one_line(_summary(card), 300))),
            _unreported(card),
            _truncated(group),
            most=700,
        ),
        *alert_table(card),
        lines(labels(card), _owner(card), _links(card), most=900),
    ]


def _icon(group: AlertGroup) -> str:
    if group.is_flapping:
        return FLAPPING
    return SILENCED if _is_silenced(group) else ICONS[group.severity]


def _is_silenced(group: AlertGroup) -> bool:
    states = {alert.state for alert in group.alerts}
    return AlertState.SILENCED in states and not states & {AlertState.FIRING, AlertState.UNREPORTED}


def _status(card: AlertCard) -> Text:
    group = card.group
    since = Text.of(" · since ", Moment(card.since))
    number = f" · {how_many(card)}"
    if group.is_flapping:
        times = counted(len(group.flips), "time")
        began = Text.of(" since ", Moment(group.flips[0])) if group.flips else Text()
        return Text.of(Strong("flapping"), f": began or ended {times}", began, f" · {_grade(group)}", number)
    if _is_silenced(group):
        return Text.of(Strong("silenced"), f" · {_grade(group)}", number, since)
    return Text.of(Strong(_grade(group)), number, since)


def _grade(group: AlertGroup) -> str:
    return "no severity" if group.severity is Severity.NONE else group.severity.value


def _who_has_it(group: AlertGroup) -> Text:
    made = Text()
    if (known := group.acknowledged) is not None:
        made = Text.of("✋ acknowledged by ", Mention(known.by), ", ", Moment(known.at))
        if known.until is not None:
            made = Text.of(made, ", until ", Moment(known.until))
    if group.assigned_to is not None:
        made = Text.of(made, " · " if made.parts else "👤 ", "assigned to ", Mention(group.assigned_to))
    return made


def _silenced(card: AlertCard) -> list[Text]:
    shown = [_silence(card, silence) for silence in card.silences[:MOST_SILENCES]]
    hidden = len(card.silences) - len(shown)
    return [*shown, *([Text.of(f"🔕 and {counted(hidden, 'more silence', 'more silences')}")] if hidden > 0 else [])]


def _silence(card: AlertCard, silence: SilenceSeen) -> Text:
    hides = sum(silence.id in alert.silenced_by for alert in card.alerts if alert.state is AlertState.SILENCED)
    what = "silenced" if hides in (0, len(card.alerts)) else f"{hides} silenced"
    comment = without_mark(silence.comment)
    said = Text.of(": ", Plain(one_line(comment, 160))) if comment.strip() else Text()
    which = Text.of(" (", Code(one_line(short(silence.id), 20)), ")") if len(card.silences) > 1 else Text()
    by = Plain(one_line(silence.by, 60) or "–")
    return Text.of(f"🔕 {what} until ", Moment(silence.ends_at), " by ", by, which, said)


def _change_before(group: AlertGroup) -> Text:
    change = group.change
    if change is None:
        return Text()
    perhaps = "if that is right, " if group.tie is not None and group.tie.is_guess else ""
    versions = f"{one_line(change.versions, 120)}, " if change.versions.strip() else ""
    made = Text.of(f"{perhaps}{spoken(after_change(group))} after ", Strong(f"#{change.number}"), " (",
                   Plain(versions), Mention(change.by), ")")  # fmt: skip
    if change.pull_url is None:
        return made
    label = f"PR #{change.pull_number} ↗" if change.pull_number is not None else "PR ↗"
    return Text.of(made, " · ", Link(change.pull_url, label))


def _summary(card: AlertCard) -> str:
    """What all alerts say of themselves; where each says something else, what the first does. Empty where the table
    has it, or nobody says anything."""
    if common := _said(card.group.common_annotations):
        return common
    if not card.alerts or card.columns.annotation == "summary":
        return ""
    first = _said(card.alerts[0].annotations)
    return f"e.g. {first}" if first else ""


def _said(annotations: Mapping[str, str]) -> str:
    return next(filter(None, (annotations.get(name, "").strip() for name in ("summary", "message", "description"))), "")


def _unreported(card: AlertCard) -> Text:
    number = card.group.count(AlertState.UNREPORTED)
    if not number:
        return Text()
    checked = "; being checked" if card.is_checked else ", and there is no API to ask"
    return Text.of(f"❔ {number} not reported any more (silenced, or over){checked}")


def _truncated(group: AlertGroup) -> Text:
    if not group.truncated:
        return Text()
    if len(group.alerts) >= MOST_ALERTS:
        return Text.of(f"➕ and {group.truncated:,} more, beyond the {MOST_ALERTS:,} that are kept")
    return Text.of(f"➕ and {group.truncated:,} more that Alertmanager did not send (its max_alerts)")


def _owner(card: AlertCard) -> Text:
    return Text.of("owner: ", Plain(one_line(card.owner, 160))) if card.owner.strip() else Text()


def _links(card: AlertCard) -> Text:
    made = Text()
    for link in card.links:
        made = Text.of(made, " · " if made.parts else "", _link(link))
    return made


def _link(link: AlertLink) -> Text:
    """Our word, and the host beside it: a link out of an alert never says where it leads but by that."""
    more = f" (+{link.more} more)" if link.more else ""
    if link.url is None:
        return Text.of(Plain(f"{link.kind}: {one_line(link.shown, 120)}"), more)
    host = link.shown if len(link.shown) <= MOST_HOST else f"…{link.shown[-MOST_HOST:]}"
    return Text.of(Link(link.url, f"{link.kind} ({host}) ↗"), more)


def _mentions(card: AlertCard) -> Text:
    made = Text()
    for who in card.mentions[:MOST_MENTIONS]:
        made = Text.of(made, " " if made.parts else "", Mention(who))
    hidden = len(card.mentions) - MOST_MENTIONS
    return Text.of(made, f" and {hidden} more") if hidden > 0 else made


def _pinged(card: AlertCard) -> Json | None:
    return lines(Text.of("📣 ", _mentions(card))) if card.mentions else None


def _buttons(card: AlertCard) -> list[Json | None]:
    """Those of the group, and a row for each silence that is shown, where something can be done about one."""
    rows = [actions([_button(card.group, action) for action in card.actions])]
    if AlertAction.SILENCE not in card.actions:
        return rows
    for silence in card.silences[:MOST_SILENCES]:
        ref = SilenceRef(source=card.group.source, id=silence.id, ends_at=silence.ends_at)
        rows.append(silence_buttons(ref, which="silence" if len(card.silences) == 1 else short(silence.id)))
    return rows


def _button(group: AlertGroup, action: AlertAction) -> Json:
    change = group.change
    label = f"Change #{change.number}" if action is AlertAction.CHANGE and change is not None else _LABELS[action]
    return button(
        action.value, label, value_of(group, action), style=_STYLES.get(action),
        says=f"{label.rstrip('…')} {name_of(group)}",
    )  # fmt: skip


def _lasted(group: AlertGroup) -> timedelta:
    return (group.resolved_at or group.changed_at) - group.began_at
