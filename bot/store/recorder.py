"""Recording what people did before it is answered: one short transaction, shared by all who come at the same moment.

Every acknowledgement waits for its commit, and a commit for the disk. A burst would wait for one disk write each, in
turn; so whoever arrives while a commit is under way goes into the next one together.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.store.audit import audit_row
from bot.store.documents import ACK
from bot.store.engine import open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.outbox import answer_row, card_row, card_touched
from bot.store.tables import audit_entries, inbound, outbox
from bot.tasks import TaskSet

MOST_TOGETHER = 100
Row = Mapping[str, Any]
_End = str | None | Exception
"""The ack that an earlier delivery got, None for a first one, or why it could not be recorded."""

_KNOWN = "SELECT ack FROM inbound WHERE id = ?"


class _Insert:
    """An INSERT that is compiled once: SQLAlchemy takes several times as long to execute one as SQLite does."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if column.autoincrement is not True]
        self.statement = str(table.insert().compile(dialect=dialect, column_keys=[column.name for column in columns]))
        self._columns = [(column.name, column.type.bind_processor(dialect)) for column in columns]

    def values(self, row: Row) -> list[Any]:
        return [convert(row.get(name)) if convert else row.get(name) for name, convert in self._columns]


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
    """`record` returns after the commit. `turn` is held while it writes: the database has one writer at a time."""

    def __init__(self, url: str, turn: asyncio.Lock) -> None:
        self._engine = open_blocking_engine(url)
        self._into_inbound = _Insert(inbound, self._engine.dialect)
        self._into_audit = _Insert(audit_entries, self._engine.dialect)
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
        known = await act.known
        return ACK.validate_json(known) if known is not None else None

    async def close(self) -> None:
        """Acts that wait for their commit are cancelled: who sent them gets no acknowledgement."""
        await self._tasks.close()
        for act in self._waiting:
            act.known.cancel()
        if self._thread is not None:
            self._handed.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._engine.dispose()

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                async with self._turn:
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
        """In the thread: batch after batch, on one connection."""
        with ExitStack() as closing:
            connection: Connection | None = None
            while (batch := self._handed.get()) is not None:
                try:
                    connection = connection or closing.enter_context(self._engine.connect())
                    ends: Sequence[_End] = self._commit(connection, batch.acts)
                except Exception as error:
                    ends = [self._commit_alone(connection, act) if connection else error for act in batch.acts]
                batch.loop.call_soon_threadsafe(batch.end, ends)

    def _commit_alone(self, connection: Connection, act: _Act) -> _End:
        """After a batch has failed: one bad act takes no others with it."""
        try:
            return self._commit(connection, [act])[0]
        except Exception as error:
            return error

    def _commit(self, connection: Connection, acts: Sequence[_Act]) -> list[str | None]:
        """All rows in one transaction; of an act that is known nothing is written again."""
        found: list[str | None] = []
        with connection.begin():
            cursor = connection.connection.cursor()
            for act in acts:
                cursor.execute(_KNOWN, (act.id,))
                known = cursor.fetchone()
                found.append(known[0] if known else None)
                if known is None:
                    cursor.execute(self._into_inbound.statement, self._into_inbound.values(act.received))
                    cursor.execute(self._into_audit.statement, self._into_audit.values(act.audited))
                    self._show(connection, act)
        return found

    def _show(self, connection: Connection, act: _Act) -> None:
        if act.answered is not None:
            connection.execute(outbox.insert(), act.answered)
        if act.touch is not None and connection.execute(card_touched(act.touch, now=act.at)).rowcount == 0:
            connection.execute(outbox.insert(), card_row(act.touch, now=act.at))
