"""What comes alone to a quick disk is committed where it arrives; in every other case nothing waits there: acts."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError

from bot.domain.incoming import Ack
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.store import lone
from bot.tasks import TaskSet
from tests.store.lone_store import FOR_EVER, NEVER, Known
from tests.store.test_recorder import CHANGE, act, counts, entry


async def test_only_a_disk_that_was_quick_often_enough_is_waited_for_by_the_loop(known: Known) -> None:
    for number in range(lone.PROOFS):
        assert await known.record(str(number)) is None
    assert known.by_thread == lone.PROOFS
    await known.prove()
    assert await known.record("a") is None
    assert known.by_thread == 0
    assert await known.received("a")


async def test_one_slow_commit_sends_all_to_the_thread_again(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    await known.prove()
    monkeypatch.setattr(lone, "QUICK_SECONDS", NEVER)
    await known.record("slow")
    assert known.by_thread == 0
    monkeypatch.setattr(lone, "QUICK_SECONDS", FOR_EVER)
    for number in range(lone.PROOFS + 1):
        await known.record(str(number))
    assert known.by_thread == lone.PROOFS


async def test_rows_and_answers_are_those_of_the_thread(known: Known) -> None:
    await known.prove()
    answer = Answer.refusal("unknown-button", Text.of("no such button"))
    first = Ack(text=Text.of("no"))
    before = await counts(known.store)
    assert await known.store.record(act("a"), first, entry(), done=True, answer=answer) is None
    assert await known.record("a") == first
    assert known.by_thread == 0
    assert await counts(known.store) == (before[0], before[1] + 1, before[2] + 1)


async def test_those_who_come_in_the_same_moment_share_the_threads_commit(known: Known) -> None:
    await known.prove()
    await asyncio.gather(*(known.record(str(number)) for number in range(30)))
    assert known.by_thread == 1


async def test_cards_are_touched_by_the_thread_alone(known: Known) -> None:
    await known.prove()
    await known.store.record(act("a"), Ack(), entry(), done=True, touch=CHANGE)
    assert known.by_thread == 1
    assert (await counts(known.store))[2] == 1


async def test_the_loop_never_waits_for_another_writer(known: Known) -> None:
    await known.prove()
    tasks = TaskSet("test")
    with closing(sqlite3.connect(known.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = asyncio.get_running_loop().time()
        waiting = tasks.start(known.record("a"), name="waiting")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.get_running_loop().time() - started < 5  # the thread would wait for ten seconds
        assert not waiting.done()
        other.execute("COMMIT")
    assert await waiting is None
    assert known.by_thread == 1
    assert await known.received("a")


async def test_a_writer_of_our_own_comes_first(known: Known) -> None:
    await known.prove()
    tasks = TaskSet("test")
    async with known.store.writing():
        waiting = tasks.start(known.record("a"), name="waiting")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not await known.received("a")
    assert await waiting is None


async def test_a_bad_act_is_refused_as_ever_and_the_next_one_stored(known: Known) -> None:
    await known.prove()
    bad = entry(at=entry().at.replace(tzinfo=None))
    with pytest.raises((ValueError, StatementError)):
        await known.store.record(act("bad"), Ack(), bad, done=False)
    assert not await known.received("bad")
    assert await known.record("good") is None


async def test_what_nobody_waits_for_any_more_is_not_committed(known: Known) -> None:
    await known.prove()
    gone = TaskSet("test").start(known.record("gone"), name="gone")
    await asyncio.sleep(0)
    gone.cancel()
    assert await known.record("stays") is None
    assert not await known.received("gone")


async def test_a_lost_connection_is_replaced(known: Known) -> None:
    await known.prove()
    known.lone._connection.close()
    assert await known.record("a") is None
    assert known.by_thread == 1
    await known.prove()
    assert await known.record("b") is None
    assert known.by_thread == 0


async def test_the_log_does_not_grow_for_ever(known: Known) -> None:
    """Only the thread's commits move it into the database; without them it would have about 20 MB here."""
    await known.prove()
    for number in range(4 * lone.MOST_IN_A_ROW):
        await known.record(str(number))
    assert known.by_thread in (3, 4)
    assert Path(f"{known.path}-wal").stat().st_size < 10_000_000


async def test_after_the_close_nobody_is_left_waiting(known: Known) -> None:
    await known.prove()
    waiting = TaskSet("test").start(known.record("a"), name="waiting")
    await asyncio.sleep(0)
    await known.store._recorder.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not await known.received("a")
