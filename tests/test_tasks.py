"""Background tasks: waited for, or cut off, and never left behind."""

import asyncio

import pytest

from bot.tasks import TaskSet, to_the_end


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


async def test_what_goes_to_the_end_is_not_broken_off_however_often_its_caller_is_cancelled() -> None:
    go, done = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        await go.wait()
        done.set()
        return "done"

    caller = TaskSet("test").start(to_the_end(work(), name="work"), name="caller")
    for _ in range(3):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done.is_set()


async def test_what_goes_to_the_end_answers_and_raises_for_itself() -> None:
    async def work(number: int) -> float:
        return 1 / number

    assert await to_the_end(work(2), name="work") == 0.5
    with pytest.raises(ZeroDivisionError):
        await to_the_end(work(0), name="work")
