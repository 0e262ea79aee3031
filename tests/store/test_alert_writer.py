"""Webhooks of alerts are committed before they are answered, and those that arrive together together."""

import asyncio

import pytest
from sqlalchemy import event

from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests.examples import NOW


async def bodies(store: SqlStore) -> list[str]:
    async with store.writing() as tx:
        return [heard.body for heard in await tx.intake.claim(NOW, limit=999)]


async def test_it_is_there_when_it_is_answered_as_often_as_it_came(store: SqlStore) -> None:
    await store.take_in("default", '{"ü": "\\u0000"}', NOW)
    await store.take_in("default", '{"ü": "\\u0000"}', NOW)
    async with store.writing() as tx:
        first, second = await tx.intake.claim(NOW, limit=9)
    assert (first.source, first.received_at, first.body, first.attempts) == ("default", NOW, '{"ü": "\\u0000"}', 1)
    assert first.id < second.id


async def test_a_burst_shares_commits_and_keeps_its_order(store: SqlStore) -> None:
    commits: list[object] = []
    event.listen(store._alert_writer._commits.engine, "commit", commits.append)
    await asyncio.gather(*(store.take_in("default", str(number), NOW) for number in range(60)))
    assert await bodies(store) == [str(number) for number in range(60)]
    assert len(commits) < 5


async def test_taking_in_and_other_writers_take_turns(store: SqlStore) -> None:
    async def write() -> None:
        async with store.writing() as tx:
            await tx.intake.claim(NOW, limit=1)

    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(write())
            group.create_task(store.take_in("default", str(number), NOW))
    assert len(await bodies(store)) == 30


async def test_one_bad_row_takes_no_others_with_it(store: SqlStore) -> None:
    ends = await asyncio.gather(
        store.take_in("default", "a", NOW), store.take_in("default", "\ud800", NOW),
        store.take_in("default", "c", NOW), return_exceptions=True,
    )  # fmt: skip
    assert (ends[0], ends[2]) == (None, None)
    assert isinstance(ends[1], Exception)
    assert await bodies(store) == ["a", "c"]


async def test_who_no_longer_waits_hinders_nobody_and_leaves_nothing(store: SqlStore) -> None:
    tasks = TaskSet("test")
    async with store.writing() as tx:
        await tx.intake.claim(NOW, limit=1)
        gone = tasks.start(store.take_in("default", "gone", NOW), name="gone")
        await asyncio.sleep(0)
        gone.cancel()
        stays = tasks.start(store.take_in("default", "stays", NOW), name="stays")
        await asyncio.sleep(0)
    await stays
    assert gone.cancelled()
    assert "stays" in await bodies(store)


async def test_closing_lets_nobody_wait_for_ever(store: SqlStore) -> None:
    tasks = TaskSet("test")
    async with store.writing() as tx:
        await tx.intake.claim(NOW, limit=1)
        for _ in range(3):
            waiting = tasks.start(store.take_in("default", "x", NOW), name="waiting")
        await asyncio.sleep(0)
        await store._alert_writer.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
