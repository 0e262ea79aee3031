"""Gate `alerts`: nothing fires on the stage that is promoted from, where its policy asks for that."""

from bot.domain.alerts.firing import CannotTell, hidden_in_words, in_words
from bot.domain.gate import Gate
from bot.gates.case import GateCase

SLUG = "alerts"


def evaluate(case: GateCase) -> Gate | None:
    """Silent where no source of alerts is configured. Silenced alerts are named and stand in nobody's way."""
    seen, source = case.source_alerts, case.stage.source
    if seen is None or source is None:
        return None
    if isinstance(seen, CannotTell):
        reason = f"cannot tell whether alerts fire on {source}: {seen.reason}"
        return Gate.waiting(SLUG, reason) if case.alerts_block else Gate.open(SLUG, reason)
    hidden = hidden_in_words(seen.alerts)
    more = f" ({hidden})" if hidden else ""
    if not seen.counting:
        return Gate.open(SLUG, f"no alerts on {source}{more}")
    reason = in_words(seen.counting, where=source) + more
    return Gate.closed(SLUG, reason) if case.alerts_block else Gate.open(SLUG, f"{reason}, which stops nothing here")
