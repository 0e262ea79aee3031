"""What a change says of itself."""

from datetime import timedelta

import pytest

from bot.domain.lifecycle import TERMINAL, State
from tests import examples
from tests.examples import KEY, NOW, OTHER_KEY


@pytest.mark.parametrize("state", list(State))
def test_it_is_over_at_the_ends_alone(state: State) -> None:
    assert examples.change(state).is_over == (state in TERMINAL)


def test_an_approval_must_name_what_was_merged_and_before_that_what_is_proposed() -> None:
    assert examples.change(proposal=None).fingerprint is None
    assert examples.change().fingerprint == KEY.fingerprint
    merged = examples.merged_change(merge=examples.merge(key=OTHER_KEY))
    assert merged.fingerprint == OTHER_KEY.fingerprint


def test_it_prunes_what_people_were_asked_for_and_only_while_that_is_wanted() -> None:
    on, off = examples.stage(prune=True), examples.stage(prune=False)
    asked = examples.change(proposal=examples.proposal(prune=True))
    assert asked.may_prune(on)
    assert not asked.may_prune(off)
    assert not examples.change(proposal=examples.proposal(prune=False)).may_prune(on)
    assert not examples.change(proposal=None).may_prune(on)


@pytest.mark.parametrize(("before", "wanted", "proposed"), [
    (None, True, True), (None, False, False), (True, True, True), (True, False, False), (False, True, False),
])  # fmt: skip
def test_a_rebuild_never_begins_to_prune(before: bool | None, wanted: bool, proposed: bool) -> None:
    proposal = None if before is None else examples.proposal(prune=before)
    assert examples.change(proposal=proposal).proposes_to_prune(examples.stage(prune=wanted)) is proposed


@pytest.mark.parametrize(("after", "void"), [(-1, True), (0, True), (1, False)])
def test_an_approval_from_before_a_foreign_commit_is_void(after: int, void: bool) -> None:
    approval = examples.approval(at=NOW + timedelta(seconds=after))
    assert examples.change(voided_at=NOW).is_void(approval) is void
    assert not examples.change().is_void(approval)
