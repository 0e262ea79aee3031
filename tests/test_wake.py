"""Bells: a ring is never lost, and it can be waited for until what was rung for is done."""

import asyncio

from bot.tasks import TaskSet
from bot.wake import Bell


async def test_a_ring_while_nobody_waits_is_remembered_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    async with asyncio.timeout(1):
        await bell.wait(60)
    await bell.wait(0.01)  # no second one


async def test_without_a_worker_it_is_quiet() -> None:
    bell = Bell()
    bell.ring()
    async with asyncio.timeout(1):
        await bell.quiet(60)


async def test_it_is_quiet_when_the_worker_is_back_and_what_it_started_is_done() -> None:
    bell, tasks, seen = Bell(), TaskSet("test"), list[str]()
    may_claim, may_send = asyncio.Event(), asyncio.Event()

    async def send() -> None:
        with bell.work():
            await may_send.wait()
            seen.append("sent")

    async def worker() -> None:
        while True:
            await bell.wait(60)
            await may_claim.wait()
            tasks.start(send(), name="send")

    tasks.start(worker(), name="worker")
    await asyncio.sleep(0)
    bell.ring()
    waiting = tasks.start(bell.quiet(60), name="quiet")
    for step in (may_claim, may_send):
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        step.set()
    async with asyncio.timeout(1):
        await waiting
    assert seen == ["sent"]
    await tasks.close()


async def test_nobody_waits_longer_than_he_wants() -> None:
    bell, tasks = Bell(), TaskSet("test")
    tasks.start(bell.wait(60), name="worker")
    await asyncio.sleep(0)
    bell.ring()
    async with asyncio.timeout(1):
        await bell.quiet(0.01)
    await tasks.close()
