"""Where the contestants of a bench keep their rows: a SQLite file in each one's folder, or databases of one PostgreSQL.

That PostgreSQL waits for the disk as one in earnest does; the one of the other tests does not.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgresql import Cluster, need_programs

KINDS = ("sqlite", "postgresql")
IN_EARNEST = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "128MB", "autovacuum": "on"}


class Databases:
    """One for each contestant."""

    def __init__(self, cluster: Cluster | None) -> None:
        self._cluster = cluster
        self._names: dict[Path, str] = {}

    def environ(self, folder: Path) -> Mapping[str, str]:
        """What tells a contestant of its database, made for it now if it takes making."""
        if self._cluster is None:
            return {}
        self._names[folder] = self._cluster.create()
        return {"DATABASE_URL": self._url(folder)}

    def rows_in(self, folder: Path, table: str) -> int:
        """How many rows our table has in that contestant's database."""
        statement = f"SELECT count(*) FROM {table}"  # noqa: S608
        if self._cluster is None:
            with contextlib.closing(sqlite3.connect(folder / "tiphys.db")) as file:
                return int(file.execute(statement).fetchone()[0])
        with psycopg.connect(self._url(folder).replace("+psycopg", "")) as server:
            [count] = server.execute(statement.encode()).fetchone() or [0]
            return int(count)

    def _url(self, folder: Path) -> str:
        assert self._cluster is not None
        return self._cluster.url(self._names[folder])


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """Skips the bench where PostgreSQL is asked for and not installed."""
    if kind == "sqlite":
        yield Databases(None)
        return
    cluster = Cluster(need_programs(), IN_EARNEST)
    try:
        cluster.start()
        yield Databases(cluster)
    finally:
        cluster.close()
