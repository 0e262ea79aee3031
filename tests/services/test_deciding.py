"""What people decide: a yes names what was seen, counts once, and may be given anew once it no longer stands."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain.change import Change
from bot.domain.lifecycle import State
from tests import examples
from tests.desk import NOBODY_THERE, TIPHYS_YAML, Desk, open_office, served
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


class EndsOnce:
    """An Argo CD with one running operation, which ends as soon as that is asked for; then `meanwhile` has happened."""

    desk: Desk

    def __init__(self) -> None:
        self.asked, self.meanwhile, self.app = 0, State.SYNCING, web.Application()
        self.app.router.add_delete("/api/v1/applications/{name}/operation", self._end)

    async def _end(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.asked > 1:
            said = "Unable to terminate operation. No operation is in progress"
            return web.json_response({"error": said, "message": said, "code": 9}, status=400)
        found = await self.desk.get()
        async with self.desk.store.writing() as tx:
            await tx.changes.swap(replace(found, state=self.meanwhile, reason="seen by the reconciler"))
        return web.json_response({})


@pytest.fixture
async def ends_once(tmp_path: Path) -> AsyncIterator[EndsOnce]:
    argocd = EndsOnce()
    async with (
        served(argocd.app) as address,
        open_office(tmp_path, TIPHYS_YAML.replace(f"server: {NOBODY_THERE}", f"server: {address}")) as office,
    ):
        argocd.desk = office.desk
        yield argocd


@pytest.mark.parametrize("meanwhile", [State.SYNCING, State.FAILED])
async def test_a_terminate_that_took_effect_is_told_so_whatever_happened_meanwhile(
    ends_once: EndsOnce, meanwhile: State
) -> None:
    """While Argo CD ends it the reconciler stores what it sees, about once a second; it may see the end first."""
    ends_once.meanwhile, desk = meanwhile, ends_once.desk
    change = await desk.put(examples.syncing_change())
    told = await desk.tell(desk.click("U0APPR1", "change.terminate", change))
    assert "Argo CD was asked to terminate the sync of #1." in told
    assert ends_once.asked == 1
    assert [entry.outcome for entry in await desk.audit("asked.sync")] == ["done"]
    assert any("asked Argo CD to terminate the sync" in note for note in await desk.notes())
    found = await desk.get()
    assert (found.state, found.due_at) == (meanwhile, NOW if meanwhile is State.SYNCING else None)


async def test_every_act_is_audited_with_who_and_how_it_went(desk: Desk) -> None:
    change = await desk.put(examples.change())
    await approve(desk, "U0APPR1", change)
    await approve(desk, "U0DEV2", change)
    entries = [(entry.actor, entry.outcome) for entry in await desk.audit("asked.approve")]
    assert entries == [("U0APPR1", "done"), ("U0DEV2", "refused")]
