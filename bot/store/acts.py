"""What one person did as the rows that record it, and writing them by a cursor inside a transaction that others begin.

The statements are compiled once: SQLAlchemy takes several times as long to execute one as SQLite does. To PostgreSQL,
where every statement is a way there and back, all of them go at once, one for each act.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Dialect, Table
from sqlalchemy.exc import DBAPIError

from bot.domain.identity import ChangeId
from bot.store.inserting import unless_known
from bot.store.notices import CHANNEL
from bot.store.tables import audit_entries, inbound, outbox

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The rows of one act, and who waits for them."""

    id: str
    at: datetime
    received: Row
    audited: Row
    answered: Row | None
    touch: ChangeId | None
    known: asyncio.Future[str | None]  # the ack that an earlier delivery got


class Cursor(Protocol):
    """As much of the drivers' cursors as is used."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, statement: str, values: Any = ..., /) -> object: ...
    def fetchall(self) -> Sequence[Sequence[Any]]: ...


class ActRows:
    """Writes acts to one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._into_inbound = _Insert(inbound, dialect)
        self._into_audit = _Insert(audit_entries, dialect)
        self._into_outbox = _Insert(outbox, dialect)
        self._at_once = _at_once(self._into_inbound, self._into_audit)
        self._at_once_with_answer = _at_once(self._into_inbound, self._into_audit, self._into_outbox)

    def write_all(self, connection: Any, acts: Sequence[Act], *, ring: str = "") -> list[str | None]:
        """The same as `write` for each, in order, on the driver's own connection. On PostgreSQL the other processes are
        told `ring` with it."""
        if self._dialect.name == "sqlite":
            cursor = connection.cursor()
            return [self.write(cursor, act) for act in acts]
        cursors = []
        with connection.pipeline():
            for act in acts:
                rows = [(self._into_inbound, act.received), (self._into_audit, act.audited)]
                if act.answered is not None:
                    rows.append((self._into_outbox, act.answered))
                values = {name: value for into, row in rows for name, value in into.named(row).items()}
                statement = self._at_once if act.answered is None else self._at_once_with_answer
                cursors.append(connection.cursor().execute(statement, values))
            if ring:
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, ring))
        is_new = [cursor.fetchone()[0] == 1 for cursor in cursors]
        return [
            None if new else connection.execute("SELECT ack FROM inbound WHERE id = %s", (act.id,)).fetchone()[0]
            for act, new in zip(acts, is_new, strict=True)
        ]

    def write(self, cursor: Cursor, act: Act) -> str | None:
        """Insert its rows into SQLite. Of an act that is known nothing is written again: answers the ack that was given
        then."""
        cursor.execute(self._into_inbound.statement, self._into_inbound.values(act.received))
        if cursor.rowcount != 1:
            cursor.execute("SELECT ack FROM inbound WHERE id = ?", (act.id,))
            [(ack,)] = cursor.fetchall()
            return str(ack)
        cursor.execute(self._into_audit.statement, self._into_audit.values(act.audited))
        if act.answered is not None:
            cursor.execute(self._into_outbox.statement, self._into_outbox.values(act.answered))
        return None

    @contextmanager
    def errors_as_usual(self) -> Iterator[None]:
        """The driver's errors as the rest of the store knows them."""
        base = self._dialect.loaded_dbapi.Error
        try:
            yield
        except base as error:
            raise DBAPIError.instance(None, None, error, base, dialect=self._dialect) from error


class _Insert:
    """An INSERT that leaves a row that is there as it is."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if column.autoincrement is not True]
        self.table, self.names = table.name, [column.name for column in columns]
        self.statement = str(unless_known(table, dialect).inline().compile(dialect=dialect, column_keys=self.names))
        self._columns = [(column.name, column.type.bind_processor(dialect)) for column in columns]

    def values(self, row: Row) -> list[Any]:
        return [convert(row.get(name)) if convert else row.get(name) for name, convert in self._columns]

    def named(self, row: Row) -> dict[str, Any]:
        """The same by the names that `_at_once` gives them."""
        return {f"{self.table}_{name}": value for name, value in zip(self.names, self.values(row), strict=True)}


def _at_once(first: _Insert, *more: _Insert) -> str:
    """A statement for PostgreSQL that inserts the first row, and the others only if that one is new; answers how many
    first rows were."""
    parts = [
        f"first AS ({_insert(first)} RETURNING id)",
        *(f"{m.table}_ AS ({_insert(m, ' FROM first')})" for m in more),
    ]
    return f"WITH {', '.join(parts)} SELECT count(*) FROM first"  # noqa: S608


def _insert(into: _Insert, source: str = "") -> str:
    values = ", ".join(f"%({into.table}_{name})s" for name in into.names)
    return f"INSERT INTO {into.table} ({', '.join(into.names)}) SELECT {values}{source} ON CONFLICT DO NOTHING"
