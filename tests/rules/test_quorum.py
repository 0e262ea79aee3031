"""Who counts towards the quorum, who does not, and what people are told."""

from datetime import timedelta

import pytest

from bot.domain.approval import Standing, Verdict
from bot.rules.quorum import evaluate
from tests.rules.conftest import NOW, ApprovalOf, CaseOf

HOUR = timedelta(hours=1)


def test_it_passes_with_enough_people(case: CaseOf, approval: ApprovalOf) -> None:
    result = evaluate(case(approval("U0APPR2"), approval("U0APPR1", age=2 * HOUR)))
    assert (result.rule, result.verdict, result.reason) == ("quorum", Verdict.PASSED, "2 of 2 approvals")
    assert result.who == ("U0APPR1", "U0APPR2"), "in the order of approving"
    assert result.next_lapse == NOW + 22 * HOUR


def test_it_waits_and_says_for_how_many(case: CaseOf, approval: ApprovalOf) -> None:
    nobody = evaluate(case())
    assert (nobody.verdict, nobody.reason) == (Verdict.WAITING, "needs 2 more approvals, 0 of 2")
    assert nobody.next_lapse is None
    assert evaluate(case(approval("U0APPR1"))).reason == "needs 1 more approval, 1 of 2"


def test_none_needed_is_passed(case: CaseOf) -> None:
    result = evaluate(case(needed=0))
    assert (result.verdict, result.reason) == (Verdict.PASSED, "no approvals needed")


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({"user": "U0APPR1B", "person": "approver-1"}, "is counted already"),
        ({"user": "U0APPR1", "person": "renamed"}, "is counted already"),
        ({"user": "U0DEV1", "person": "U0DEV1"}, "asked for the change"),
        ({"user": "U0DEVB", "person": "developer"}, "asked for the change"),
        ({"user": "U0APPR2", "fingerprint": "before"}, "was given to other content"),
        ({"user": "U0APPR2", "age": 24 * HOUR}, "is too old"),
    ],
)
def test_what_does_not_count_says_why(case: CaseOf, approval: ApprovalOf, second: dict[str, object], why: str) -> None:
    first = approval("U0APPR1", person="approver-1", age=timedelta(minutes=1))
    other = approval(**second)
    result = evaluate(case(first, other))
    assert not result.passed
    assert {item.approval.user: item.reason for item in result.counted if not item.counts} == {other.user: why}
    assert why in result.reason
    assert evaluate(case(first, approval("U0APPR2", age=24 * HOUR - timedelta(seconds=1)))).passed


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(may_approve=False, reason="left the workspace"), "left the workspace"),
        (Standing(may_approve=False), "may not approve"),
        (Standing(may_approve=False, unverified=True, reason="Slack does not answer"), "Slack does not answer"),
        (Standing(may_approve=True, unverified=True), "cannot be verified now"),
        (None, "could not be looked up"),
    ],
)
def test_an_approver_is_looked_up_again_and_never_counted_in_doubt(
    case: CaseOf, approval: ApprovalOf, standing: Standing | None, why: str
) -> None:
    result = evaluate(case(approval("U0APPR1"), approval("U0APPR2", person="approver-2"), U0APPR2=standing))
    assert result.verdict is Verdict.WAITING
    assert result.reason == f"needs 1 more approval, 1 of 2 (not counted: approver-2: {why})"


def test_a_person_who_left_under_one_id_counts_under_the_other(case: CaseOf, approval: ApprovalOf) -> None:
    old, new = approval("U0OLD", person="approver-1"), approval("U0NEW", person="approver-1", age=2 * HOUR)
    result = evaluate(case(old, new, needed=1, U0OLD=Standing(may_approve=False, reason="is deactivated")))
    assert result.who == ("U0NEW",)


def test_of_two_by_one_person_the_newer_one_counts(case: CaseOf, approval: ApprovalOf) -> None:
    result = evaluate(case(approval("U0APPR1", age=20 * HOUR), approval("U0APPR1", age=HOUR), needed=1))
    assert [item.counts for item in result.counted] == [False, True]
    assert result.next_lapse == NOW + 23 * HOUR
