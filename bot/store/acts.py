"""What one person did as the rows that record it, and writing them by a cursor inside a transaction that others begin.

The statements are compiled once: SQLAlchemy takes several times as long to execute one as SQLite does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Table

from bot.domain.identity import ChangeId
from bot.store.commits import End, Withdrawn, errors_as_usual, tell
from bot.store.engine import RECORD_SECONDS
from bot.store.inserting import unless_known
from bot.store.outbox import card_touched
from bot.store.tables import audit_entries, inbound, outbox

MOST_TOGETHER = 100
"""In one transaction."""
PATIENCE_SECONDS = RECORD_SECONDS + 0.5
"""How long a database on another machine is waited for."""

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

    def end(self, end: End) -> None:
        """Tell who waits for it, unless he has gone or was told something else."""
        tell(self.known, end)


class Cursor(Protocol):
    """As much of the drivers' cursors as is used."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, statement: str, values: Any = ..., /) -> object: ...
    def fetchall(self) -> Sequence[Sequence[Any]]: ...


class ActRows:
    """Writes acts to SQLite. See `bot.store.threaded.Rows`."""

    def __init__(self, dialect: Dialect) -> None:
        self._inbound, self._into_inbound = _insertion(inbound, dialect)
        self._audit, self._into_audit = _insertion(audit_entries, dialect)
        self._outbox, self._into_outbox = _insertion(outbox, dialect)

    def together(self, waiting: Sequence[Act]) -> int:
        return min(len(waiting), MOST_TOGETHER)

    def may_be_lone(self, act: Act) -> bool:
        """Cards are touched in an order that all writers keep, which the thread knows."""
        return act.touch is None

    def write(self, cursor: Cursor, act: Act) -> str | None:
        """Insert its rows. Of an act that is known nothing is written again: answers the ack that was given then."""
        cursor.execute(self._into_inbound, self._inbound.values(act.received))
        if cursor.rowcount != 1:
            cursor.execute("SELECT ack FROM inbound WHERE id = ?", (act.id,))
            [(ack,)] = cursor.fetchall()
            return str(ack)
        cursor.execute(self._into_audit, self._audit.values(act.audited))
        if act.answered is not None:
            cursor.execute(self._into_outbox, self._outbox.values(act.answered))
        return None

    def commit(self, connection: Connection, acts: Sequence[Act]) -> Sequence[str | None]:
        """All rows in one transaction. Raises `Withdrawn`."""
        with connection.begin(), errors_as_usual(connection.dialect):
            cursor = connection.connection.cursor()
            found = [self.write(cursor, act) for act in acts]
            for change, at in touches(acts, found):
                connection.execute(card_touched(change, now=at, dialect=connection.dialect))
            if any(act.known.cancelled() for act in acts):
                raise Withdrawn
        return found


class Columns:
    """Those of a table that are written, all of them in each row."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if column.autoincrement is not True]
        self.table, self.names = table.name, [column.name for column in columns]
        self._columns = [(column.name, column.type.bind_processor(dialect)) for column in columns]

    def values(self, row: Row) -> list[Any]:
        """In the order of `names`, as the database's driver takes them."""
        return [convert(row.get(name)) if convert else row.get(name) for name, convert in self._columns]


def touches(acts: Sequence[Act], found: Sequence[str | None]) -> list[tuple[ChangeId, datetime]]:
    """Whose cards the acts touch that were not known, and when. Everybody who touches several cards touches them in
    this order: nobody waits for each other."""
    last: dict[ChangeId, datetime] = {}
    for act, known in zip(acts, found, strict=True):
        if act.touch is not None and known is None:
            last[act.touch] = max(act.at, last.get(act.touch, act.at))
    return sorted(last.items())


def _insertion(table: Table, dialect: Dialect) -> tuple[Columns, str]:
    """Its columns, and the INSERT that leaves a row that is there as it is."""
    columns = Columns(table, dialect)
    statement = unless_known(table, dialect).inline().compile(dialect=dialect, column_keys=columns.names)
    return columns, str(statement)
