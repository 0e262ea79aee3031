"""What is long done is removed, page by page; what is due, new, or knows of something that is told once stays."""

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.lifecycle import State
from bot.domain.outgoing import Outgoing
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.ports_forgetting import Forgotten
from bot.store.store import SqlStore
from tests import examples
from tests.examples import CHANGE, DEPLOYMENTS, MINUTE, NOW

OVER = ChangeId(CHANGE[::-1])


async def record(store: SqlStore, key: str, *, minutes: int = 0, done: bool = True) -> Ack | None:
    act = Incoming(id=key, kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=None)
    at = NOW + minutes * MINUTE
    entry = AuditEntry(at=at, actor="U0DEV1", action="received.click", outcome="done", text="…")
    return await store.record(act, Ack(), entry, done=done)


async def forget(store: SqlStore, rows: str, *, limit: int = 9) -> tuple[int, int]:
    """Everything that was done before `NOW`, in pages; how many were removed, and how many pages that took."""
    removed, pages, last = 0, 0, None
    while True:
        async with store.writing() as tx:
            page: Forgotten = await getattr(tx, rows).forget(NOW, after=last, limit=limit)
        removed, pages, last = removed + page.removed, pages + 1, page.last
        if last is None:
            return removed, pages


async def shown(store: SqlStore) -> list[str]:
    """Everything that waits to be shown is shown now."""
    async with store.writing() as tx:
        due: list[Outgoing] = await tx.outbox.list_due(NOW, limit=99)
        for item in due:
            await tx.outbox.mark_sent(item)
    return [item.key for item in due]


async def test_acts_that_are_worked_off_and_old_are_forgotten_and_their_audit_is_not(store: SqlStore) -> None:
    for number in range(5):
        await record(store, f"old-{number}", minutes=-1)
    await record(store, "new", minutes=1)
    await record(store, "due", minutes=-1, done=False)
    assert await forget(store, "inbound", limit=2) == (5, 4)
    async with store.reading() as tx:
        assert len(await tx.audit.list()) == 7
        assert [recorded.incoming.id for recorded in await tx.inbound.list_due(NOW, limit=9)] == ["due"]
    assert await record(store, "new", minutes=2) == Ack(), "still known"
    assert await record(store, "old-1", minutes=2) is None, "a new one by now"


async def test_what_was_shown_long_ago_is_forgotten_unless_it_is_told_once(store: SqlStore) -> None:
    before = NOW - MINUTE
    asked = Request(id="t1", user=UserId("U0DEV1"), channel=DEPLOYMENTS, respond_to="https://example.com/respond")
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())
        await tx.changes.insert(examples.change(State.ABORTED, id=OVER, environment="staging", due_at=None))
        for change in (CHANGE, OVER):
            await tx.outbox.touch_card(change, now=before)
            await tx.outbox.note(change, "asked", Text.of("…"), now=before)
        await tx.outbox.notice("once", DEPLOYMENTS, Text.of("…"), now=before)
        await tx.outbox.answer(asked, Answer(text=Text.of("…")), now=before)
    assert await forget(store, "outbox") == (0, 1), "nothing of it is shown"
    assert len(await shown(store)) == 6
    async with store.writing() as tx:
        await tx.outbox.note(OVER, "later", Text.of("…"), now=NOW)
    assert (await forget(store, "outbox"))[0] == 3

    async with store.writing() as tx:
        for change in (CHANGE, OVER):
            await tx.outbox.touch_card(change, now=NOW)
            await tx.outbox.note(change, "asked", Text.of("…"), now=NOW)
        await tx.outbox.notice("once", DEPLOYMENTS, Text.of("…"), now=NOW)
    assert sorted(await shown(store)) == sorted(
        [f"card:{CHANGE}", f"card:{OVER}", f"note:{OVER}:asked", f"note:{OVER}:later"]
    )


async def test_of_a_change_that_is_over_and_still_tidied_up_nothing_is_forgotten(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change(State.ABORTED, due_at=NOW))
        await tx.outbox.note(CHANGE, "closed", Text.of("…"), now=NOW - MINUTE)
    await shown(store)
    assert (await forget(store, "outbox"))[0] == 0
