"""Grades of alerts."""

from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity, gravest


def test_from_the_gravest_to_the_least() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3]
    assert gravest((Severity.INFO, Severity.CRITICAL, Severity.NONE)) is Severity.CRITICAL
    assert gravest(()) is Severity.NONE
    assert Severity.CRITICAL.is_at_least(Severity.WARNING)
    assert not Severity.INFO.is_at_least(Severity.WARNING)


def test_words_of_rules_are_graded() -> None:
    policy = AlertsPolicy()
    assert policy.severity_of({"severity": "Page"}) is Severity.CRITICAL
    assert policy.severity_of({"severity": "ticket"}) is Severity.WARNING
    assert policy.severity_of({"severity": "purple"}) is Severity.NONE
    assert policy.severity_of({}) is Severity.NONE
