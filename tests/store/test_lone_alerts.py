"""A webhook of alerts that comes alone to a quick disk is committed where it arrives, by the rules for acts."""

import asyncio
from pathlib import Path

import pytest

from bot.store import lone
from bot.store.alert_writer import MOST_CHARACTERS_ALONE
from bot.tasks import TaskSet
from tests.examples import NOW
from tests.store.lone_store import NEVER, Known


async def test_webhooks_prove_that_the_disk_is_quick_for_webhooks_and_acts(known: Known) -> None:
    for number in range(lone.PROOFS):
        await known.take_in(str(number))
    assert known.by_thread == lone.PROOFS
    await known.open()
    await known.take_in("alone")
    await known.record("a")
    assert known.by_thread == lone.PROOFS
    assert known.bodies()[-1] == "alone"
    assert await known.received("a")


async def test_its_row_is_that_of_the_thread(known: Known) -> None:
    await known.take_in('{"ü": 1}')
    await known.prove()
    await known.take_in('{"ü": 1}')
    assert known.by_thread == 0
    async with known.store.writing() as tx:
        first, second = await tx.intake.claim(NOW, limit=9)
    assert first.id < second.id
    assert (first.source, first.received_at, first.body, first.attempts) == (
        second.source, second.received_at, second.body, second.attempts,
    )  # fmt: skip


async def test_one_slow_commit_sends_all_to_the_thread_again(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    await known.prove()
    monkeypatch.setattr(lone, "QUICK_SECONDS", NEVER)
    await known.take_in("slow")
    assert known.by_thread == 0
    await known.take_in("after")
    assert known.by_thread == 1


async def test_those_that_come_in_the_same_moment_share_the_threads_commit(known: Known) -> None:
    await known.prove()
    await asyncio.gather(*(known.take_in(str(number)) for number in range(30)))
    assert known.by_thread == 1
    assert known.bodies() == [str(number) for number in range(30)]


async def test_a_large_one_is_the_threads(known: Known) -> None:
    await known.prove()
    await known.take_in("x" * MOST_CHARACTERS_ALONE)
    assert known.by_thread == 0
    await known.take_in("x" * (MOST_CHARACTERS_ALONE + 1))
    assert known.by_thread == 1
    assert len(known.bodies()) == 2


async def test_a_writer_of_our_own_comes_first(known: Known) -> None:
    await known.prove()
    tasks = TaskSet("test")
    async with known.store.writing():
        waiting = tasks.start(known.take_in("a"), name="waiting")
        for _ in range(5):
            await asyncio.sleep(0)
        assert known.bodies() == []
    await waiting
    assert known.bodies() == ["a"]


async def test_a_bad_row_is_refused_as_ever_and_the_next_one_stored(known: Known) -> None:
    await known.prove()
    with pytest.raises(UnicodeEncodeError):
        await known.take_in("\ud800")
    await known.take_in("good")
    assert known.bodies() == ["good"]


async def test_what_nobody_waits_for_any_more_is_not_committed(known: Known) -> None:
    await known.prove()
    gone = TaskSet("test").start(known.take_in("gone"), name="gone")
    await asyncio.sleep(0)
    gone.cancel()
    await known.take_in("stays")
    assert known.bodies() == ["stays"]


async def test_the_log_does_not_grow_for_ever(known: Known) -> None:
    """The largest that come alone: without the thread's commits they would make it 30 MB long."""
    await known.prove()
    for _ in range(4 * lone.MOST_IN_A_ROW):
        await known.take_in("x" * MOST_CHARACTERS_ALONE)
    assert known.by_thread in (3, 4)
    assert Path(f"{known.path}-wal").stat().st_size < 15_000_000


async def test_after_the_close_nobody_is_left_waiting(known: Known) -> None:
    await known.prove()
    waiting = TaskSet("test").start(known.take_in("a"), name="waiting")
    await asyncio.sleep(0)
    await known.store._alert_writer.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert known.bodies() == []
