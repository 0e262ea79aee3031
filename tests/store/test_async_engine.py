"""The engine for asyncio: blocks commit or undo, and the pool gets its connection back whatever becomes of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from bot.store.async_engine import AsyncEngine, create_async_engine
from bot.store.engine import close_engine, open_engine
from bot.tasks import TaskSet

COUNT, INSERT = text("SELECT count(*) FROM numbers"), text("INSERT INTO numbers VALUES (:number)")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/numbers.db")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE numbers (number INTEGER)"))
    yield engine
    await close_engine(engine)


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(COUNT)).scalar_one())


async def test_a_block_commits_and_many_rows_are_one_call(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(INSERT, [{"number": 1}, {"number": 2}])
    assert await count(engine) == 2


async def test_a_block_that_raises_is_undone_and_gives_its_connection_back(engine: AsyncEngine) -> None:
    async def fail() -> None:
        async with engine.begin() as connection:
            await connection.execute(INSERT, {"number": 1})
            raise ValueError("no")

    for _ in range(20):  # more than the pool has
        with pytest.raises(ValueError, match="no"):
            await fail()
    assert await count(engine) == 0


async def test_a_block_without_commit_is_undone(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(INSERT, {"number": 1})
    assert await count(engine) == 0


async def test_a_block_that_is_cancelled_is_undone_and_gives_its_connection_back(engine: AsyncEngine) -> None:
    tasks = TaskSet("test")

    async def hang(began: asyncio.Event) -> None:
        async with engine.begin() as connection:
            await connection.execute(INSERT, {"number": 1})
            began.set()
            await asyncio.Event().wait()

    for _ in range(20):
        began = asyncio.Event()
        tasks.start(hang(began), name="hang")
        await began.wait()
        await tasks.close()
    assert await count(engine) == 0


async def test_its_events_and_work_see_one_connection(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(INSERT, {"number": 7})
        assert await connection.run_sync(lambda sync: sync.execute(text("SELECT number FROM numbers")).scalar()) == 7
        assert connection.dialect is engine.sync_engine.dialect


async def test_a_driver_without_asyncio_is_refused() -> None:
    with pytest.raises(ValueError, match="no driver for asyncio"):
        create_async_engine(make_url("sqlite://"))
