"""What one person did as the rows that record it, and writing them by a cursor inside a transaction that others begin.

The statements are compiled once: SQLAlchemy takes several times as long to execute one as SQLite does.
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
from bot.store.tables import audit_entries, inbound, outbox

Row = Mapping[str, Any]

_KNOWN = {"sqlite": "SELECT ack FROM inbound WHERE id = ?", "postgresql": "SELECT ack FROM inbound WHERE id = %s"}


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
        self._known = _KNOWN[dialect.name]
        self._into_inbound = _Insert(inbound, dialect)
        self._into_audit = _Insert(audit_entries, dialect)
        self._into_outbox = _Insert(outbox, dialect)

    def write(self, cursor: Cursor, act: Act) -> str | None:
        """Insert its rows. Of an act that is known nothing is written again: answers the ack that was given then."""
        cursor.execute(self._into_inbound.statement, self._into_inbound.values(act.received))
        if cursor.rowcount != 1:
            cursor.execute(self._known, (act.id,))
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
        statement = unless_known(table, dialect).inline()
        compiled = statement.compile(dialect=dialect, column_keys=[column.name for column in columns])
        self.statement, self._by_name = str(compiled), not compiled.positional
        self._columns = [(column.name, column.type.bind_processor(dialect)) for column in columns]

    def values(self, row: Row) -> list[Any] | dict[str, Any]:
        found = {name: convert(row.get(name)) if convert else row.get(name) for name, convert in self._columns}
        return found if self._by_name else list(found.values())
