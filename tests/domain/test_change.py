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


@pytest.mark.parametrize(("after", "void"), [(-1, True), (0, True), (1, False)])
def test_an_approval_from_before_a_foreign_commit_is_void(after: int, void: bool) -> None:
    approval = examples.approval(at=NOW + timedelta(seconds=after))
    assert examples.change(voided_at=NOW).is_void(approval) is void
    assert not examples.change().is_void(approval)
