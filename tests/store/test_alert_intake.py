"""Webhooks that were taken in, on both databases."""

from datetime import timedelta

from sqlalchemy import insert

from bot.store.store import SqlStore
from bot.store.tables import alert_intake
from tests.examples import NOW

MINUTE = timedelta(minutes=1)


async def take_in(store: SqlStore, *bodies: str) -> None:
    async with store.writing() as tx:
        for body in bodies:
            row = {"source": "default", "received_at": NOW, "body": body, "due_at": NOW, "attempts": 0}
            await tx.connection.execute(insert(alert_intake).values(row))


async def test_the_oldest_come_first_and_go_when_they_are_worked_off(store: SqlStore) -> None:
    await take_in(store, "a", "b", "c")
    async with store.writing() as tx:
        assert await tx.intake.count() == 3
        first, second = await tx.intake.claim(NOW, limit=2)
        assert (first.body, second.body, first.attempts) == ("a", "b", 1)
        await tx.intake.remove([first.id, second.id])
    async with store.writing() as tx:
        assert [heard.body for heard in await tx.intake.claim(NOW, limit=9)] == ["c"]


async def test_what_fails_comes_again_or_never(store: SqlStore) -> None:
    await take_in(store, "a", "b")
    async with store.writing() as tx:
        first, second = await tx.intake.claim(NOW, limit=9)
        await tx.intake.postpone(first.id, until=NOW + MINUTE, error="later")
        await tx.intake.postpone(second.id, until=None, error="never")
    async with store.writing() as tx:
        assert await tx.intake.claim(NOW, limit=9) == []
        assert await tx.intake.next_due(NOW) == NOW + MINUTE
        [again] = await tx.intake.claim(NOW + MINUTE, limit=9)
        assert (again.body, again.attempts) == ("a", 2)
        assert await tx.intake.count() == 1


async def test_what_another_process_works_on_is_left_to_it(store: SqlStore) -> None:
    await take_in(store, "a", "b")
    if store.leads and store._pinned is None:  # SQLite has one writer, and it is this process
        return
    async with store.writing() as one:
        [first] = await one.intake.claim(NOW, limit=1)
        async with store.writing() as other:
            assert [heard.body for heard in await other.intake.claim(NOW, limit=9)] == ["b"]
        await one.intake.remove([first.id])
