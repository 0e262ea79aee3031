"""Transactions on SQLite: no update is lost, readers wait for nobody, and only one process writes."""

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.store.asyncio_engine import AsyncEngine
from bot.store.engine import close_engine, open_engine, sqlite_path
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests import examples

WRITERS, ROUNDS = 4, 30


@pytest.fixture
def counter(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/counter.db"


async def count_up(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        value = (await connection.execute(text("SELECT value FROM counter"))).scalar_one()
        await asyncio.sleep(0)
        await connection.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})


async def test_no_update_is_lost(counter: str) -> None:
    """With the driver's own transactions most of these vanish without an error; see the docs on SQLite."""
    engine = open_engine(counter)

    async def work() -> None:
        for _ in range(ROUNDS):
            await count_up(engine)

    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))
    await asyncio.gather(*(work() for _ in range(WRITERS)))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT value FROM counter"))).scalar_one() == WRITERS * ROUNDS
    await close_engine(engine)


async def test_of_idle_connections_one_alone_is_used_again(counter: str) -> None:
    """Each keeps pages of its own, so that in turn they would keep the same pages many times."""
    engine = open_engine(counter, writes=False)
    all_open = asyncio.Barrier(3)

    async def used(*, with_others: bool) -> object:
        async with engine.connect() as connection:
            if with_others:
                await all_open.wait()
            return (await connection.get_raw_connection()).driver_connection

    opened = await asyncio.gather(*(used(with_others=True) for _ in range(3)))
    again = [await used(with_others=False) for _ in range(6)]
    assert (len(set(opened)), len(set(again))) == (3, 1)
    await close_engine(engine)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 10_000)]
)
async def test_every_connection_has_its_settings(counter: str, pragma: str, value: object) -> None:
    for writes in (True, False):
        engine = open_engine(counter, writes=writes)
        async with engine.connect() as connection:
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value
        await close_engine(engine)


async def test_a_change_of_the_schema_rolls_back_whole(counter: str) -> None:
    engine = open_engine(counter)

    async def fail() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE half_done (value INTEGER)"))
            await connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(OperationalError, match="nowhere"):
        await fail()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM sqlite_master"))).scalar_one() == 0
    await close_engine(engine)


class Holding:
    """A call that goes on when it is told to."""

    def __init__(self) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.began.set()
        self.go_on.wait(10)
        return 1


async def _cancelled_while_it_holds(engine: AsyncEngine, work: Coroutine[Any, Any, None], held: Holding) -> None:
    """Its thread is at work when the task has ended, and ended when the engine is closed."""
    before = set(threading.enumerate())
    asking = TaskSet("test").start(work, name="ask")
    await asyncio.to_thread(held.began.wait, 10)
    for _ in range(2):  # the second time while the connection is being closed
        asking.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asking
    [thread] = [made for made in set(threading.enumerate()) - before if "_connection_worker_thread" in made.name]
    assert thread.is_alive()
    threading.Timer(0.05, held.go_on.set).start()
    await close_engine(engine)
    assert not thread.is_alive()


async def test_closing_waits_for_the_thread_of_a_statement_that_was_cancelled(counter: str) -> None:
    """It ends its connection by itself, and would tell a loop that is closed by then."""
    engine, held = open_engine(counter), Holding()

    async def ask() -> None:
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            await raw.driver_connection.create_function("hold", 0, held)
            await connection.execute(text("SELECT hold()"))

    await _cancelled_while_it_holds(engine, ask(), held)


async def test_closing_waits_for_the_thread_of_a_connection_that_was_given_up(
    counter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool has never heard of it."""
    engine, held, connect = open_engine(counter), Holding(), sqlite3.connect

    def slowly(*arguments: Any, **options: Any) -> sqlite3.Connection:
        held()
        made: sqlite3.Connection = connect(*arguments, **options)
        return made

    async def ask() -> None:
        async with engine.connect():
            raise AssertionError("it was cancelled before")

    monkeypatch.setattr("aiosqlite.core.sqlite3.connect", slowly)
    await _cancelled_while_it_holds(engine, ask(), held)


async def test_a_reader_waits_for_nobody_and_sees_one_picture(store: SqlStore) -> None:
    async with store.reading() as before:
        assert await before.changes.list_open() == []
        async with store.writing() as tx:
            await tx.changes.insert(examples.change())
            async with store.reading() as during:
                assert await during.changes.list_open() == []
        assert await before.changes.list_open() == []
    async with store.reading() as after:
        assert len(await after.changes.list_open()) == 1


async def test_what_raises_is_rolled_back(store: SqlStore) -> None:
    async def fail() -> None:
        async with store.writing() as tx:
            await tx.changes.insert(examples.change())
            raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError):
        await fail()
    async with store.reading() as tx:
        assert await tx.changes.list_open() == []


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite+aiosqlite:////var/lib/tiphys/tiphys.db", Path("/var/lib/tiphys/tiphys.db")),
        ("sqlite+aiosqlite:///tiphys.db", Path("tiphys.db")),
        ("sqlite+aiosqlite://", None),
        ("postgresql+psycopg://localhost/tiphys", None),
    ],
)
def test_the_file_of_an_address(url: str, path: Path | None) -> None:
    assert sqlite_path(url) == path
