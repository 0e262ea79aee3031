"""What a group's card offers and says."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.card import AlertAction, actions_of, after_change, card_of, place_of
from bot.domain.alerts.group import Acknowledgement, ChangeBefore, GroupState, SilenceSeen, Tie, TiedBy
from bot.domain.alerts.policy import AlertLabels, AlertSource, AlertsPolicy
from tests.alert_examples import alert, group
from tests.examples import APPROVER, CHANGE, DEVELOPER, NOW

A = AlertAction
WITH_API = AlertsPolicy(sources={"default": AlertSource(name="default", url="https://alertmanager.example.com")})
BEFORE = ChangeBefore(id=CHANGE, number=42, by=DEVELOPER, shipped_at=NOW - timedelta(minutes=7), versions="2.15.1")


def test_no_button_that_could_only_be_refused() -> None:
    assert actions_of(group(), can_silence=True) == (A.ACKNOWLEDGE, A.ASSIGN, A.SILENCE)
    assert actions_of(group(change=BEFORE), can_silence=False) == (A.ACKNOWLEDGE, A.ASSIGN, A.CHANGE)
    known = group(acknowledged=Acknowledgement(by=APPROVER, at=NOW))
    assert actions_of(known, can_silence=True)[0] is A.UNACKNOWLEDGE
    assert actions_of(group(state=GroupState.RESOLVED, change=BEFORE), can_silence=True) == ()


def test_silences_are_offered_where_the_source_has_an_api() -> None:
    assert A.SILENCE in card_of(group(), WITH_API).actions
    assert A.SILENCE not in card_of(group(), AlertsPolicy()).actions
    assert A.SILENCE not in card_of(group(), AlertsPolicy(sources={"default": AlertSource(name="default")})).actions


def test_owner_and_links_come_from_labels_before_annotations() -> None:
    one = alert("a", annotations={"owner": "by-annotation", "team": "t", "runbook": "see the wiki", "dashboard": ""})
    two = replace(alert("b"), labels={"service": "b", "team": "apm"})
    card = card_of(group(one, two, one), AlertsPolicy())
    assert card.owner == "by-annotation and apm"
    assert [(link.kind, link.url, link.shown, link.more) for link in card.links] == [
        ("runbook", None, "see the wiki", 1),
        ("graph", "https://prometheus.example.com/graph?g0.expr=errors", "prometheus.example.com", 0),
    ]


def test_the_policy_names_the_labels() -> None:
    policy = AlertsPolicy(labels=AlertLabels(owner=("squad",), runbook=("doc",), dashboard=("board",)))
    said = {"squad": "blue", "doc": "https://docs.example.com/x", "board": "https://grafana.example.com/d/1"}
    card = card_of(group(alert(annotations=said, generator_url="")), policy)
    assert card.owner == "blue"
    assert [(link.kind, link.shown) for link in card.links] == [
        ("runbook", "docs.example.com"), ("dashboard", "grafana.example.com"),
    ]  # fmt: skip


def test_links_are_those_of_what_fires_still() -> None:
    gone = alert("a", state=AlertState.RESOLVED, annotations={"runbook_url": "https://gone.example.com/"})
    card = card_of(group(gone, alert("b")), AlertsPolicy())
    assert [link.shown for link in card.links] == ["runbooks.example.com", "prometheus.example.com"]


def test_a_graph_that_is_no_address_is_not_shown() -> None:
    assert [link.kind for link in card_of(group(alert(generator_url="by hand")), AlertsPolicy()).links] == ["runbook"]


def test_since_is_the_oldest_of_what_is_not_over() -> None:
    old = alert("a", state=AlertState.RESOLVED, starts_at=NOW - timedelta(days=2))
    assert card_of(group(old, alert("b")), AlertsPolicy()).since == NOW - timedelta(minutes=3)
    assert card_of(group(old), AlertsPolicy()).since == group(old).opened_at
    silent = alert("a", state=AlertState.UNREPORTED, starts_at=NOW - timedelta(days=2))
    assert card_of(group(silent, alert("b")), AlertsPolicy()).since == NOW - timedelta(days=2)


def test_silences_that_last_longest_come_first() -> None:
    short, long = (SilenceSeen(id=i, by="x", ends_at=NOW + timedelta(hours=h)) for i, h in (("a", 1), ("b", 2)))
    assert card_of(group(silences=(short, long)), AlertsPolicy()).silences == (long, short)


def test_time_after_a_change_runs_until_the_first_alert_that_began_after_it() -> None:
    assert after_change(group()) == timedelta(0)
    later = alert("b", starts_at=NOW + timedelta(minutes=1))
    before = alert("c", starts_at=NOW - timedelta(days=1))
    assert after_change(group(alert("a"), later, before, change=BEFORE)) == timedelta(minutes=4)
    assert after_change(group(later, change=BEFORE)) == timedelta(minutes=7)
    assert after_change(group(before, opened_at=BEFORE.shipped_at, change=BEFORE)) == timedelta(0)


def test_a_guess_is_said_as_one() -> None:
    assert place_of(None) == ""
    assert place_of(Tie(application="apm", environment=None, by=TiedBy.LABELS)) == "apm"
    assert place_of(Tie(application="apm", environment="production", by=TiedBy.METRIC)) == "apm · production"
    assert place_of(Tie(application="apm", environment="production", by=TiedBy.GUESS)) == "perhaps apm · production"
