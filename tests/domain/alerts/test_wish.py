"""What somebody wants silenced: read field by field, never everything, and prefilled for exactly the group."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.matcher import Matcher, Operator, all_match, parse_matchers
from bot.domain.alerts.policy import AlertsPolicy, ApplicationRule
from bot.domain.alerts.wish import (
    Extension,
    SilenceWish,
    extended_comment,
    fixed,
    is_boundless,
    mark_of,
    read_extension,
    read_length,
    read_wish,
    suited,
    without_mark,
)
from tests.alert_examples import alert, group
from tests.examples import NOW

POLICY = AlertsPolicy()
GOOD = {"duration": "1h", "matchers": 'alertname="X"', "comment": "known"}


def faults(**fields: str) -> dict[str, str]:
    found = read_wish(GOOD | fields, POLICY)
    assert isinstance(found, dict)
    return found


def test_a_wish() -> None:
    wish = read_wish(GOOD | {"comment": " it is \n known "}, POLICY)
    assert wish == SilenceWish(
        matchers=(Matcher("alertname", Operator.EQUAL, "X"),), length=timedelta(hours=1), comment="it is known"
    )
    assert isinstance(wish, SilenceWish)
    draft = wish.draft(mark_of("ID"), by="developer (U0DEV1)", now=NOW)
    assert (draft.comment, draft.ends_at) == ("it is known (tiphys:ID)", NOW + timedelta(hours=1))
    assert draft.starts_at < NOW
    assert without_mark(draft.comment) == "it is known"


def test_another_length_wins_over_what_was_chosen() -> None:
    wish = read_wish(GOOD | {"other": " 1D 12H "}, POLICY)
    assert isinstance(wish, SilenceWish)
    assert wish.length == timedelta(hours=36)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"duration": ""}, "duration"), ({"other": "soon"}, "other"), ({"other": "31d"}, "other"),
        ({"other": "30s"}, "other"), ({"matchers": ""}, "matchers"), ({"matchers": "alertname"}, "matchers"),
        ({"matchers": 'x=~"["'}, "matchers"), ({"matchers": 'x=~".*"'}, "matchers"),
        ({"matchers": 'x=~".+"'}, "matchers"),
        ({"matchers": 'x!="y"'}, "matchers"), ({"matchers": 'x!=""'}, "matchers"), ({"matchers": 'x=""'}, "matchers"),
        ({"matchers": 'x!="y", z=~".+"'}, "matchers"), ({"comment": " \n"}, "comment"),
        ({"comment": "x" * 501}, "comment"),
    ],
)  # fmt: skip
def test_each_fault_is_at_its_field(fields: dict[str, str], field: str) -> None:
    found = faults(**fields)
    assert list(found) == [field]
    assert found[field].endswith(".")
    assert len(found[field]) < 300


def test_all_faults_are_told_at_once() -> None:
    assert faults(duration="x", matchers="", comment="").keys() == {"duration", "matchers", "comment"}


def test_a_length_that_is_offered_is_never_too_long() -> None:
    assert read_length("90d", AlertsPolicy(silences=(timedelta(days=90),))) == timedelta(days=90)


def test_quotes_that_a_phone_has_bent_are_quotes() -> None:
    wish = read_wish(GOOD | {"matchers": "alertname=“X”"}, POLICY)
    assert isinstance(wish, SilenceWish)
    assert str(wish.matchers[0]) == 'alertname="X"'


@pytest.mark.parametrize("value", ["(|)" * 60 + "x", "(.|.)*" * 100 + "x", "(|){60}x", "((a|a)*)*b"])
def test_no_expression_is_run_that_might_never_end(value: str) -> None:
    assert not is_boundless((Matcher("x", Operator.MATCHES, value),)) or len(value) < 20


def test_what_every_match_has_for_certain() -> None:
    assert fixed(parse_matchers('a="1", b=~"2", c!="3", d=""')) == {"a": "1"}


def test_it_is_prefilled_for_this_group() -> None:
    labels = {"alertname": "X", "tiphys_application": "apm-stack", "cluster": "eu", "pod": "p-1", "zone": "z"}
    policy = AlertsPolicy(
        applications=(ApplicationRule(matchers=parse_matchers('zone=~"z.*"'), application="apm-stack"),)
    )
    found = suited(group(alert(labels=labels), group_labels={"alertname": "X"}), policy)
    assert [str(matcher) for matcher in found] == [
        'alertname="X"', 'cluster="eu"', 'tiphys_application="apm-stack"', 'zone="z"',
    ]  # fmt: skip


LABELS = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(min_size=1, max_size=20), min_size=1)


@given(LABELS)
def test_what_is_prefilled_matches_the_group_and_is_read_back(labels: dict[str, str]) -> None:
    found = suited(group(alert(labels=labels), group_labels=dict(list(labels.items())[:1])), POLICY)
    assert all_match(found, labels)
    assert all(matcher.operator is Operator.EQUAL for matcher in found)
    text = "\n".join(map(str, found))
    assert parse_matchers(text) == found


def test_an_extension_needs_no_words() -> None:
    assert read_extension({"duration": "4h"}, POLICY) == Extension(length=timedelta(hours=4))
    assert read_extension({"duration": "4h", "other": "2d", "comment": " still \n known"}, POLICY) == Extension(
        length=timedelta(days=2), comment="still known"
    )
    for fields, field in (({"duration": ""}, "duration"), ({"other": "soon"}, "other"), ({"other": "99d"}, "other")):
        found = read_extension(fields, POLICY)
        assert isinstance(found, dict)
        assert list(found) == [field]
    found = read_extension({"duration": "4h", "comment": "x" * 501}, POLICY)
    assert isinstance(found, dict)
    assert list(found) == ["comment"]


def test_a_comment_keeps_who_made_it_and_who_extended_it_last() -> None:
    once = extended_comment("known (tiphys:MADE)", "extended by a: still", "ONE")
    assert once == "known; extended by a: still (tiphys:MADE ONE)"
    assert extended_comment(once, "", "TWO") == "known; extended by a: still (tiphys:MADE TWO)"
    assert without_mark(once) == "known; extended by a: still"
    assert extended_comment("somebody else's", "", "ONE") == "somebody else's (tiphys:ONE)"
    assert extended_comment("", "", "ONE") == "(tiphys:ONE)"
    assert without_mark("(tiphys:ONE)") == ""


@given(st.text(max_size=1_500), st.lists(st.text(alphabet="xyz ()", max_size=600), max_size=6))
def test_however_often_it_is_extended_a_comment_stays_bounded_and_findable(comment: str, said: list[str]) -> None:
    for number, words in enumerate(said):
        comment = extended_comment(comment, words, f"ACT{number}")
        assert comment.endswith(f"ACT{number})")
        assert len(comment) <= 1_000 + 100
        assert f"ACT{number}" not in without_mark(comment)
