"""Laws of approval: they hold for any approvals in any order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval import Approval, ApprovalCase, RuleResult, Standing, Verdict
from bot.domain.identity import ChangeId, UserId
from bot.domain.pipeline import ApprovalPolicy
from bot.rules import evaluate

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
VALID_FOR = timedelta(hours=24)
CURRENT, BEFORE = "now", "before"
# one person may have two Slack ids; here a user id belongs to one person
PEOPLE = {"U0A": "a", "U0A2": "a", "U0B": "b", "U0C": "c", "U0C2": "c", "U0DEV": "developer", "U0DEV2": "developer"}
GOOD = Standing(may_approve=True)

APPROVALS = st.builds(
    lambda user, fingerprint, age: Approval(
        change=ChangeId("01JXYZ"), user=UserId(user), person=PEOPLE[user], fingerprint=fingerprint, at=NOW - age
    ),
    st.sampled_from(sorted(PEOPLE)),
    st.sampled_from([CURRENT, CURRENT, BEFORE]),
    st.timedeltas(min_value=timedelta(0), max_value=2 * VALID_FOR),
)
STANDINGS = st.sampled_from(
    [
        GOOD,
        GOOD,
        Standing(may_approve=False, reason="left"),
        Standing(may_approve=False, reason="away", unverified=True),
        Standing(may_approve=True, unverified=True),
    ]
)
CASES = st.builds(
    lambda needed, approvals, standing: ApprovalCase(
        policy=ApprovalPolicy(needed=needed, sources=("role:release",), valid_for=VALID_FOR),
        fingerprint=CURRENT,
        requester=UserId("U0DEV"),
        requester_person="developer",
        approvals=tuple(approvals),
        standing=standing,
        now=NOW,
    ),
    st.integers(min_value=1, max_value=4),
    st.lists(APPROVALS, max_size=7),
    st.dictionaries(st.sampled_from(sorted(PEOPLE)).map(UserId), STANDINGS),
)


def is_good(case: ApprovalCase, approval: Approval) -> bool:
    """Said anew, plainly: of now, for this, by somebody else, who still may."""
    return (
        approval.fingerprint == case.fingerprint
        and approval.person != case.requester_person
        and approval.at + VALID_FOR > case.now
        and case.standing.get(approval.user) == GOOD
    )


def said(result: RuleResult) -> tuple[Verdict, str, tuple[UserId, ...], datetime | None]:
    return result.verdict, result.reason, result.who, result.next_lapse


@given(CASES)
def test_it_passes_exactly_with_enough_distinct_good_people(case: ApprovalCase) -> None:
    people = {approval.person for approval in case.approvals if is_good(case, approval)}
    assert evaluate(case).passed is (len(people) >= case.policy.needed)


@given(CASES)
def test_who_counts_is_distinct_good_and_never_the_requester(case: ApprovalCase) -> None:
    result = evaluate(case)
    counted = [item.approval for item in result.counted if item.counts]
    assert all(is_good(case, approval) for approval in counted)
    assert len({approval.person for approval in counted}) == len(counted)
    assert not result.passed or len(counted) >= case.policy.needed


@given(CASES)
def test_every_approval_is_explained_once(case: ApprovalCase) -> None:
    result = evaluate(case)
    by_age = sorted(case.approvals, key=lambda approval: approval.at)
    assert sorted(item.approval.at for item in result.counted) == [approval.at for approval in by_age]
    assert all(item.counts is (item.reason == "") for item in result.counted)


@given(st.data(), CASES)
def test_the_order_does_not_matter(data: st.DataObject, case: ApprovalCase) -> None:
    shuffled = replace(case, approvals=tuple(data.draw(st.permutations(case.approvals))))
    assert said(evaluate(case)) == said(evaluate(shuffled))


@given(CASES, APPROVALS)
def test_an_approval_that_is_no_good_changes_neither_verdict_nor_who_counts(case: ApprovalCase, more: Approval) -> None:
    before, after = evaluate(case), evaluate(replace(case, approvals=(*case.approvals, more)))
    if not is_good(case, more):
        assert (after.verdict, after.who, after.next_lapse) == (before.verdict, before.who, before.next_lapse)
    assert after.passed or not before.passed, "a yes more never takes a quorum away"


@given(CASES)
def test_nothing_of_now_counts_for_other_content(case: ApprovalCase) -> None:
    assert evaluate(replace(case, fingerprint="something else")).who == ()


@given(CASES)
def test_who_counts_changes_by_time_alone_first_at_the_next_lapse(case: ApprovalCase) -> None:
    result = evaluate(case)
    if result.next_lapse is None:
        assert result.who == ()
        return
    just_before = evaluate(replace(case, now=result.next_lapse - timedelta(microseconds=1)))
    at_the_lapse = evaluate(replace(case, now=result.next_lapse))
    assert just_before.who == result.who
    assert len(at_the_lapse.who) < len(result.who)
