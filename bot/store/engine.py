"""Opening the database: each kind's settings and transactions, and SQLite's one-process lock."""

import asyncio
import time
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from bot.store.asyncio_engine import AsyncEngine, create_async_engine
from bot.store.locked_file import LockedFile
from bot.store.unavailable import let_go_when_read_only

if TYPE_CHECKING:
    import aiosqlite

BUSY_MILLISECONDS = 10_000
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 10
"""How long PostgreSQL may take for one statement, or leave a transaction idle, before it is waited for elsewhere."""
RECORD_SECONDS = 2
"""The same where Slack's three seconds run."""
CLOSE_SECONDS = 2
"""How long the threads of SQLite's connections may take to end, all together."""

_THREADS: WeakKeyDictionary[Engine, WeakSet[Thread]] = WeakKeyDictionary()


class DatabaseInUse(Exception):
    """Another process holds this SQLite database."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the database {path} is in use by another tiphys: end that one, or give this one its own DATABASE_URL"
        )
        self.path = path


class FileLock(LockedFile):
    """Held beside the database file: SQLite mode allows one writing process. Raises `DatabaseInUse`."""

    def __init__(self, database: Path) -> None:
        super().__init__(Path(f"{database}.lock"), DatabaseInUse(database))


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address, None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if is_sqlite(url) and parsed.database else None


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def open_engine(url: str, *, writes: bool = True) -> AsyncEngine:
    """An engine whose transactions lose no update; one that only reads shows one picture in each of them.

    With SQLAlchemy's defaults two read-modify-write transactions on SQLite silently overwrite each other, and a plain
    `BEGIN` fails with "database is locked": those that write begin `IMMEDIATE`. On PostgreSQL those that write are
    `READ COMMITTED`: compare-and-swap, unique indexes and row locks keep them apart.
    """
    if not is_sqlite(url):
        from bot.store.cancelling import QuickToCancel  # loads the driver, which SQLite does without

        arguments = connect_arguments(url, STATEMENT_SECONDS, writes=writes)
        engine = create_async_engine(
            url, pool_pre_ping=True, pool_size=5, max_overflow=10, pool_timeout=CONNECT_SECONDS,
            isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
            connect_args={**arguments, "async_creator_fn": QuickToCancel.connect},
        )  # fmt: skip
        if writes:
            let_go_when_read_only(engine.sync_engine)
        return engine
    threads: WeakSet[Thread] = WeakSet()
    # The one that was given back last is taken: each keeps up to 2 MiB of pages, in turn all would keep the same ones.
    engine = create_async_engine(url, pool_use_lifo=True, connect_args={"async_creator_fn": partial(_connect, threads)})
    _THREADS[engine.sync_engine] = threads
    _set_up_sqlite(engine.sync_engine, writes=writes)
    return engine


def _connect(threads: WeakSet[Thread], *arguments: Any, **options: Any) -> "aiosqlite.Connection":
    """A connection that is opened when it is awaited, in the thread that all its statements run in. The driver keeps
    that to itself (aiosqlite/core.py, `Connection.__init__`)."""
    import aiosqlite  # which PostgreSQL does without

    made = aiosqlite.connect(*arguments, **options)
    made._thread.daemon = True
    threads.add(made._thread)
    return made


async def close_engine(engine: AsyncEngine) -> None:
    """Give back every connection; may be repeated.

    Whoever is cancelled while he opens a connection or waits for a statement leaves it to be closed by the
    connection's own thread, some time later and outside the pool. That thread speaks to the loop, so the loop must not
    be closed before it has ended.
    """
    await engine.dispose()
    threads = [thread for thread in _THREADS.get(engine.sync_engine, ()) if thread.is_alive()]
    if threads:
        await asyncio.to_thread(_join, threads, time.monotonic() + CLOSE_SECONDS)


def _join(threads: list[Thread], until: float) -> None:
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def open_blocking_engine(url: str) -> Engine:
    """The same for a thread that only writes: its statements block the thread, not the loop."""
    address = make_url(url)
    if not is_sqlite(url):
        engine = create_engine(
            address, pool_size=1, max_overflow=0, isolation_level="READ COMMITTED",
            connect_args=connect_arguments(url, RECORD_SECONDS),
        )  # fmt: skip
        let_go_when_read_only(engine)
        return engine
    engine = create_engine(address.set(drivername=address.get_backend_name()))
    _set_up_sqlite(engine, writes=True)
    return engine


def open_without_waiting(engine: Engine) -> Any:
    """A connection to the same SQLite, of its own, that does not wait for other writers and makes no checkpoints."""
    arguments, named = engine.dialect.create_connect_args(engine.url)
    connection: Any = engine.dialect.connect(*arguments, **named)
    _prepare_sqlite(connection, None)
    connection.execute("PRAGMA busy_timeout=0")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def connect_arguments(url: str, seconds: float, *, writes: bool = True) -> dict[str, Any]:
    """What a connection to PostgreSQL is opened with: nothing of it waits for ever. What the address says wins."""
    milliseconds = round(seconds * 1000)
    told = {
        "statement_timeout": milliseconds, "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
        "default_transaction_read_only": "off" if writes else "on",
    }  # fmt: skip
    address: URL = make_url(url)
    ours: dict[str, Any] = {
        "connect_timeout": min(CONNECT_SECONDS, round(seconds)), "application_name": "tiphys",
        "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 10_000,
    }  # fmt: skip
    arguments = {name: value for name, value in ours.items() if name not in address.query}
    theirs = address.query.get("options", "")
    options = " ".join(f"-c {name}={value}" for name, value in told.items())
    return {**arguments, "options": f"{options} {theirs if isinstance(theirs, str) else ' '.join(theirs)}".strip()}


def _set_up_sqlite(engine: Engine, *, writes: bool) -> None:
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: _begin(connection, begin))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    try:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL", f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON", "synchronous=FULL",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except BaseException:
        connection.close()  # of a file that is no database: SQLAlchemy would leave it open, and its thread running
        raise


def _begin(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
