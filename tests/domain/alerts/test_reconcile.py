"""What the API's list makes of the groups."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.alerts.alert import Alert, AlertState, ReportedAlert
from bot.domain.alerts.group import AlertGroupId, GroupState
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.reconcile import LOST_AFTER, assign, found, reconcile, rest
from bot.domain.alerts.silence import Silence, SilenceState
from tests.alert_examples import LABELS, alert, group
from tests.examples import NOW

MINUTE = timedelta(minutes=1)
POLICY = AlertsPolicy(sources={"default": AlertSource(name="default", url="http://127.0.0.1:9")})
OTHER = AlertGroupId("2")
LATER = NOW + 2 * MINUTE
S, U = AlertState.SILENCED, AlertState.UNREPORTED


def silence(name: str, minutes: int) -> Silence:
    return Silence(
        id=name, state=SilenceState.ACTIVE, matchers=(), starts_at=NOW, ends_at=NOW + minutes * MINUTE,
        created_by="somebody", comment="known",
    )  # fmt: skip


def reported(one: Alert, *receivers: str) -> ReportedAlert:
    return ReportedAlert(alert=one, receivers=receivers or ("tiphys",))


def labelled(service: str, **labels: str) -> Alert:
    return alert(service, labels={**LABELS, "service": service, **labels}, starts_at=NOW - LOST_AFTER)


def test_present_is_as_it_is_told_and_absent_is_over() -> None:
    silenced = alert("b", state=S, silenced_by=("s-1",))
    before = group(alert("a"), alert("b"), alert("c", state=U))
    seen = reconcile(
        before, (alert("a"), silenced), (silence("s-1", 60), silence("s-2", 1)), POLICY, LATER, new_id=OTHER
    )
    assert seen.group is not None
    assert [one.state for one in seen.group.alerts] == [AlertState.FIRING, S, AlertState.RESOLVED]
    assert [one.id for one in seen.group.silences] == ["s-1"]
    assert seen.group.check_at == NOW + 60 * MINUTE + timedelta(seconds=3)
    assert [note.plain for note in seen.notes] == ["Silenced: b.", "Over: c."]


def test_what_was_truncated_is_whole_again() -> None:
    seen = reconcile(group(truncated=50), (alert(), alert("b")), (), POLICY, LATER, new_id=OTHER).group
    assert seen is not None
    assert (seen.truncated, len(seen.firing)) == (0, 2)
    gone = reconcile(group(truncated=50), (), (), POLICY, LATER, new_id=OTHER).group
    assert gone is not None
    assert gone.is_over
    unsettled = reconcile(group(alert(state=U), truncated=50), (), (), POLICY, LATER, settled=False, new_id=OTHER).group
    assert unsettled is not None
    assert (unsettled.is_over, unsettled.truncated) == (False, 50)


def test_one_that_is_over_stays_so_or_goes_on_or_begins_anew() -> None:
    ended = alert(state=AlertState.RESOLVED, ends_at=NOW)
    over = group(ended, state=GroupState.RESOLVED, resolved_at=NOW, flips=(NOW,), check_at=NOW, assigned_to="U0DEV1")
    calm = reconcile(over, (), (), POLICY, LATER, new_id=OTHER).group
    assert calm is not None
    assert (calm.is_over, calm.check_at) == (True, None)
    again = reconcile(over, (alert(),), (), POLICY, LATER, new_id=OTHER).group
    assert again is not None
    assert (again.id, again.state, again.resolved_at) == (over.id, GroupState.FIRING, None)
    anew = reconcile(over, (alert(),), (), POLICY, NOW + 60 * MINUTE, new_id=OTHER)
    assert anew.group is not None
    assert (anew.group.id, anew.group.version, anew.group.assigned_to, anew.is_shown) == (OTHER, 0, None, True)
    assert anew.group.group_key == over.group_key


def test_where_nobody_can_be_asked_only_time_counts() -> None:
    before = group(check_at=NOW, flips=(NOW,), is_flapping=True)
    seen = rest(before, AlertsPolicy(), NOW + 31 * MINUTE)
    assert seen.group is not None
    assert (seen.group.is_flapping, seen.group.check_at) == (False, None)
    assert rest(group(flips=(NOW,)), AlertsPolicy(), LATER).group == group(flips=(NOW,))


def assigned(*alerts: ReportedAlert, groups: Any = None, receivers: tuple[str, ...] = ()) -> Any:
    return assign([group()] if groups is None else groups, alerts, receivers, NOW)


def test_an_alert_goes_to_the_group_that_knows_it_or_has_exactly_its_labels() -> None:
    known, alike = alert(), labelled("new")
    wider = labelled("other", namespace="elsewhere")
    to = assigned(reported(known), reported(alike), reported(wider), reported(labelled("not-ours"), "pager"))
    assert to.by_group == {group().id: (known, alike)}
    [lost] = to.unclaimed
    assert (lost.receiver, lost.group_labels) == ("tiphys", {"alertname": "HighErrorRate", "namespace": "elsewhere"})


def test_only_what_has_fired_for_a_while_was_lost() -> None:
    young = replace(labelled("a"), starts_at=NOW - MINUTE)
    hidden = replace(labelled("b"), state=S)
    assert assigned(reported(young), reported(hidden), groups=[], receivers=("tiphys",)).unclaimed == ()
    [lost] = assigned(reported(labelled("a")), groups=[], receivers=("tiphys",)).unclaimed
    assert lost.group_labels == {"alertname": "HighErrorRate"}
    seen = found(lost, "default", (), POLICY, NOW, new_id=OTHER)
    assert seen.group is not None
    assert (seen.group.group_key, seen.group.receiver, seen.is_shown) == ("", "tiphys", True)


def test_siblings_that_know_the_same_alert_both_get_it() -> None:
    sibling = group(id=OTHER, group_key="another route")
    to = assigned(reported(alert()), groups=[group(), sibling])
    assert [len(alerts) for alerts in to.by_group.values()] == [1, 1]


def test_what_was_told_this_moment_is_not_over_though_the_card_has_not_changed_since_long() -> None:
    """A flapping group's card changes rarely; another Alertmanager may not have heard of the alert yet."""
    told = group(alert(), heard_at=LATER - timedelta(seconds=2))
    seen = reconcile(told, (), (), POLICY, LATER, new_id=OTHER).group
    assert seen is not None
    assert (seen.is_over, seen.check_at) == (False, LATER + timedelta(seconds=13))
    assert told.changed_at < LATER - timedelta(minutes=1)
