"""The one writer: a step is written whole, with its audit entry, or not at all."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.change import Change
from bot.domain.decisions.decision import Advance, Wait
from bot.domain.identity import GroupId, UserId
from bot.domain.lifecycle import TERMINAL, Event, IllegalTransition, State
from bot.domain.text import Text
from bot.ports_store import Conflict
from bot.services import ledger
from tests import examples
from tests.desk import Desk
from tests.examples import MINUTE, NOW


async def apply(desk: Desk, change: Change, decided: Advance, **more: Any) -> Change:
    async with desk.store.writing() as tx:
        return await ledger.apply(tx, change, decided, now=desk.clock.now(), **more)


async def settle(desk: Desk, change: Change, decided: Wait) -> Change:
    async with desk.store.writing() as tx:
        return await ledger.settle(tx, change, decided, now=desk.clock.now())


async def card_version(desk: Desk) -> int:
    return next((item.version for item in await desk.outgoing() if item.key == f"card:{examples.CHANGE}"), 0)


async def test_a_step_moves_the_state_with_its_facts_its_reason_and_its_audit_entry(desk: Desk) -> None:
    change = await desk.put(examples.change(trouble_since=NOW))
    desk.clock.at += MINUTE
    decided = Advance(
        event=Event.QUORUM_REACHED, reason="2 of 2 approvals", facts={"approved_by": (examples.APPROVER,)},
        note=Text.of("Approved."), look_again=timedelta(seconds=5),
    )  # fmt: skip
    moved = await apply(desk, change, decided)
    assert moved == await desk.get()
    assert (moved.state, moved.state_since) == (State.WAITING_FOR_CHECKS, NOW + MINUTE)
    assert (moved.reason, moved.approved_by) == ("2 of 2 approvals", (examples.APPROVER,))
    assert moved.due_at == NOW + MINUTE + timedelta(seconds=5)
    assert moved.trouble_since is None
    [entry] = await desk.audit()
    assert (entry.actor, entry.action, entry.outcome, entry.text) == (
        "system", "change.quorum-reached", "done", "2 of 2 approvals",
    )  # fmt: skip
    assert (entry.change, entry.application, entry.environment) == (change.id, "apm-stack", "production")
    assert (entry.detail["from"], entry.detail["to"]) == ("waiting for approval", "waiting for checks")
    assert (entry.detail["base"], entry.detail["head"]) == (examples.BASE, examples.HEAD)
    assert entry.detail["key"] == examples.KEY.fingerprint
    assert await desk.notes() == ["Approved."]
    assert await card_version(desk) == 1


async def test_the_audit_of_a_merge_names_what_was_merged(desk: Desk) -> None:
    change = await desk.put(examples.change(State.MERGING))
    merge = examples.merge(base=examples.ACTIVE)
    await apply(desk, change, Advance(event=Event.MERGED, reason="merged as approved", facts={"merge": merge}))
    [entry] = await desk.audit()
    assert entry.detail["merged"] == examples.MERGED
    assert entry.detail["merged_key"] == examples.KEY.fingerprint
    assert entry.detail["merged_on"] == examples.ACTIVE


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_what_the_table_does_not_allow_writes_nothing(desk: Desk, state: State) -> None:
    change = await desk.put(examples.change(state))
    with pytest.raises(IllegalTransition):
        await apply(desk, change, Advance(event=Event.MERGED, reason="merged", note=Text.of("no")))
    assert await desk.get() == change
    assert await desk.audit() == []
    assert await desk.outgoing() == []


async def test_whoever_was_slower_writes_nothing(desk: Desk) -> None:
    change = await desk.put(examples.change())
    faster = await apply(desk, change, Advance(event=Event.HELD, reason="held"), by=UserId("U0APPR1"))
    before = await desk.counts()
    with pytest.raises(Conflict) as conflict:
        await apply(desk, change, Advance(event=Event.ABORTED, reason="aborted", note=Text.of("no")))
    assert conflict.value.newest == faster == await desk.get()
    assert await desk.counts() == before


async def test_a_transaction_that_fails_afterwards_leaves_no_trace(desk: Desk) -> None:
    change = await desk.put(examples.change())

    async def fail() -> None:
        async with desk.store.writing() as tx:
            await ledger.apply(tx, change, Advance(event=Event.HELD, reason="held"), now=NOW)
            raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError, match="out of paper"):
        await fail()
    assert await desk.get() == change
    assert await desk.audit() == []


async def test_a_person_who_ends_it_is_remembered_and_its_traces_are_to_be_tidied(desk: Desk) -> None:
    change = await desk.put(examples.change(progress=examples.progress()))
    decided = Advance(event=Event.REJECTED, reason="rejected by approver-1: too risky")
    ended = await apply(desk, change, decided, by=UserId("U0APPR1"))
    assert (ended.ended_by, ended.closing, ended.progress) == ("U0APPR1", True, None)
    assert ended.due_at == NOW
    [entry] = await desk.audit()
    assert entry.actor == "U0APPR1"
    assert "rejected by approver-1: too risky" in (await desk.notes())[0]


async def test_an_end_by_itself_has_nobody_behind_it(desk: Desk) -> None:
    change = await desk.put(examples.change())
    ended = await apply(desk, change, Advance(event=Event.EXPIRED, reason="nobody decided in time"))
    assert ended.ended_by is None


async def test_a_tidied_end_is_never_looked_at_again(desk: Desk) -> None:
    change = await desk.put(examples.change(State.EXPIRED, closing=True, due_at=NOW))
    async with desk.store.writing() as tx:
        rested = await ledger.rest(tx, change)
    assert (rested.closing, rested.due_at) == (False, None)
    async with desk.store.reading() as tx:
        assert await tx.changes.list_due(NOW + timedelta(days=99), limit=9) == []


async def test_a_foreign_commit_makes_void_what_was_given_before_it(desk: Desk) -> None:
    change = await desk.put(examples.change())
    desk.clock.at += MINUTE
    moved = await apply(desk, change, Advance(event=Event.VOIDED, reason="developer-2 pushed"))
    assert moved.voided_at == NOW + MINUTE


async def test_the_approvers_are_called_once_and_the_requester_when_he_is_needed(desk: Desk) -> None:
    change = await desk.put(examples.change(State.PROPOSING, ready_at=None))
    ready = {"ready_at": NOW, "notify": GroupId("S0PLATFORM")}
    change = await apply(desk, change, Advance(event=Event.PROPOSED, reason="needs 2 approvals", facts=ready))
    for event in (Event.REBUILD, Event.PROPOSED, Event.VOIDED):
        change = await apply(desk, change, Advance(event=event, reason="again", facts=ready))
    change = await apply(desk, change, Advance(event=Event.ABORTED, reason="aborted by developer"))
    calls = [note for note in await desk.notes() if "@" in note]
    assert [note.split()[0] for note in calls] == ["@S0PLATFORM", "@U0DEV1", "@U0DEV1"]
    assert "waits for approval" in calls[0]
    assert "needs a decision" in calls[1]
    assert "aborted" in calls[2]


async def test_waiting_keeps_the_state_and_says_why_and_until_when(desk: Desk) -> None:
    change = await desk.put(examples.change(trouble_since=NOW))
    kept = await settle(desk, change, Wait(reason="1 of 2 approvals", look_again=MINUTE, facts={"notify": None}))
    assert (kept.state, kept.reason, kept.due_at) == (change.state, "1 of 2 approvals", NOW + MINUTE)
    assert kept.trouble_since is None
    assert await desk.audit() == []


async def test_waiting_shows_the_card_anew_only_when_it_would_differ(desk: Desk) -> None:
    change = await desk.put(examples.change())
    first = await settle(desk, change, Wait(reason="1 of 2 approvals", look_again=MINUTE))
    assert await card_version(desk) == 1
    same = await settle(desk, first, Wait(reason="1 of 2 approvals", look_again=MINUTE, facts={"healthy_since": NOW}))
    assert await card_version(desk) == 1
    await settle(desk, same, Wait(reason="1 of 2 approvals", look_again=MINUTE, facts={"gates": examples.OPEN_GATES}))
    assert await card_version(desk) == 2


async def test_trouble_outside_is_shown_and_counted_from_its_beginning(desk: Desk) -> None:
    change = await desk.put(examples.change())
    async with desk.store.writing() as tx:
        first = await ledger.trouble(tx, change, "waiting for GitHub: HTTP 503", look_again=MINUTE, now=NOW)
        again = await ledger.trouble(tx, first, "waiting for GitHub: HTTP 502", look_again=MINUTE, now=NOW + MINUTE)
    assert (again.state, again.reason, again.trouble_since) == (change.state, "waiting for GitHub: HTTP 502", NOW)


async def test_trouble_while_tidying_does_not_change_how_it_ended(desk: Desk) -> None:
    change = await desk.put(examples.change(State.REJECTED, reason="rejected by approver-1", closing=True))
    async with desk.store.writing() as tx:
        kept = await ledger.trouble(tx, change, "waiting for GitHub", look_again=MINUTE, now=NOW)
    assert (kept.reason, kept.due_at, kept.trouble_since) == ("rejected by approver-1", NOW + MINUTE, NOW)


async def test_each_note_of_a_step_is_its_own(desk: Desk) -> None:
    change = await desk.put(examples.change())
    for event in (Event.HELD, Event.LIFTED, Event.HELD):
        change = await apply(desk, change, Advance(event=event, reason=event.value, note=Text.of(event.value)))
    assert await desk.notes() == ["held", "lifted", "held"]
