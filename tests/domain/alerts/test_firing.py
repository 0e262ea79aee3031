"""What fires for a stage, put together and told in words."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.firing import FiringAlert, FiringAlerts, gathered, hidden_in_words, in_words, joined
from bot.domain.alerts.group import SilenceSeen
from bot.domain.alerts.severity import Severity
from tests.alert_examples import alert, fires, is_silenced
from tests.examples import MINUTE, NOW

CRITICAL = Severity.CRITICAL


def test_alerts_of_one_name_are_one_since_the_oldest() -> None:
    older = alert("b", starts_at=NOW - 9 * MINUTE)
    [one] = gathered([(alert("a"), CRITICAL), (older, CRITICAL)]).alerts
    assert one == fires(count=2, starts_at=older.starts_at)


@pytest.mark.parametrize("state", [AlertState.RESOLVED, AlertState.UNREPORTED])
def test_what_is_over_or_not_known_to_fire_is_left_out(state: AlertState) -> None:
    assert gathered([(alert(state=state), CRITICAL)]) == FiringAlerts()


def test_a_silenced_one_names_the_silence_that_ends_first() -> None:
    silences = [SilenceSeen(id=i, by=f"by-{i}", ends_at=NOW + n * MINUTE) for n, i in ((5, "s1"), (3, "s2"))]
    hidden = alert(state=AlertState.SILENCED, silenced_by=("s1", "s2", "gone"))
    [one] = gathered([(hidden, CRITICAL)], silences).alerts
    assert one.silence == silences[1]
    assert not one.counts


def test_what_counts_comes_first_then_the_gravest_then_the_oldest() -> None:
    warning = fires("Slow", severity=Severity.WARNING, starts_at=NOW - timedelta(hours=1))
    old, new = fires("Old", starts_at=NOW - timedelta(hours=1)), fires("New")
    seen = joined(FiringAlerts(alerts=(is_silenced("Hidden"), new)), FiringAlerts(alerts=(warning, old)))
    assert [one.name for one in seen.alerts] == ["Old", "New", "Slow", "Hidden"]
    assert [one.name for one in seen.counting] == ["Old", "New", "Slow"]


def test_it_is_bounded_and_the_rest_is_counted() -> None:
    seen = gathered([(alert(labels={"alertname": f"n{n}" + "x" * 500}), CRITICAL) for n in range(50)])
    assert (len(seen.alerts), seen.more) == (20, 30)
    assert max(len(one.name) for one in seen.alerts) == 100
    assert joined(seen, seen).more == 80


def test_one_without_a_name_is_told_of_all_the_same() -> None:
    assert gathered([(alert(labels={"severity": "critical"}), CRITICAL)]).alerts[0].name == "an alert without a name"


@pytest.mark.parametrize(
    ("alerts", "facts", "words"),
    [
        ((fires(),), {}, "HighErrorRate fires (critical)"),
        ((fires(),), {"where": "staging"}, "HighErrorRate fires on staging (critical)"),
        ((fires(),), {"now": NOW}, "HighErrorRate fires (critical, since 14:02 UTC)"),
        ((fires(),), {"now": NOW + timedelta(days=1)}, "HighErrorRate fires (critical, since 2026-03-04 14:02 UTC)"),
        ((fires("A"), fires("B", severity=Severity.NONE)), {}, "A (critical) and B (no severity) fire"),
        (tuple(fires(n) for n in "ABCD"), {"where": "x"}, "A (critical), B (critical) and 2 more fire on x"),
    ],
)
def test_in_words(alerts: tuple[FiringAlert, ...], facts: dict[str, Any], words: str) -> None:
    assert in_words(alerts, **facts) == words


def test_what_does_not_count_in_words() -> None:
    inhibited = fires("B", state=AlertState.INHIBITED, count=3)
    assert hidden_in_words((fires(),)) == ""
    assert hidden_in_words((is_silenced(count=2),)) == "2 silenced by @approver-1: HighErrorRate"
    assert hidden_in_words((is_silenced(silence=None), inhibited)) == "1 silenced: HighErrorRate, 3 inhibited"
