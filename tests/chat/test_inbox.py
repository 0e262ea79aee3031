"""Working off what people did: each act once, however often it is tried."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.chat.inbox import BACK_OFF, GIVE_UP_AFTER
from bot.domain.audit import AuditEntry
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.lifecycle import State
from bot.store.store import SqlStore, StoreTransaction
from bot.tasks import TaskSet
from tests import examples
from tests.desk import Desk, HeldStore, Office

on_both = pytest.mark.parametrize(
    "office", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@on_both
async def test_an_act_is_answered_and_done(desk: Desk) -> None:
    incoming = desk.command("U0DEV1", "status")
    assert await desk.tell(incoming) == "Nothing is open."
    before = await desk.counts()
    await desk.inbox.sweep()
    assert await desk.counts() == before


@on_both
async def test_an_approval_has_its_row_its_audit_entry_its_note_and_its_answer(desk: Desk) -> None:
    change = await desk.put(examples.change())
    incoming = desk.click("U0APPR1", "change.approve", change)
    assert await desk.tell(incoming) == "Your approval of apm-stack → production (#1) counts: 1 of 2."
    async with desk.store.reading() as tx:
        [approval] = await tx.approvals.list(change.id)
    assert (approval.user, approval.fingerprint) == ("U0APPR1", examples.KEY.fingerprint)
    [entry] = await desk.audit("asked.approve")
    assert (entry.actor, entry.outcome, entry.change) == ("U0APPR1", "done", change.id)
    assert await desk.notes() == ["✅ Approved by approver-1 (1 of 2)."]


async def test_a_command_without_the_right_is_refused_and_audited(desk: Desk) -> None:
    incoming = desk.command("U0DEV2", "promote apm-stack prod")
    assert "it needs changes, promote, apm-stack/production" in await desk.tell(incoming)
    [entry] = await desk.audit("asked.promote")
    assert (entry.outcome, entry.detail["slug"], entry.environment) == ("refused", "no-permission", "production")


async def test_a_change_that_is_not_there_is_told_so(desk: Desk) -> None:
    assert await desk.tell(desk.command("U0APPR1", "abort #7")) == (
        "There is no change #7. Type /gitops status for the open ones."
    )


@on_both
async def test_a_submission_does_what_its_dialog_asked(desk: Desk) -> None:
    change = await desk.put(examples.change())
    reason = {"reason": " the migration is not reviewed "}
    told = await desk.tell(desk.submission("U0APPR1", "change.reject", change, fields=reason))
    assert told == "apm-stack → production (#1) is rejected."
    assert (await desk.get()).reason == "rejected by approver-1: the migration is not reviewed"


@on_both
async def test_what_gives_no_answer_is_waited_for_and_told_once(desk: Desk) -> None:
    incoming = desk.command("U0DEV1", "promote apm-stack prod")
    await desk.take(incoming)
    await desk.work()
    assert (await desk.answer(incoming, ":waiting")).startswith("Waiting for Argo CD: ")
    for wait in BACK_OFF[:2]:
        desk.clock.at += timedelta(seconds=wait)
        assert await desk.due_acts() == 1
        await desk.work()
    assert await desk.count("outbox") == 1
    assert await desk.answer(incoming) == ""


@on_both
async def test_it_is_given_up_after_a_while_with_the_reason(desk: Desk) -> None:
    incoming = desk.command("U0DEV1", "promote apm-stack prod")
    await desk.take(incoming)
    desk.clock.at += GIVE_UP_AFTER
    await desk.work()
    assert (await desk.answer(incoming)).startswith("Argo CD: ")
    desk.clock.at += GIVE_UP_AFTER
    assert await desk.due_acts() == 0


@on_both
async def test_an_error_of_our_own_is_answered_and_does_not_stop_the_others(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that a newer version wrote, with a button that this one does not have."""
    change = await desk.put(examples.change())
    strange = desk.click("U0APPR1", "change.dance", change)
    await record(desk, strange)
    told = await desk.tell(desk.command("U0DEV1", "whoami"))
    assert told.startswith("You are developer (U0DEV1), a member.")
    assert "an error of Tiphys itself" in await desk.answer(strange)


