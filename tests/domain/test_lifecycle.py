"""The lifecycle table as a whole."""

import pytest

from bot.domain.lifecycle import BEFORE_MERGE, TERMINAL, TRANSITIONS, Event, IllegalTransition, State, allows, follow


def test_nothing_leads_out_of_an_end() -> None:
    assert [pair for pair in TRANSITIONS if pair[0] in TERMINAL] == []


def test_every_state_can_be_reached_and_left() -> None:
    reached = set(TRANSITIONS.values()) | {State.PROPOSING}
    left = {state for state, _ in TRANSITIONS}
    assert reached == set(State)
    assert left == set(State) - TERMINAL


def test_every_event_is_used() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_an_illegal_event_is_refused_by_name() -> None:
    with pytest.raises(IllegalTransition, match="'merged' cannot happen to a change that is 'rejected'"):
        follow(State.REJECTED, Event.MERGED)


def test_a_sync_needs_a_merge_before_it() -> None:
    """No way from before the merge to a sync that does not pass through `merged`."""
    assert not [s for s in BEFORE_MERGE | {State.MERGING} if TRANSITIONS.get((s, Event.SYNC_STARTED))]
    assert {s for s in State if allows(s, Event.SYNC_STARTED)} == {State.MERGED, State.WAITING_FOR_SYNC}


@pytest.mark.parametrize("state", sorted(BEFORE_MERGE))
def test_everything_before_the_merge_can_be_stopped(state: State) -> None:
    assert follow(state, Event.ABORTED) is State.ABORTED
    assert follow(state, Event.REJECTED) is State.REJECTED
