"""What follows an attempt to merge, and the approval of a merge that nobody approved before."""

from datetime import datetime, timedelta

import pytest

from bot.domain.approval import RuleResult
from bot.domain.change import Change, RefusedMerge
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.merging import AGAIN, LONGEST, MergeSeen, asked_again_at, decide_merge_review, decide_merging
from bot.domain.identity import Revision
from bot.domain.lifecycle import Event, State, allows
from bot.domain.pull_request import HeadMoved, MergeAttempt, Merged, MergeRefused, NotReady
from tests import examples
from tests.examples import APPROVER, APPROVER_2, MERGED, NOW

POLL = timedelta(seconds=15)
MERGING, STAGE = examples.change(State.MERGING), examples.stage()
DIFFERS = ("`deployments/k8s/base`", "the Application's sync settings")


def test_merged_as_approved() -> None:
    decided = decide_merging(MERGING, MergeSeen(attempt=Merged(revision=MERGED), merge=examples.merge()), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert (decided.event, decided.facts) == (Event.MERGED, {"merge": examples.merge()})
    assert decided.note is not None
    assert decided.note.plain == f"Merged as approved: {MERGED[:7]}."


def test_merged_with_other_content_is_not_synced_and_says_what_differs() -> None:
    merge = examples.merge(key=examples.OTHER_KEY, differences=DIFFERS)
    decided = decide_merging(MERGING, MergeSeen(attempt=Merged(revision=MERGED), merge=merge), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert decided.event is Event.MERGED_DIFFERENTLY
    assert decided.facts == {"merge": merge, "approved_by": (), "approvals": None, "void_because": ""}
    assert "`deployments/k8s/base` and the Application's sync settings" in decided.reason
    assert decided.note is not None
    assert decided.note.plain == (
        "What was merged differs from what was approved: `deployments/k8s/base` and the Application's sync settings. "
        "Tiphys does not sync it before it is approved."
    )


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"auto_sync": True}, "Auto-sync is on: Argo CD ships it without waiting for an approval."),
        ({"auto_sync": True, "shipped": True}, "It is synced already, not by Tiphys."),
    ],
)
def test_merged_with_other_content_that_ships_all_the_same_says_so(facts: dict[str, bool], says: str) -> None:
    merge = examples.merge(key=examples.OTHER_KEY, differences=DIFFERS, **facts)
    decided = decide_merging(MERGING, MergeSeen(attempt=Merged(revision=MERGED), merge=merge), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert decided.note is not None
    assert decided.note.plain.endswith(f". {says}")


@pytest.mark.parametrize(
    ("attempt", "reason", "look_again"),
    [
        (HeadMoved(), "the promotion branch moved just before the merge", timedelta(0)),
        (NotReady(reason="checks are pending"), "checks are pending", AGAIN),
        (MergeRefused(reason="a rule is unmet"), "a rule is unmet", AGAIN),
        (MergeRefused(reason="conflicts", rebuild=True), "conflicts", AGAIN),
    ],
)
def test_anything_else_looks_again_from_before_the_merge(
    attempt: MergeAttempt, reason: str, look_again: timedelta
) -> None:
    decided = decide_merging(MERGING, MergeSeen(attempt=attempt), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert (decided.event, decided.reason, decided.look_again) == (Event.MERGE_REFUSED, reason, look_again)
    assert allows(State.MERGING, decided.event)


RULE = MergeRefused(reason="Repository rule violations found: the message must name a ticket")
"""What no gate can see: a rule over the merge's own message."""


def refuse(before: RefusedMerge | None, after: timedelta) -> Advance:
    change = examples.change(State.MERGING, refused=before, state_since=NOW + after)
    decided = decide_merging(change, MergeSeen(attempt=RULE), STAGE, NOW + after)
    assert isinstance(decided, Advance)
    assert allows(State.MERGING, decided.event)
    return decided


def test_what_is_refused_again_and_again_fails_in_the_end_with_the_forges_own_reason() -> None:
    """Each refusal moves the state, and with it `state_since`: what counts is the first one."""
    refused, after, asked = None, timedelta(0), 0
    while (decided := refuse(refused, after)).event is Event.MERGE_REFUSED:
        refused, asked = decided.facts["refused"], asked + 1
        assert isinstance(refused, RefusedMerge)
        assert AGAIN <= asked_again_at(refused) - refused.at <= LONGEST
        after = asked_again_at(refused) - NOW
    assert decided.event is Event.FAILED
    assert decided.facts["cause"] == RULE.reason
    assert decided.reason == f"{RULE.reason} (refused {asked + 1} times), for longer than 2 h"
    assert STAGE.timeouts.checks <= after <= STAGE.timeouts.checks + LONGEST
    assert asked < 40


def test_the_refusals_of_another_head_do_not_count() -> None:
    earlier = RefusedMerge(head=Revision("9" * 40), reason="x", since=NOW - timedelta(days=1), at=NOW, times=7)
    assert refuse(earlier, timedelta(0)).facts["refused"] == RefusedMerge(
        head=examples.HEAD, reason=RULE.reason, since=NOW, at=NOW
    )


def test_a_no_that_stays_one_ends_it() -> None:
    refused = MergeRefused(reason="the rules of main refuse the push", is_final=True)
    decided = decide_merging(MERGING, MergeSeen(attempt=refused), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert (decided.event, decided.facts) == (Event.FAILED, {"cause": "the rules of main refuse the push"})
    assert allows(State.MERGING, decided.event)


def test_a_merge_that_nobody_looked_at_is_a_bug() -> None:
    with pytest.raises(ValueError, match="is merged, but not what"):
        decide_merging(MERGING, MergeSeen(attempt=Merged(revision=MERGED)), STAGE, NOW)


REVIEWED = [
    examples.merged_change(State.WAITING_FOR_APPROVAL),
    examples.merged_change(State.MERGED_DIFFERS, reason="what was merged differs: …"),
]
REASONS = ["1 of 2 approvals", "what was merged differs: …"]


def review(change: Change, approvals: RuleResult | None, now: datetime = NOW) -> Decision:
    """What is decided when the merge stands as it was stored."""
    assert change.merge is not None
    return decide_merge_review(change, change.merge, approvals, examples.stage(), now, POLL)


@pytest.mark.parametrize("change", REVIEWED, ids=lambda change: change.state.value)
def test_a_quorum_for_what_was_merged_lets_it_sync(change: Change) -> None:
    decided = review(change, examples.quorum())
    assert isinstance(decided, Advance)
    assert decided.event is Event.MERGE_APPROVED
    assert decided.facts["approved_by"] == (APPROVER, APPROVER_2)
    assert allows(change.state, decided.event)


@pytest.mark.parametrize("change", REVIEWED, ids=lambda change: change.state.value)
def test_where_none_are_needed_it_goes_on(change: Change) -> None:
    decided = review(change, None)
    assert isinstance(decided, Advance)
    assert (decided.event, decided.facts["approved_by"]) == (Event.MERGE_APPROVED, ())


@pytest.mark.parametrize(("change", "reason"), list(zip(REVIEWED, REASONS, strict=True)))
def test_without_a_quorum_it_waits_and_then_expires(change: Change, reason: str) -> None:
    missing = examples.result(APPROVER)
    waiting = review(change, missing, NOW + timedelta(hours=8) - timedelta(seconds=1))
    assert waiting == Wait(reason=reason, look_again=POLL, facts={"approvals": missing, "merge": examples.merge()})
    over = review(change, missing, NOW + timedelta(hours=8))
    assert isinstance(over, Advance)
    assert over.event is Event.EXPIRED
    assert allows(change.state, over.event)


def test_an_answer_that_fails_to_come_does_not_stay_as_the_reason() -> None:
    trouble = {"reason": "waiting for Argo CD: no answer", "trouble_since": NOW}
    change = examples.merged_change(State.MERGED_DIFFERS, merge=examples.merge(differences=DIFFERS), **trouble)
    decided = review(change, examples.result())
    assert isinstance(decided, Wait)
    assert decided.reason == "what was merged differs: `deployments/k8s/base` and the Application's sync settings"


def test_the_application_that_changes_while_it_waits_is_told_as_it_is_now() -> None:
    change = examples.merged_change(State.MERGED_DIFFERS, reason="what was merged differs: …")
    now = examples.merge(key=examples.OTHER_KEY, differences=DIFFERS)
    decided = decide_merge_review(change, now, examples.result(), examples.stage(), NOW, POLL)
    assert isinstance(decided, Wait)
    assert decided.reason == "what was merged differs: `deployments/k8s/base` and the Application's sync settings"
    assert decided.facts["merge"] == now


def test_the_base_that_it_was_merged_onto_is_named_when_it_moved() -> None:
    elsewhere = examples.merge(base=Revision("8" * 40))
    decided = decide_merging(MERGING, MergeSeen(attempt=Merged(revision=MERGED), merge=elsewhere), STAGE, NOW)
    assert isinstance(decided, Advance)
    assert decided.reason == "merged as approved on 8888888, approved on 1111111: same content"
    same = decide_merging(
        MERGING, MergeSeen(attempt=Merged(revision=MERGED), merge=examples.merge(base=examples.BASE)), STAGE, NOW
    )
    assert isinstance(same, Advance)
    assert same.reason == "merged as approved"