async def test_a_configuration_that_changed_meanwhile_is_the_one_that_counts(office: Office) -> None:
    desk = office.desk
    incoming = desk.command("U0DEV1", "promote apm-stack prod")
    await desk.take(incoming)
    office.file.write_text(office.file.read_text("utf-8").replace("apm-stack:", "renamed:"), "utf-8")
    assert desk.source.reload() == []
    await desk.work()
    assert "There is no application apm-stack." in await desk.answer(incoming)


@on_both
async def test_a_worker_that_died_is_taken_over_without_a_second_effect(desk: Desk) -> None:
    """Everything of an act is in one transaction: what was done is done with its row."""
    change = await desk.put(examples.change())
    incoming = desk.click("U0APPR1", "change.hold", change)
    await desk.tell(incoming)
    assert (await desk.get()).state is State.HELD
    successor = desk.worker()
    await successor.sweep()
    await successor.close()
    assert (await desk.get()).state is State.HELD


class Slow(SqlStore):
    """The real store, whose next look at what is due ends only when it is let go."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.has_read, self.go_on = asyncio.Event(), asyncio.Event()
        self.holds = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StoreTransaction]:
        async with super().reading() as tx:
            yield tx
        if self.holds:
            self.holds = False
            self.has_read.set()
            await self.go_on.wait()


async def test_an_act_that_ends_while_the_next_look_is_on_its_way_is_not_done_twice(desk: Desk) -> None:
    """Twice would be visible here: a hold that is pressed once and lifted at once."""
    change = await desk.put(examples.change())
    await desk.take(desk.click("U0APPR1", "change.hold", change))
    store = Slow(desk.url)
    worker, tasks = desk.worker(store), TaskSet("test")
    try:
        await worker.sweep()
        store.holds = True
        look = tasks.start(worker.sweep(), name="look")
        await store.has_read.wait()
        await desk.worked_off()
        store.go_on.set()
        await look
        await desk.work(worker)
    finally:
        await worker.close()
        await tasks.close()
        await store.close()
    assert (await desk.get()).state is State.HELD
    assert len(await desk.audit("asked.abort")) == 1


async def test_at_rest_what_is_under_way_ends_and_nothing_else_begins(desk: Desk) -> None:
    first, second = (desk.command("U0DEV1", words) for words in ("whoami", "help"))
    store = HeldStore(desk.url)
    worker, tasks = desk.worker(store), TaskSet("test")
    try:
        await desk.take(first)
        run = tasks.start(worker.run(), name="run")
        await store.is_held.wait()
        assert not await worker.rest(0.01)
        await desk.take(second)
        await worker.sweep()
        store.go_on.set()
        assert await worker.rest(10)
        async with asyncio.timeout(10):
            await run
    finally:
        await worker.close()
        await tasks.close()
        await store.close()
    assert "U0DEV1" in await desk.answer(first)
    assert await desk.answer(second) == ""
    assert await desk.due_acts() == 1


@on_both
async def test_run_works_off_what_comes_while_it_waits(desk: Desk) -> None:
    tasks = TaskSet("test")
    tasks.start(desk.inbox.run(), name="run")
    try:
        incoming = desk.act(IncomingKind.MENTION, "U0DEV1", text="whoami")
        await desk.take(incoming)
        await desk.worked_off()
        assert "U0DEV1" in await desk.answer(incoming)
    finally:
        await tasks.close()


async def record(desk: Desk, incoming: Incoming) -> None:
    entry = AuditEntry(at=desk.clock.now(), actor=incoming.user, action="received", outcome="done", text="")
    await desk.store.record(incoming, Ack(), entry, done=False)
