"""Recording what people did before it is answered: one short transaction, shared by all who come at the same moment.

Every acknowledgement waits for its commit, and a commit for the disk. A burst would wait for one disk write each, in
turn; so whoever arrives while a commit is under way goes into the next one together.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection, Dialect, Table, func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.store.audit import audit_row
from bot.store.documents import ACK
from bot.store.engine import RECORD_SECONDS, open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.inserting import unless_known
from bot.store.notices import CHANNEL, notice
from bot.store.outbox import answer_row, card_touched
from bot.store.tables import audit_entries, inbound, outbox
from bot.tasks import TaskSet

MOST_TOGETHER = 100
CLOSE_SECONDS = 4.0
Row = Mapping[str, Any]
_End = str | None | Exception
"""The ack that an earlier delivery got, None for a first one, or why it could not be recorded."""

_KNOWN = {"sqlite": "SELECT ack FROM inbound WHERE id = ?", "postgresql": "SELECT ack FROM inbound WHERE id = %s"}


class Withdrawn(Exception):
    """Somebody whose act is in this transaction no longer waits for it."""


class _Insert:
    """An INSERT that is compiled once: SQLAlchemy takes several times as long to execute one as SQLite does.

    It leaves a row that is there as it is.
    """

    def __init__(self, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if column.autoincrement is not True]
        statement = unless_known(table, dialect).inline()
        compiled = statement.compile(dialect=dialect, column_keys=[column.name for column in columns])
        self.statement, self._by_name = str(compiled), not compiled.positional
        self._columns = [(column.name, column.type.bind_processor(dialect)) for column in columns]

    def values(self, row: Row) -> list[Any] | dict[str, Any]:
        found = {name: convert(row.get(name)) if convert else row.get(name) for name, convert in self._columns}
        return found if self._by_name else list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    id: str
    at: datetime
    received: Row
    audited: Row
    answered: Row | None
    touch: ChangeId | None
    known: asyncio.Future[str | None]  # the ack that an earlier delivery got


@dataclass(frozen=True, slots=True)
class _Batch:
    """Acts on their way to the thread and back."""

    acts: Sequence[_Act]
    loop: asyncio.AbstractEventLoop
    over: asyncio.Future[None]

    def end(self, ends: Sequence[_End]) -> None:
        """Who waited may have gone."""
        for act, end in zip(self.acts, ends, strict=True):
            if act.known.done():
                continue
            if isinstance(end, Exception):
                act.known.set_exception(end)
            else:
                act.known.set_result(end)
        if not self.over.done():
            self.over.set_result(None)


class Recorder:
    """`record` returns after the commit. `turn` is held while it writes, where a database has one writer at a time.

    An act that nobody waits for any more, because the database took too long, is not committed when it wakes up: who
    sent it was told that nothing has happened.
    """

    def __init__(self, url: str, owner: str, turn: asyncio.Lock | None) -> None:
        self._engine, self._owner = open_blocking_engine(url), owner
        self._patience = None if turn else RECORD_SECONDS + 0.5
        self._into_inbound = _Insert(inbound, self._engine.dialect)
        self._into_audit = _Insert(audit_entries, self._engine.dialect)
        self._into_outbox = _Insert(outbox, self._engine.dialect)
        self._known = _KNOWN[self._engine.dialect.name]
        self._turn = turn
        self._waiting: list[_Act] = []
        self._is_writing = False
        self._tasks = TaskSet("store.recorder")
        # A thread of its own: the driver for asyncio changes threads for every single statement.
        self._handed: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        """See `bot.ports_store.Store.record`."""
        now = entry.at
        act = _Act(
            id=incoming.id, at=now, touch=touch,
            received=inbound_row(incoming, ack, now=now, done=done), audited=audit_row(entry),
            answered=answer_row(incoming.request, answer, now=now) if answer and answer.text.parts else None,
            known=asyncio.get_running_loop().create_future(),
        )  # fmt: skip
        self._waiting.append(act)
        if not self._is_writing:
            self._is_writing = True
            self._tasks.start(self._work_off(), name="write")
        async with asyncio.timeout(self._patience):
            known = await act.known
        return ACK.validate_json(known) if known is not None else None

    async def close(self) -> None:
        """Acts that wait for their commit are cancelled: who sent them gets no acknowledgement."""
        await self._tasks.close()
        for act in self._waiting:
            act.known.cancel()
        if self._thread is not None:
            self._handed.put(None)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            self._thread = None
        self._engine.dispose()

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                async with self._turn or nullcontext():
                    acts, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                    batch = _Batch(tuple(acts), loop, loop.create_future())
                    if self._thread is None:
                        self._thread = Thread(target=self._write_all, name="recorder", daemon=True)
                        self._thread.start()
                    self._handed.put(batch)
                    await batch.over
        finally:
            self._is_writing = False

    def _write_all(self) -> None:
        """In the thread: batch after batch, on one connection, and on another one when that is lost."""
        connection: Connection | None = None
        while (batch := self._handed.get()) is not None:
            ends: Sequence[_End]
            try:
                connection = connection or self._engine.connect()
                ends = self._commit(connection, batch.acts)
            except Exception:
                self._drop(connection)
                connection, ends = None, self._commit_each(batch.acts)
            batch.loop.call_soon_threadsafe(batch.end, ends)
        self._drop(connection)

    def _drop(self, connection: Connection | None) -> None:
        """What has failed once is not used again."""
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
                connection.close()

    def _commit_each(self, acts: Sequence[_Act]) -> list[_End]:
        """After a batch has failed: one bad act takes no others with it. Where nobody answers, that is asked once."""
        ends: list[_End] = []
        for act in acts:
            if act.known.cancelled():
                ends.append(None)
                continue
            try:
                with self._engine.connect() as connection:
                    ends.append(self._commit(connection, [act])[0])
            except OperationalError as error:
                return ends + [error] * (len(acts) - len(ends))
            except Exception as error:
                ends.append(error)
        return ends

    def _commit(self, connection: Connection, acts: Sequence[_Act]) -> list[str | None]:
        """All rows in one transaction; of an act that is known nothing is written again."""
        found: list[str | None] = []
        with connection.begin(), self._errors_as_usual():
            cursor = connection.connection.cursor()
            for act in acts:
                cursor.execute(self._into_inbound.statement, self._into_inbound.values(act.received))
                is_new = cursor.rowcount == 1
                if is_new:
                    cursor.execute(self._into_audit.statement, self._into_audit.values(act.audited))
                    if act.answered is not None:
                        cursor.execute(self._into_outbox.statement, self._into_outbox.values(act.answered))
                    found.append(None)
                else:
                    cursor.execute(self._known, (act.id,))
                    [(ack,)] = cursor.fetchall()
                    found.append(ack)
            # Everybody who touches several cards touches them in this order: nobody waits for each other.
            touched = sorted({act.touch for act, end in zip(acts, found, strict=True) if act.touch and end is None})
            for change in touched:
                at = max(act.at for act in acts if act.touch == change)
                connection.execute(card_touched(change, now=at, dialect=connection.dialect))
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_notify(CHANNEL, notice(self._owner, ("inbox", "outbox")))))
            if any(act.known.cancelled() for act in acts):
                raise Withdrawn
        return found

    @contextmanager
    def _errors_as_usual(self) -> Iterator[None]:
        """The driver's errors as the rest of the store knows them."""
        base = self._engine.dialect.loaded_dbapi.Error
        try:
            yield
        except base as error:
            raise DBAPIError.instance(None, None, error, base, dialect=self._engine.dialect) from error
