"""Background tasks: waited for, or cut off, and never left behind."""

import asyncio

from bot.tasks import TaskSet


async def test_rest_waits_for_what_is_under_way_and_says_when_that_takes_too_long() -> None:
    tasks, go = TaskSet("test"), asyncio.Event()
    assert await tasks.rest(0)
    tasks.start(go.wait(), name="a")
    assert not await tasks.rest(0.01)
    assert len(tasks) == 1
    asyncio.get_running_loop().call_later(0.01, go.set)
    assert await tasks.rest(10)
    assert len(tasks) == 0


async def test_close_cuts_off() -> None:
    tasks = TaskSet("test")
    task = tasks.start(asyncio.Event().wait(), name="a")
    await tasks.close()
    assert task.cancelled()
    assert len(tasks) == 0
