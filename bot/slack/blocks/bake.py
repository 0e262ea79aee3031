"""The alerts of a stage on the card of a change that was synced there."""

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.firing import CannotTell, FiringAlert, grade
from bot.domain.alerts.severity import Severity
from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.domain.text import Moment, Plain, Strong, Text, counted
from bot.slack.escape import one_line

ICONS = {Severity.CRITICAL: "🔥", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️", Severity.NONE: "🔔"}
MOST_SHOWN, MOST_NAME, MOST_WHO = 5, 80, 60


def bake(change: Change) -> list[Text]:
    """Lines while it soaks: each alert with its grade, since when, and who has silenced it, those that count first."""
    seen = change.alerts
    if change.state is not State.VERIFYING or seen is None:
        return []
    if isinstance(seen, CannotTell):
        words = f"cannot tell whether alerts fire: {seen.reason}"
        if words in change.reason:
            return []
        return [Text.of("❔ ", Plain(one_line(words, 300)))]
    shown = [_line(alert, change) for alert in seen.alerts[:MOST_SHOWN]]
    hidden = len(seen.alerts) - len(shown) + seen.more
    if hidden:
        shown.append(Text.of(f"… and {counted(hidden, 'more name', 'more names')}"))
    if change.fails_at is not None:
        shown.append(Text.of("the soak begins anew when they are over; it has failed if they still fire at ",
                             Moment(change.fails_at)))  # fmt: skip
    return shown


def _line(alert: FiringAlert, change: Change) -> Text:
    number = f" · {counted(alert.count, 'alert')}" if alert.count > 1 else ""
    before = " · already before the sync" if _was_there_before(alert, change) else ""
    said = Text.of(Strong(one_line(alert.name, MOST_NAME)), f" · {grade(alert.severity)}{number} · since ",
                   Moment(alert.starts_at), before)  # fmt: skip
    match alert.state:
        case AlertState.SILENCED:
            return Text.of("🔕 ", said, _silenced(alert))
        case AlertState.INHIBITED:
            return Text.of("🔕 ", said, " · inhibited")
        case _:
            return Text.of(f"{ICONS[alert.severity]} ", said)


def _silenced(alert: FiringAlert) -> Text:
    silence = alert.silence
    if silence is None:
        return Text.of(" · silenced")
    by = f" by {one_line(silence.by, MOST_WHO)}" if silence.by.strip() else ""
    return Text.of(Plain(f" · {alert.count} silenced{by} until "), Moment(silence.ends_at))


def _was_there_before(alert: FiringAlert, change: Change) -> bool:
    return change.sync is not None and alert.starts_at < change.sync.asked_at
