"""Taking in webhooks of alerts before they are answered: those that come together share a commit.

As `bot.store.recorder` does it for people's acts, and for the same reason: every answer waits for its commit, and a
commit for the disk. Here nothing is looked up, and a row is one INSERT.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect, func, insert, select
from sqlalchemy.engine.interfaces import DBAPICursor

from bot.store.commits import End, Withdrawn, errors_as_usual, tell
from bot.store.engine import RECORD_SECONDS, open_blocking_engine
from bot.store.lone import LoneCommits
from bot.store.notices import CHANNEL, notice
from bot.store.tables import alert_intake
from bot.store.threaded import ThreadedCommits

BELL = "intake"
MOST_TOGETHER = 200
MOST_CHARACTERS = 16 << 20
"""In one commit, so that what is small does not wait for much that is large."""
MOST_CHARACTERS_ALONE = 32 << 10
"""A larger one is the thread's: the loop would be held up by it, and SQLite's log grow by so many megabytes."""
_COLUMNS = ("source", "received_at", "body", "due_at", "attempts")


class AlertWriter:
    """`take_in` returns after the commit. `turn` is held while it writes, where a database has one writer at a time."""

    def __init__(self, url: str, owner: str, turn: asyncio.Lock | None, lone: LoneCommits | None) -> None:
        engine = open_blocking_engine(url)
        self._commits = ThreadedCommits("alert_writer", engine, _DeliveryRows(engine.dialect, owner), turn, lone)
        self._patience = None if turn else RECORD_SECONDS + 0.5

    async def take_in(self, source: str, body: str, at: datetime) -> None:
        """See `bot.ports_store.Store.take_in`."""
        delivery = _Delivery(source, body, at, asyncio.get_running_loop().create_future())
        self._commits.take(delivery)
        async with asyncio.timeout(self._patience):
            await delivery.known

    async def close(self) -> None:
        """Deliveries that wait for their commit are cancelled: who sent them gets no answer, and sends them again."""
        await self._commits.close()


@dataclass(frozen=True, slots=True)
class _Delivery:
    source: str
    body: str
    at: datetime
    known: asyncio.Future[None]

    def end(self, end: End) -> None:
        tell(self.known, end)


class _DeliveryRows:
    """See `bot.store.threaded.Rows`."""

    def __init__(self, dialect: Dialect, owner: str) -> None:
        self._owner = owner
        # Compiled once: SQLAlchemy takes several times as long to execute an INSERT as SQLite does.
        compiled = insert(alert_intake).inline().compile(dialect=dialect, column_keys=list(_COLUMNS))
        self._insert, self._by_name = str(compiled), not compiled.positional
        self._moment: Callable[[datetime], Any] | None = alert_intake.c.received_at.type.bind_processor(dialect)

    def together(self, waiting: Sequence[_Delivery]) -> int:
        count = size = 0
        for delivery in waiting[:MOST_TOGETHER]:
            size += len(delivery.body)
            if count and size > MOST_CHARACTERS:
                break
            count += 1
        return count

    def may_be_lone(self, delivery: _Delivery) -> bool:
        return len(delivery.body) <= MOST_CHARACTERS_ALONE

    def write(self, cursor: DBAPICursor, delivery: _Delivery) -> None:
        cursor.execute(self._insert, self._values(delivery))

    def commit(self, connection: Connection, deliveries: Sequence[_Delivery]) -> Sequence[None]:
        """All rows in one transaction. Raises `Withdrawn`."""
        with connection.begin(), errors_as_usual(connection.dialect):
            connection.connection.cursor().executemany(self._insert, [self._values(one) for one in deliveries])
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_notify(CHANNEL, notice(self._owner, (BELL,)))))
            if any(delivery.known.cancelled() for delivery in deliveries):
                raise Withdrawn
        return [None] * len(deliveries)

    def _values(self, delivery: _Delivery) -> Any:
        at = self._moment(delivery.at) if self._moment else delivery.at
        found = (delivery.source, at, delivery.body, at, 0)
        return dict(zip(_COLUMNS, found, strict=True)) if self._by_name else list(found)
