"""What happens next to a change that is not merged yet: every branch, by values."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.approval import Verdict
from bot.domain.change import Change, RefusedMerge
from bot.domain.decisions.decision import Advance, Wait
from bot.domain.decisions.merging import asked_again_at
from bot.domain.decisions.review import MOST_REBUILDS, SOON, Foreign, ReviewSeen, decide_review
from bot.domain.gate import Gate
from bot.domain.identity import Revision
from bot.domain.lifecycle import Event, State, allows
from bot.domain.pipeline import Stage
from bot.domain.pull_request import Mergeability
from tests import examples
from tests.examples import APPROVER, APPROVER_2, HOUR, KEY, MINUTE, NOW, OTHER_KEY

POLL = timedelta(seconds=15)
FOREIGN = Foreign(
    who="developer-2", what="pushed 1 commit to the promotion branch", head=Revision("9" * 40), paths=("slipped.yaml",)
)
WAITING = Gate.waiting("operation", "another operation is running")
CLOSED = Gate.closed("window", "a sync window is closed", opens_at=NOW + timedelta(seconds=5))
APPROVED = State.WAITING_FOR_CHECKS


MOVED = Revision("8" * 40)


def seen(**facts: Any) -> ReviewSeen:
    """Nothing has moved, one approval is missing, every gate is open."""
    known: dict[str, Any] = {
        "pull_request": examples.pull_request(), "base": examples.BASE, "key": KEY,
        "approvals": examples.result(APPROVER), "gates": examples.OPEN_GATES,
    }  # fmt: skip
    return ReviewSeen(**known | facts)


def advance(change: Change, looked: ReviewSeen, stage: Stage | None = None, now: datetime = NOW) -> Advance:
    decided = decide_review(change, looked, stage or examples.stage(), now, POLL)
    assert isinstance(decided, Advance), decided
    assert allows(change.state, decided.event)
    return decided


def wait(change: Change, looked: ReviewSeen, stage: Stage | None = None, now: datetime = NOW) -> Wait:
    decided = decide_review(change, looked, stage or examples.stage(), now, POLL)
    assert isinstance(decided, Wait), decided
    return decided


def test_it_waits_for_approvals_and_says_how_many_are_missing() -> None:
    decided = wait(examples.change(), seen())
    assert (decided.reason, decided.look_again) == ("1 of 2 approvals", POLL)
    assert decided.facts == {"gates": examples.OPEN_GATES, "approvals": examples.result(APPROVER)}


def test_a_quorum_lets_it_go_on_and_remembers_who() -> None:
    decided = advance(examples.change(), seen(approvals=examples.quorum()))
    assert decided.event is Event.QUORUM_REACHED
    assert decided.facts["approved_by"] == (APPROVER, APPROVER_2)


def test_where_none_are_needed_it_goes_on_at_once() -> None:
    decided = advance(examples.change(), seen(approvals=None), examples.stage(approvals=None))
    assert (decided.event, decided.reason) == (Event.QUORUM_REACHED, "no approvals needed")
    assert decided.facts["approved_by"] == ()


def test_a_quorum_that_lapsed_takes_it_back() -> None:
    decided = advance(examples.change(APPROVED), seen())
    assert decided.event is Event.QUORUM_LOST
    assert decided.facts["approved_by"] == ()
    assert decided.note is not None
    assert decided.note.plain == "An approval no longer counts: 1 of 2 approvals."


@pytest.mark.parametrize("state", [State.HELD, State.WAITING_FOR_APPROVAL])
def test_whose_approvals_lapse_in_a_hold_have_approved_nothing(state: State) -> None:
    """Held with a quorum; then one approval lapses, or its giver loses his right, and the hold is lifted."""
    change = examples.change(state, approved_by=(APPROVER, APPROVER_2))
    assert wait(change, seen()).facts["approved_by"] == ()
    late = NOW + timedelta(hours=8)
    assert advance(change, seen(), now=late).facts["approved_by"] == ()


def test_a_quorum_that_holds_stays_known_in_a_hold() -> None:
    change = examples.change(State.HELD, approved_by=(APPROVER, APPROVER_2))
    assert "approved_by" not in wait(change, seen(approvals=examples.quorum())).facts


def test_approved_and_every_gate_open_merges() -> None:
    assert advance(examples.change(APPROVED), seen(approvals=examples.quorum())).event is Event.GATES_OPEN


@pytest.mark.parametrize(
    ("gates", "reason", "look_again"),
    [
        ((WAITING,), "another operation is running", POLL),
        ((WAITING, CLOSED), "a sync window is closed", timedelta(seconds=5)),
    ],
)
def test_a_shut_gate_keeps_it_from_merging(gates: tuple[Gate, ...], reason: str, look_again: timedelta) -> None:
    decided = wait(examples.change(APPROVED), seen(approvals=examples.quorum(), gates=gates))
    assert (decided.reason, decided.look_again) == (reason, look_again)


def test_a_gate_that_should_have_opened_is_looked_at_by_the_poll() -> None:
    past = Gate.closed("window", "closed", opens_at=NOW - MINUTE)
    assert wait(examples.change(APPROVED), seen(approvals=examples.quorum(), gates=(past,))).look_again == POLL


def test_mergeability_that_is_being_computed_is_looked_at_soon() -> None:
    looked = seen(pull_request=examples.pull_request(Mergeability.UNKNOWN))
    assert wait(examples.change(), looked).look_again == SOON


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"approvals": examples.result(APPROVER, next_lapse=NOW + timedelta(seconds=3))}, timedelta(seconds=3)),
        ({"approvals": examples.result(APPROVER, next_lapse=NOW)}, POLL),
    ],
)
def test_it_looks_again_when_an_approval_lapses(facts: dict[str, Any], expected: timedelta) -> None:
    assert wait(examples.change(), seen(**facts)).look_again == expected


def test_it_looks_again_when_the_request_expires() -> None:
    almost = NOW + timedelta(hours=8) - timedelta(seconds=2)
    assert wait(examples.change(), seen(), now=almost).look_again == timedelta(seconds=2)


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, State.HELD, State.APPROVALS_VOID])
def test_it_expires_where_people_are_waited_for(state: State) -> None:
    decided = advance(examples.change(state), seen(), now=NOW + timedelta(hours=8))
    assert (decided.event, decided.reason) == (Event.EXPIRED, "nobody decided in time")


def test_once_approved_it_does_not_expire() -> None:
    looked = seen(approvals=examples.quorum(), gates=(WAITING,))
    wait(examples.change(APPROVED), looked, now=NOW + timedelta(hours=1))


def test_without_an_approval_policy_nothing_expires() -> None:
    wait(examples.change(State.HELD), seen(approvals=None), examples.stage(approvals=None), now=NOW + timedelta(days=9))


def test_expiry_counts_from_when_it_was_ready() -> None:
    wait(examples.change(ready_at=None), seen(), now=NOW + timedelta(days=9))


@pytest.mark.parametrize("slug", ["checks", "mergeable"])
def test_checks_that_stay_shut_for_too_long_fail_it(slug: str) -> None:
    looked = seen(approvals=examples.quorum(), gates=(Gate.waiting(slug, "pending: build"),))
    wait(examples.change(APPROVED), looked, now=NOW + 2 * HOUR - MINUTE)
    decided = advance(examples.change(APPROVED), looked, now=NOW + 2 * HOUR)
    assert (decided.event, decided.facts["cause"]) == (Event.FAILED, "pending: build")
    assert decided.reason == "pending: build, for longer than 2 h"


def test_other_gates_may_stay_shut_for_as_long_as_they_like() -> None:
    wait(examples.change(APPROVED), seen(approvals=examples.quorum(), gates=(CLOSED,)), now=NOW + timedelta(days=2))


def test_a_hold_stops_even_what_has_its_quorum() -> None:
    held = examples.change(State.HELD, reason="held by developer")
    assert wait(held, seen(approvals=examples.quorum())).reason == "held by developer"


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED, State.HELD])
def test_a_foreign_commit_voids_the_approvals_and_names_who_and_what(state: State) -> None:
    decided = advance(examples.change(state), seen(approvals=examples.quorum(), foreign=FOREIGN))
    assert decided.event is Event.VOIDED
    assert decided.reason == "approvals no longer count: developer-2 pushed 1 commit to the promotion branch"
    assert decided.facts["approved_by"] == ()
    assert decided.facts["foreign_head"] == FOREIGN.head
    assert decided.note is not None
    assert decided.note.plain == (
        "Approvals no longer count: developer-2 pushed 1 commit to the promotion branch; it touches slipped.yaml. "
        "Rebuild or abort."
    )


def test_once_void_it_waits_for_a_person_whatever_else_happens() -> None:
    void = examples.change(State.APPROVALS_VOID, reason="approvals no longer count: …")
    for facts in ({"foreign": FOREIGN}, {"approvals": examples.quorum()}, {"key": OTHER_KEY}, {"key": None}):
        assert wait(void, seen(**facts)).reason == void.reason


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED, State.HELD, State.APPROVALS_VOID])
@pytest.mark.parametrize(("by", "says"), [("dev-two", " by dev-two"), (None, "")])
def test_a_pull_request_closed_by_hand_ends_it(state: State, by: str | None, says: str) -> None:
    closed = examples.pull_request(is_open=False, closed_by=by)
    decided = advance(examples.change(state), seen(pull_request=closed, foreign=FOREIGN))
    assert (decided.event, decided.reason) == (Event.ABORTED, f"the pull request was closed by hand{says}")


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED])
def test_other_content_on_a_moved_base_is_rebuilt_and_asked_anew(state: State) -> None:
    decided = advance(examples.change(state), seen(approvals=examples.quorum(), key=OTHER_KEY))
    assert decided.event is Event.REBUILD
    assert decided.reason == "main moved and changed `deployments/k8s/base`: approvals no longer count"
    assert decided.facts["approved_by"] == ()
    assert "rebuilds" not in decided.facts  # asking anew is no attempt to keep up


def test_the_files_that_moved_are_named_where_they_are_known() -> None:
    looked = seen(key=OTHER_KEY, moved=("deployments/k8s/base/service.yaml",))
    assert advance(examples.change(), looked).facts["void_because"] == (
        "main moved and changed deployments/k8s/base/service.yaml"
    )


def test_a_changed_application_is_not_told_as_a_moved_branch() -> None:
    looked = seen(key=replace(KEY, sync_digest="y2"))
    assert advance(examples.change(), looked).facts["void_because"] == (
        "the live Application changed: the Application's sync settings"
    )


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED, State.HELD])
def test_an_application_that_is_no_longer_the_one_that_is_meant_voids_the_approvals(state: State) -> None:
    wrong = "the live Application differs from tiphys.yaml: project is 'other', tiphys.yaml says 'apm'"
    decided = advance(examples.change(state), seen(approvals=examples.quorum(), wrong=wrong))
    assert (decided.event, decided.facts["void_because"]) == (Event.VOIDED, wrong)
    assert decided.facts["approved_by"] == ()


def test_the_same_content_on_a_moved_base_changes_nothing() -> None:
    looked = seen(base=Revision("8" * 40), approvals=examples.quorum())
    assert advance(examples.change(APPROVED), looked).event is Event.GATES_OPEN


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"key": None}, "conflicts with the base"),
        ({"pull_request": examples.pull_request(Mergeability.CONFLICT), "base": MOVED}, "conflicts with the base"),
        (
            {"pull_request": examples.pull_request(Mergeability.BEHIND), "base": MOVED, "approvals": examples.quorum()},
            "is behind the base",
        ),
        ({"behind": True, "base": MOVED, "approvals": None}, "is behind the base"),
    ],
)
def test_a_commit_that_cannot_be_merged_is_rebuilt_a_few_times(facts: dict[str, Any], why: str) -> None:
    decided = advance(examples.change(rebuilds=MOST_REBUILDS - 1), seen(**facts))
    assert (decided.event, decided.facts) == (Event.REBUILD, {"rebuilds": MOST_REBUILDS, "approved_by": ()})
    assert why in decided.reason
    given_up = advance(examples.change(rebuilds=MOST_REBUILDS), seen(**facts))
    assert given_up.event is Event.ERRORED
    assert given_up.reason == f"the promotion commit {why} again after 5 rebuilds: main moves too fast"


@pytest.mark.parametrize("facts", [{"behind": True}, {"pull_request": examples.pull_request(Mergeability.BEHIND)}])
def test_what_is_only_behind_is_rebuilt_when_it_is_approved(facts: dict[str, Any]) -> None:
    """A busy base would have it rebuilt at every commit, until it gives up."""
    wait(examples.change(rebuilds=MOST_REBUILDS), seen(**facts, base=MOVED))


@pytest.mark.parametrize("said", [Mergeability.BEHIND, Mergeability.CONFLICT])
def test_what_was_just_rebuilt_is_not_rebuilt_again_before_the_forge_has_looked(said: Mergeability) -> None:
    """The same commit would come out, and five of those would end it."""
    old = seen(pull_request=examples.pull_request(said), approvals=examples.quorum())
    assert advance(examples.change(APPROVED), old).event is Event.GATES_OPEN  # the gate `mergeable` holds it


def test_a_conflict_of_the_commit_before_ours_is_none() -> None:
    """The base has moved on, and the forge still speaks of the head that was there before the rebuild."""
    before = examples.pull_request(Mergeability.CONFLICT, head=Revision("7" * 40))
    old = seen(pull_request=before, approvals=examples.quorum(), base=MOVED)
    assert advance(examples.change(APPROVED), old).event is Event.GATES_OPEN


@pytest.mark.parametrize("slug", ["checks", "mergeable", "rules", "reviews", "required_checks", "conversations"])
def test_what_the_forge_waits_for_is_waited_for_as_long_as_checks(slug: str) -> None:
    looked = seen(approvals=examples.quorum(), gates=(Gate.waiting(slug, "reviews 0 of 1"),))
    wait(examples.change(APPROVED), looked)
    failed = advance(examples.change(APPROVED), looked, now=NOW + timedelta(hours=2))
    assert (failed.event, failed.facts["cause"]) == (Event.FAILED, "reviews 0 of 1")


@pytest.mark.parametrize("facts", [{"key": OTHER_KEY}, {"key": None}])
def test_nothing_is_rebuilt_during_a_hold(facts: dict[str, Any]) -> None:
    wait(examples.change(State.HELD), seen(**facts))


BY_HAND = examples.merge(by="developer-2", by_hand=True)
DIFFERENT = replace(BY_HAND, key=OTHER_KEY, differences=("`deployments/k8s/base`",))


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, State.HELD, State.APPROVALS_VOID])
def test_merged_by_hand_without_a_quorum_waits_for_one(state: State) -> None:
    decided = advance(examples.change(state), seen(merge=BY_HAND, foreign=FOREIGN))
    assert (decided.event, decided.facts["merge"]) == (Event.MERGED_UNAPPROVED, BY_HAND)
    words = "developer-2 merged the pull request by hand before it was approved; "
    assert decided.reason == f"{words}Tiphys does not sync it before it is approved"
    assert decided.note is not None
    assert decided.note.plain.endswith("before it was approved. Tiphys does not sync it before it is approved.")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"auto_sync": True}, "auto-sync is on: Argo CD ships it without waiting for an approval"),
        ({"auto_sync": True, "shipped": True}, "it is synced already, not by Tiphys"),
        ({"shipped": True}, "it is synced already, not by Tiphys"),
    ],
)
def test_merged_by_hand_and_shipped_by_argo_cd_says_so(facts: dict[str, Any], says: str) -> None:
    """In the channel too: nobody may believe that what runs already still waits for a yes."""
    decided = advance(examples.change(), seen(merge=replace(BY_HAND, **facts)))
    assert decided.reason.endswith(f"before it was approved; {says}")
    assert decided.note is not None
    assert says[1:] in decided.note.plain
    different = advance(examples.change(), seen(merge=replace(DIFFERENT, **facts)))
    assert different.note is not None
    assert says[1:] in different.note.plain
    words = f"developer-2 merged the pull request by hand ({says}), and what was merged differs: "
    assert different.reason == f"{words}`deployments/k8s/base`", "the channel is told the reason alone"


@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED, State.HELD])
def test_merged_by_hand_with_a_quorum_goes_on(state: State) -> None:
    decided = advance(examples.change(state), seen(merge=BY_HAND, approvals=examples.quorum()))
    assert (decided.event, decided.facts["merge"]) == (Event.MERGED, BY_HAND)
    assert decided.facts["approved_by"] == (APPROVER, APPROVER_2)


@pytest.mark.parametrize("approvals", [None, examples.result(), examples.quorum()])
def test_merged_into_another_branch_ends_it_and_syncs_nothing(approvals: Any) -> None:
    decided = advance(examples.change(APPROVED), seen(merge=BY_HAND, astray="release", approvals=approvals))
    assert decided.event is Event.ABORTED
    words = "developer-2 merged the pull request into release, not into the governed branch: Tiphys syncs nothing"
    assert decided.reason == words


def test_merged_by_hand_where_none_are_needed_goes_on() -> None:
    decided = advance(examples.change(), seen(merge=BY_HAND, approvals=None), examples.stage(approvals=None))
    assert decided.event is Event.MERGED


@pytest.mark.parametrize("approvals", [None, examples.result(), examples.quorum()])
@pytest.mark.parametrize("state", [State.WAITING_FOR_APPROVAL, APPROVED])
def test_merged_by_hand_with_other_content_is_never_synced_as_it_is(state: State, approvals: Any) -> None:
    decided = advance(examples.change(state), seen(merge=DIFFERENT, approvals=approvals))
    assert decided.event is Event.MERGED_DIFFERENTLY
    assert decided.facts["approved_by"] == ()
    assert "what was merged differs: `deployments/k8s/base`" in decided.reason
    assert decided.note is not None
    assert decided.note.plain.endswith("`deployments/k8s/base`. Tiphys does not sync it before it is approved.")


def test_what_was_merged_differently_where_none_are_needed_is_not_said_to_wait() -> None:
    bare = examples.stage(approvals=None)
    decided = advance(examples.change(), seen(merge=DIFFERENT, approvals=None), bare)
    assert decided.note is not None
    assert decided.note.plain.endswith("`deployments/k8s/base`. No approval is needed here, so it goes on as merged.")


def test_a_merge_by_nobody_in_particular_is_told_so() -> None:
    decided = advance(examples.change(), seen(merge=replace(BY_HAND, by=None)))
    assert decided.reason.startswith("somebody merged the pull request by hand")


def test_a_change_without_a_proposal_is_not_reviewed() -> None:
    with pytest.raises(ValueError, match="reviewed without a proposal"):
        decide_review(examples.change(proposal=None), seen(), examples.stage(), NOW, POLL)


REFUSED = RefusedMerge(head=examples.HEAD, reason="GitHub said no", since=NOW - POLL, at=NOW, times=3)


def test_a_refused_merge_is_asked_for_again_when_it_is_time() -> None:
    """Whatever wakes the change before then."""
    change, ready = examples.change(APPROVED, refused=REFUSED), seen(approvals=examples.quorum())
    at = asked_again_at(REFUSED)
    early = wait(change, ready, now=at - timedelta(seconds=1))
    assert (early.reason, early.look_again) == ("GitHub said no (refused 3 times)", timedelta(seconds=1))
    assert "refused" not in early.facts
    assert advance(change, ready, now=at).event is Event.GATES_OPEN


def test_a_gate_that_has_closed_since_tells_more_than_the_refusal() -> None:
    change, gates = examples.change(APPROVED, refused=REFUSED), (*examples.OPEN_GATES, CLOSED)
    decided = wait(change, seen(approvals=examples.quorum(), gates=gates))
    assert (decided.reason, decided.facts["refused"]) == (CLOSED.reason, None)
    computing = (*examples.OPEN_GATES, Gate.waiting("mergeable", "GitHub is still computing"))
    assert "refused" not in wait(change, seen(approvals=examples.quorum(), gates=computing)).facts


def test_a_refusal_of_another_head_holds_nothing_up() -> None:
    change = examples.change(APPROVED, refused=replace(REFUSED, head=MOVED))
    decided = advance(change, seen(approvals=examples.quorum()))
    assert (decided.event, decided.facts["refused"]) == (Event.GATES_OPEN, None)


def test_a_refusing_rule_is_no_quorum() -> None:
    refused = examples.result(verdict=Verdict.REFUSED, reason="a commit author may not approve")
    assert wait(examples.change(), seen(approvals=refused)).reason == "a commit author may not approve"
