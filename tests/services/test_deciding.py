"""What people decide: a yes names what was seen, counts once, and may be given anew once it no longer stands."""

from datetime import timedelta

import pytest

from bot.domain.change import Change
from bot.domain.lifecycle import State
from tests import examples
from tests.desk import Desk
from tests.examples import HOUR, KEY, NOW

on_both = pytest.mark.parametrize(
    "office", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


async def approve(desk: Desk, user: str, change: Change, fingerprint: str = KEY.fingerprint) -> str:
    value = f"{change.id}|{fingerprint}"
    return await desk.tell(desk.click(user, "change.approve", change, value=value))


@on_both
async def test_a_second_yes_of_the_same_person_changes_nothing(desk: Desk) -> None:
    change = await desk.put(examples.change())
    assert "counts: 1 of 2" in await approve(desk, "U0APPR1", change)
    version = (await desk.get()).version
    assert "already" in await approve(desk, "U0APPR1", change)
    assert (await desk.get()).version == version
    assert await desk.count("approvals") == 1


@on_both
async def test_a_yes_that_lapsed_may_be_given_anew(desk: Desk) -> None:
    change = await desk.put(examples.change())
    await approve(desk, "U0APPR1", change)
    desk.clock.at += 4 * HOUR  # `valid_for`
    assert "counts: 1 of 2" in await approve(desk, "U0APPR1", change)
    assert "counts: 2 of 2" in await approve(desk, "U0APPR2", change)


async def test_a_yes_that_became_void_may_be_given_anew(desk: Desk) -> None:
    change = await desk.put(examples.change(voided_at=NOW - HOUR))
    async with desk.store.writing() as tx:
        await tx.approvals.add(examples.approval(at=NOW - 2 * HOUR), after=NOW - 9 * HOUR)
    assert "counts: 1 of 2" in await approve(desk, "U0APPR1", change)


@pytest.mark.parametrize("fingerprint", ["", KEY.fingerprint[:5], "0" * 64, KEY.fingerprint.upper()])
async def test_a_yes_to_something_else_is_none(desk: Desk, fingerprint: str) -> None:
    change = await desk.put(examples.change())
    assert "has changed since you saw it" in await approve(desk, "U0APPR1", change, fingerprint)
    assert await desk.count("approvals") == 0
    assert "counts: 1 of 2" in await approve(desk, "U0APPR1", change, KEY.fingerprint[:6])


async def test_nobody_approves_his_own_change(desk: Desk) -> None:
    file = desk.source.file
    file.write_text(file.read_text("utf-8") + "    g, U0DEV1, role:release\n", "utf-8")
    assert desk.source.reload() == []
    change = await desk.put(examples.change())
    assert "somebody else must approve it" in await approve(desk, "U0DEV1", change)
    assert await desk.count("approvals") == 0


async def test_a_late_click_is_told_where_the_change_stands(desk: Desk) -> None:
    change = await desk.put(examples.change(State.EXPIRED, reason="nobody decided in time"))
    assert "#1 is expired (nobody decided in time)" in await approve(desk, "U0APPR1", change)


async def test_a_hold_is_lifted_by_the_next_press(desk: Desk) -> None:
    change = await desk.put(examples.change())
    assert "#1 is held." in await desk.tell(desk.click("U0APPR1", "change.hold", change))
    held = await desk.get()
    assert "#1 is lifted." in await desk.tell(desk.click("U0APPR1", "change.hold", held))
    assert (await desk.get()).state is State.WAITING_FOR_APPROVAL


async def test_what_is_being_merged_is_not_aborted(desk: Desk) -> None:
    change = await desk.put(examples.change(State.MERGING))
    told = await desk.tell(desk.click("U0APPR1", "change.abort", change))
    assert "being merged right now" in told
    assert await desk.get() == change


async def test_what_may_be_merged_already_is_not_aborted_and_not_told_to_be_under_way(desk: Desk) -> None:
    reason = "waiting for GitHub: no answer"
    change = await desk.put(examples.change(State.MERGING, trouble_since=NOW, reason=reason))
    told = await desk.tell(desk.click("U0APPR1", "change.abort", change))
    assert "It may be merged already, which cannot be told now" in told
    assert reason in told
    assert await desk.get() == change


async def test_a_sync_is_asked_for_once(desk: Desk) -> None:
    waiting = examples.merged_change(State.WAITING_FOR_SYNC, environment="staging", state_since=NOW - timedelta(days=1))
    change = await desk.put(waiting)
    assert "Syncing" in await desk.tell(desk.click("U0DEV1", "change.sync", change))
    assert (await desk.get()).sync_asked_by == "U0DEV1"
    assert "already" in await desk.tell(desk.click("U0APPR1", "change.sync", change))
    assert (await desk.get()).sync_asked_by == "U0DEV1"


async def test_every_act_is_audited_with_who_and_how_it_went(desk: Desk) -> None:
    change = await desk.put(examples.change())
    await approve(desk, "U0APPR1", change)
    await approve(desk, "U0DEV2", change)
    entries = [(entry.actor, entry.outcome) for entry in await desk.audit("asked.approve")]
    assert entries == [("U0APPR1", "done"), ("U0DEV2", "refused")]
