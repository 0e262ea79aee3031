"""Webhooks that were taken in, on both databases."""

import asyncio
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


async def test_what_is_large_comes_alone(store: SqlStore) -> None:
    await take_in(store, "a" * 50, "b" * 60, "c" * 500, "d")
    taken = []
    for _ in range(3):
        async with store.writing() as tx:
            claimed = await tx.intake.claim(NOW, limit=9, most=120)
            await tx.intake.remove([heard.id for heard in claimed])
        taken.append("".join(heard.body[0] for heard in claimed))
    assert taken == ["ab", "c", "d"]


async def test_how_much_waits_and_since_when(store: SqlStore) -> None:
    await take_in(store, "a", "b")
    async with store.writing() as tx:
        [first, _] = await tx.intake.claim(NOW, limit=9)
        assert await tx.intake.waiting_since() == NOW
        await tx.intake.postpone(first.id, until=NOW + MINUTE, error="later")
    async with store.reading() as tx:
        assert (await tx.intake.count(), await tx.intake.count_due(NOW)) == (2, 1)


async def test_what_came_first_is_worked_off_first_by_whichever_process(url: str, store: SqlStore) -> None:
    await take_in(store, "a", "b")
    other, order = SqlStore(url), list[str]()

    async def work(by: SqlStore) -> None:
        async with by.writing() as tx:
            for heard in await tx.intake.claim(NOW, limit=1):
                order.append(heard.body)
                await asyncio.sleep(0)
                await tx.intake.remove([heard.id])

    await asyncio.gather(work(store), work(other))
    await other.close()
    assert order == ["a", "b"]


async def test_no_number_is_given_out_twice(store: SqlStore) -> None:
    numbers = []
    for _ in range(3):
        await take_in(store, "a")
        async with store.writing() as tx:
            [heard] = await tx.intake.claim(NOW, limit=9)
            await tx.intake.remove([heard.id])
        numbers.append(heard.id)
    assert numbers == sorted(set(numbers))
