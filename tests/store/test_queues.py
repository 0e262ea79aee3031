"""What metrics ask of the tables: how much waits, since when, and how the open changes stand."""

from datetime import timedelta

from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.domain.text import Text
from bot.metrics import read_waiting
from bot.ports_store import ChangeCount, Queue
from bot.store.store import SqlStore
from tests import examples
from tests.alert_examples import group
from tests.examples import DEPLOYMENTS, HOUR, MINUTE, NOW

NONE = Queue(due=0, later=0, age=timedelta())


async def test_an_empty_database(store: SqlStore) -> None:
    async with store.reading() as tx:
        found = await read_waiting(tx, NOW)
    assert (found.changes, found.due, found.inbound, found.outbox) == ((), NONE, NONE, NONE)


async def test_open_changes_are_counted_by_what_they_are(store: SqlStore) -> None:
    async with store.writing() as tx:
        for number, (environment, state) in enumerate([
            ("production", State.MERGING), ("staging", State.MERGING), ("other", State.HELD),
            ("production", State.FAILED),
        ]):  # fmt: skip
            change = examples.change(state, id=ChangeId(f"{number}" * 26), environment=environment, due_at=NOW - MINUTE)
            await tx.changes.insert(change)
        later = examples.change(
            State.HELD, id=ChangeId("9" * 26), application="b", environment="other", due_at=NOW + HOUR
        )
        await tx.changes.insert(later)
    async with store.reading() as tx:
        found = await read_waiting(tx, NOW)
    assert sorted(found.changes, key=lambda count: count.environment) == [
        ChangeCount(kind="promotion", environment="other", state="held", number=2),
        ChangeCount(kind="promotion", environment="production", state="merging", number=1),
        ChangeCount(kind="promotion", environment="staging", state="merging", number=1),
    ]
    assert found.due == Queue(due=4, later=1, age=MINUTE)


async def test_what_is_to_be_shown_waits_from_when_it_came_and_a_card_from_when_it_last_changed(
    store: SqlStore,
) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())
        await tx.outbox.touch_card(examples.CHANGE, now=NOW - HOUR)
        await tx.outbox.touch_card(examples.CHANGE, now=NOW - MINUTE)
        assert await tx.outbox.queue(NOW) == Queue(due=1, later=0, age=MINUTE)
        await tx.outbox.notice("a", DEPLOYMENTS, Text.of("a"), now=NOW - 2 * MINUTE)
        [card, notice] = await tx.outbox.list_due(NOW, limit=10)
        await tx.outbox.postpone(notice, until=NOW + HOUR, error="no")
        assert await tx.outbox.queue(NOW) == Queue(due=1, later=1, age=2 * MINUTE)
        await tx.outbox.mark_sent(card)
        await tx.outbox.give_up(notice, error="no")
        assert await tx.outbox.queue(NOW) == NONE


async def test_alerts_wait_in_a_queue_of_their_own(store: SqlStore) -> None:
    async with store.writing() as tx:
        shown = await tx.alerts.insert(group())
        for minutes in (2, 1):
            await tx.outbox.touch_alert(shown, now=NOW - minutes * MINUTE)
        assert await tx.outbox.alerts_queue(NOW) == Queue(due=1, later=0, age=2 * MINUTE)
        assert await tx.outbox.queue(NOW) == NONE


async def test_steps_are_told_once_they_are_committed_and_never_when_they_are_not(url: str) -> None:
    told: list[tuple[State, State]] = []
    store = SqlStore(url, on_move=lambda before, after: told.append((before.state, after.state)))
    before, after = examples.change(), examples.change(State.HELD)
    try:
        async with store.writing() as tx:
            tx.moved(before, after)
            assert told == []
        assert told == [(State.WAITING_FOR_APPROVAL, State.HELD)]
        try:
            async with store.writing() as tx:
                tx.moved(before, after)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert len(told) == 1
    finally:
        await store.close()
