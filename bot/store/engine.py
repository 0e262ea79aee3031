"""Opening the database: SQLite's settings, its transactions, and the one-process lock."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_MILLISECONDS = 10_000


class DatabaseInUse(Exception):
    """Another process holds this SQLite database."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the database {path} is in use by another tiphys: end that one, or give this one its own DATABASE_URL"
        )
        self.path = path


class FileLock:
    """An operating-system lock beside the database file: SQLite mode allows one writing process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Raises `DatabaseInUse`. The lock goes with the process, however that ends."""
        self._database.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{self._database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise DatabaseInUse(self._database) from None
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address, None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def open_engine(url: str, *, writes: bool = True) -> AsyncEngine:
    """An engine whose transactions begin `IMMEDIATE` when it writes, so that no update is lost on SQLite.

    With SQLAlchemy's defaults two read-modify-write transactions on SQLite silently overwrite each other; a plain
    `BEGIN` fails with "database is locked" instead. Engines that only read use the plain one.
    """
    engine = create_async_engine(url)
    _set_up(engine.sync_engine, writes=writes)
    return engine


def open_blocking_engine(url: str) -> Engine:
    """The same for a thread that only writes: its statements block the thread, not the loop."""
    address = make_url(url)
    engine = create_engine(address.set(drivername=address.get_backend_name()))
    _set_up(engine, writes=True)
    return engine


def _set_up(engine: Engine, *, writes: bool) -> None:
    if engine.dialect.name == "sqlite":
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
