"""SQLAlchemy's engine for asyncio, as far as we use it: the same pools and dialects, each call in a greenlet.

`sqlalchemy.ext.asyncio` offers this too, and loads the whole ORM with it (6 MiB in every process), which nothing here
uses. What SQLAlchemy promises of both halves: https://docs.sqlalchemy.org/en/21/orm/extensions/asyncio.html
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, CursorResult, Dialect, Engine, Executable, PoolProxiedConnection, create_engine
from sqlalchemy.util import greenlet_spawn

from bot.tasks import to_the_end

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class AsyncConnection:
    """One connection of the pool, for one task at a time. It is in a transaction from its first statement on."""

    def __init__(self, sync: Connection) -> None:
        self._sync = sync

    @property
    def dialect(self) -> Dialect:
        return self._sync.dialect

    async def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """All rows are there when it returns. Raises what SQLAlchemy raises (`sqlalchemy.exc`)."""
        return await greenlet_spawn(self._sync.execute, statement, parameters, _require_await=True)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """`work` with the connection that does not know of asyncio; while its statements run, the loop goes on."""
        return await greenlet_spawn(work, self._sync)

    async def get_raw_connection(self) -> PoolProxiedConnection:
        """What the pool holds; its `driver_connection` is the driver's own."""
        return await greenlet_spawn(getattr, self._sync, "connection")


class AsyncEngine:
    """`sync_engine` is where events are listened to. Made by `create_async_engine`."""

    def __init__(self, sync_engine: Engine) -> None:
        self.sync_engine = sync_engine

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection. At the end of the block what is not committed is undone, and the pool gets it back."""
        sync = await greenlet_spawn(self.sync_engine.connect)
        try:
            yield AsyncConnection(sync)
        finally:
            await to_the_end(greenlet_spawn(sync.close), name="store.give_back")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """The same in a transaction that is committed at the end of the block, unless that raises."""
        async with self.connect() as connection:
            transaction = await connection.run_sync(Connection.begin)
            try:
                yield connection
            except BaseException as error:
                await greenlet_spawn(transaction.__exit__, type(error), error, error.__traceback__)
                raise
            await greenlet_spawn(transaction.__exit__, None, None, None)

    async def dispose(self) -> None:
        """Close what lies in the pool. May be repeated."""
        await greenlet_spawn(self.sync_engine.dispose)


def create_async_engine(address: URL, **options: Any) -> AsyncEngine:
    """`options` are those of `sqlalchemy.create_engine`. The driver must be one for asyncio."""
    engine = create_engine(address, **options)
    if not engine.dialect.is_async:
        raise ValueError(f"{address.drivername} has no driver for asyncio")
    return AsyncEngine(engine)
