"""What a card shows, and that nothing is offered whose press could only be refused."""

from dataclasses import replace

import pytest

from bot.domain.card import CardAction, actions_of, card_of
from bot.domain.change import Change
from bot.domain.lifecycle import AWAITING_DECISION, TERMINAL, Event, State, allows
from bot.domain.pipeline import SyncMode
from tests import examples
from tests.examples import stage

AFTER_MERGE = frozenset(
    {State.MERGED, State.MERGED_DIFFERS, State.WAITING_FOR_SYNC, State.SYNCING, State.VERIFYING, State.SUCCEEDED}
)
CASES = [
    *(examples.change(state) for state in State if state not in AFTER_MERGE),
    *(examples.merged_change(state) for state in [*sorted(AFTER_MERGE), State.WAITING_FOR_APPROVAL]),
    examples.merged_change(State.WAITING_FOR_SYNC, sync_asked_by=examples.DEVELOPER),
]
NEEDS_EVENT = {
    CardAction.REJECT: Event.REJECTED,
    CardAction.ABORT: Event.ABORTED,
    CardAction.REBUILD: Event.REBUILD,
}
LOOKING = {CardAction.DETAILS, CardAction.DIFF, CardAction.WHY, CardAction.LOGS}


def name(change: Change) -> str:
    return change.state.value + (" (merged by hand)" if change.merge and change.state not in AFTER_MERGE else "")


@pytest.mark.parametrize("change", CASES, ids=name)
def test_offers_are_exactly_what_the_lifecycle_allows(change: Change) -> None:
    offered = set(actions_of(change))
    for action, event in NEEDS_EVENT.items():
        if action in offered:
            assert allows(change.state, event), action
    if CardAction.APPROVE in offered:
        assert change.state in AWAITING_DECISION
    if CardAction.HOLD in offered:
        assert allows(change.state, Event.LIFTED if change.state is State.HELD else Event.HELD)
        assert change.merge is None
    assert (CardAction.SYNC in offered) == (change.state is State.WAITING_FOR_SYNC and change.sync_asked_by is None)
    assert (CardAction.TERMINATE in offered) == (change.state is State.SYNCING)
    assert (CardAction.REBUILD in offered) == (change.state is State.APPROVALS_VOID)


@pytest.mark.parametrize("change", CASES, ids=name)
def test_whoever_can_stop_it_is_offered_so(change: Change) -> None:
    """The one exception is the moment of merging: it cannot be stopped by a press."""
    offered = set(actions_of(change))
    if allows(change.state, Event.ABORTED) and change.state is not State.MERGING:
        assert CardAction.ABORT in offered
    if change.state in AWAITING_DECISION - {State.HELD}:
        assert {CardAction.APPROVE, CardAction.REJECT} <= offered


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_at_an_end_there_is_only_to_look(state: State) -> None:
    assert set(actions_of(examples.change(state))) <= LOOKING


@pytest.mark.parametrize("change", CASES, ids=name)
def test_details_are_always_offered_and_nothing_twice(change: Change) -> None:
    offered = actions_of(change)
    assert CardAction.DETAILS in offered
    assert len(offered) == len(set(offered))


def test_a_card_carries_the_policy_of_its_stage() -> None:
    change = examples.change(proposal=examples.proposal(prune=True))
    card = card_of(change, stage(prune=True), application_link="https://argocd.example.com/a")
    assert (card.approvals_needed, card.may_approve, card.prune) == (2, ("role:release",), True)
    assert card.asked_by == examples.DEVELOPER
    assert card.application_link == "https://argocd.example.com/a"
    assert card.actions == actions_of(card.change)


@pytest.mark.parametrize(("mode", "asks"), [(SyncMode.CONTROLLED, True), (SyncMode.MANUAL, False)])
def test_approve_asks_for_confirmation_where_the_merge_ships(mode: SyncMode, asks: bool) -> None:
    assert card_of(examples.change(sync_mode=mode), stage()).asks_confirmation is asks


@pytest.mark.parametrize("change", CASES, ids=name)
def test_a_stage_without_approvals_needs_none_and_offers_none(change: Change) -> None:
    card = card_of(change, stage(approvals=None))
    assert (card.approvals_needed, card.may_approve) == (0, ())
    assert set(card.actions) == set(actions_of(change)) - {CardAction.APPROVE}


def test_a_change_whose_stage_is_gone_can_only_be_looked_at() -> None:
    card = card_of(replace(examples.change(), environment="nowhere"), None)
    assert card.actions == (CardAction.DETAILS,)
