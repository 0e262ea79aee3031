"""What follows from how the alerts of a group stand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import MOST_ALERTS, AlertGroup, GroupState
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.standing import MOST_NAMED, MOST_RESOLVED, Seen, named, soonest, stands
from bot.domain.text import Code
from tests.alert_examples import LABELS, alert, group
from tests.examples import NOW

MINUTE = timedelta(minutes=1)
POLICY = AlertsPolicy()
R = AlertState.RESOLVED


def ended(service: str = "apm-api", minutes: int = 0) -> Alert:
    return alert(service, state=R, ends_at=NOW + minutes * MINUTE)


def after(before: AlertGroup, minutes: float = 0, **facts: Any) -> Seen:
    return stands(before, replace(before, **facts), policy=POLICY, now=NOW + minutes * MINUTE)


def flip(before: AlertGroup, times: int) -> Seen:
    """Once a minute it ceases to fire, or begins to."""
    seen = Seen(group=before)
    for minute in range(1, times + 1):
        assert seen.group is not None
        alerts = (alert(),) if seen.group.is_over else (ended(minutes=minute),)
        seen = after(seen.group, minute, alerts=alerts)
    return seen


def test_nothing_new_is_not_shown() -> None:
    before = group(flips=(NOW,))
    assert after(before) == Seen(group=before)
    assert not after(before, heard=9, check_at=NOW).is_shown


def test_it_is_over_when_nothing_may_fire() -> None:
    seen = after(group(opened_at=NOW - 14 * MINUTE), alerts=(ended(),))
    assert seen.group is not None
    assert (seen.group.state, seen.group.resolved_at) == (GroupState.RESOLVED, NOW)
    assert [note.plain for note in seen.notes] == ["Resolved after 14 min."]
    heard_late = after(group(opened_at=NOW - MINUTE), alerts=(replace(ended(), starts_at=NOW - 20 * MINUTE),))
    assert [note.plain for note in heard_late.notes] == ["Resolved after 20 min."], "it began before we heard of it"
    suppressed = after(group(), alerts=(alert(state=AlertState.SILENCED), alert("b", state=AlertState.INHIBITED)))
    assert suppressed.group is not None
    assert suppressed.group.state is GroupState.FIRING


def test_it_flaps_from_so_many_flips_on_and_is_calm_after_a_time() -> None:
    seen = flip(group(flips=(NOW,)), 2)
    assert seen.group is not None
    assert not seen.group.is_flapping
    seen = flip(group(flips=(NOW,)), 3)
    assert seen.group is not None
    assert (seen.group.is_flapping, seen.group.check_at) == (True, NOW + 33 * MINUTE)
    [note] = seen.notes
    assert note.plain.startswith("Flapping: it began or ceased to fire 4 times lately.")
    assert note.plain.endswith("until it was calm for 30 min.")
    calm = after(seen.group, 33, check_at=None)
    assert calm.group is not None
    assert (calm.group.is_flapping, calm.group.check_at, calm.is_shown) == (False, None, True)
    assert [note.plain for note in calm.notes] == ["Calm: it has ceased to fire."]


def test_while_it_flaps_its_card_is_left_alone_for_a_while() -> None:
    flapping = flip(group(flips=(NOW,)), 3).group
    assert flapping is not None
    soon = after(flapping, 4, alerts=(alert(),))
    assert (soon.is_shown, soon.notes, soon.put_off) == (False, (), NOW + 8 * MINUTE)
    assert soon.group is not None
    assert len(soon.group.flips) == 5, "it is counted all the same"
    assert after(soon.group, 9, alerts=(ended(minutes=9),)).is_shown
    graver = replace(flapping, severity=Severity.INFO)
    assert after(graver, 4, alerts=(alert(),)).is_shown


def test_alerts_are_bounded_the_gravest_and_newest_stay() -> None:
    many = [alert(f"s{number:04}", labels={**LABELS, "service": f"{number}", "severity": "info"})
            for number in range(MOST_ALERTS)]  # fmt: skip
    grave = [alert("grave"), alert("newer", labels={**LABELS, "severity": "info", "service": "n"}, starts_at=NOW)]
    over = [ended(f"r{number:04}", number) for number in range(MOST_RESOLVED + 50)]
    seen = after(group(), alerts=(*many, *over, *grave)).group
    assert seen is not None
    assert (len(seen.alerts), seen.truncated) == (MOST_ALERTS, 2)
    assert {one.fingerprint for one in grave} <= {one.fingerprint for one in seen.alerts}
    fewer = after(group(), alerts=(alert(), *over)).group
    assert fewer is not None
    assert (fewer.count(R), fewer.truncated) == (MOST_RESOLVED, 0)
    assert max(one.ends_at for one in over if one.ends_at) in {one.ends_at for one in fewer.alerts}


def test_what_is_told_of_is_named_by_its_own_labels_and_stays_text() -> None:
    hostile = alert("<!channel> *x*")
    more = [alert(f"s{number}") for number in range(MOST_NAMED + 2)]
    [note] = after(group(alert("a")), alerts=(alert("a"), hostile, *more)).notes
    assert any(isinstance(part, Code) and part.text == "<!channel> *x*" for part in note.parts)
    assert note.plain.endswith("and 3 more.")
    assert named(alert("x" * 500), LABELS) == "x" * 79 + "…"
    assert named(alert("a", labels=LABELS), LABELS) == "HighErrorRate"
    assert named(alert("a", labels={}), {}) == alert("a").fingerprint


def test_the_soonest_of_what_there_is() -> None:
    assert soonest(None, NOW + MINUTE, NOW, None) == NOW
    assert soonest(None) is None
