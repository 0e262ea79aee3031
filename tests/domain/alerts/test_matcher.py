"""Matchers as Alertmanager reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.matcher import (
    BrokenMatcher,
    Matcher,
    Operator,
    all_match,
    parse_matcher,
    parse_matchers,
    straightened,
)

LABELS = {"alertname": "HighErrorRate", "severity": "critical", "team": "apm"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('severity="critical"', True), ("severity=critical", True), ('severity = "critical"', True),
        ('severity!="critical"', False), ('severity=~"crit.*"', True), ('severity=~"crit"', False),
        ('severity!~"crit"', True), ('team=~"apm|edge"', True), ('absent=""', True), ('absent!=""', False),
        ('absent=~".*"', True), ('absent=~".+"', False), ('"team"="apm"', True),
    ],
)  # fmt: skip
def test_it_matches_whole_values_and_takes_what_is_absent_as_empty(text: str, holds: bool) -> None:
    assert parse_matcher(text).matches(LABELS) is holds


@pytest.mark.parametrize(
    "text",
    [
        '{severity="critical", team=~"apm|edge"}',
        'severity="critical",team=~"apm|edge",',
        "severity=critical\nteam=~apm|edge",
    ],
)
def test_several_all_hold(text: str) -> None:
    matchers = parse_matchers(text)
    assert [str(matcher) for matcher in matchers] == ['severity="critical"', 'team=~"apm|edge"']
    assert all_match(matchers, LABELS)
    assert not all_match(matchers, {**LABELS, "team": "data"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"), ("{}", "empty"), ("severity", "one of `=`"), ('="x"', "name of a label"), ('a="x', "not closed"),
        ('a=~"("', "not a regular expression"), ('a="x" b="y"', "comma is missing"), ('{a="x"', "without its"),
        ('""="x"', "empty"), ("a=b," * 31, "more than 30"), ("a=" + "b" * 2_000, "longer than"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(BrokenMatcher, match=says):
        parse_matchers(text)


@given(st.text(min_size=1, max_size=20), st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]), st.text(max_size=40))
def test_what_is_written_is_read_again(name: str, operator: Operator, value: str) -> None:
    matcher = Matcher(name, operator, value)
    assert parse_matcher(str(matcher)) == matcher
    assert parse_matcher(straightened(str(matcher))) == matcher


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("alertname=“X Y”", 'alertname="X Y"'), ("a=„X”, b=“Y”", 'a="X", b="Y"'), ('a="X”, b="Y"', 'a="X", b="Y"'),
        ('summary="says “no”"', 'summary="says “no”"'), ('a="“", b=“”', 'a="“", b=""'),
    ],
)  # fmt: skip
def test_quotes_that_a_phone_has_bent_are_straight_but_for_those_in_a_value(typed: str, meant: str) -> None:
    assert straightened(typed) == meant
