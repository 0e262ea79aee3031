"""Recording what people did before it is answered: one short transaction, shared by all who come at the same moment.

Every acknowledgement waits for its commit, and a commit for the disk. A burst would wait for one disk write each, in
turn; so whoever arrives while a commit is under way goes into the next one together. Who comes alone to a SQLite whose
disk is quick needs no other thread for it (`bot.store.lone`).
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.store.acts import Act, ActRows
from bot.store.audit import audit_row
from bot.store.documents import ACK
from bot.store.engine import RECORD_SECONDS, open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.lone import LoneCommits, NotNow
from bot.store.notices import notice
from bot.store.outbox import answer_row, card_touched
from bot.tasks import TaskSet

MOST_TOGETHER = 100
CLOSE_SECONDS = 4.0
_End = str | None | Exception
"""The ack that an earlier delivery got, None for a first one, or why it could not be recorded."""


class Withdrawn(Exception):
    """Somebody whose act is in this transaction no longer waits for it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Acts on their way to the thread and back."""

    acts: Sequence[Act]
    loop: asyncio.AbstractEventLoop
    over: asyncio.Future[float]  # the seconds that the transaction took

    def end(self, ends: Sequence[_End], seconds: float) -> None:
        """Who waited may have gone."""
        for act, end in zip(self.acts, ends, strict=True):
            if act.known.done():
                continue
            if isinstance(end, Exception):
                act.known.set_exception(end)
            else:
                act.known.set_result(end)
        if not self.over.done():
            self.over.set_result(seconds)


class Recorder:
    """`record` returns after the commit. `turn` is held while it writes, where a database has one writer at a time.

    An act that nobody waits for any more, because the database took too long, is not committed when it wakes up: who
    sent it was told that nothing has happened.
    """

    def __init__(self, url: str, owner: str, turn: asyncio.Lock | None, lone: LoneCommits | None) -> None:
        self._engine, self._ring = open_blocking_engine(url), notice(owner, ("inbox", "outbox"))
        self._patience = None if turn else RECORD_SECONDS + 0.5
        self._rows = ActRows(self._engine.dialect)
        self._lone, self._turn = lone, turn
        self._waiting: list[Act] = []
        self._is_writing = False
        self._begins: asyncio.Handle | None = None
        self._tasks = TaskSet("store.recorder")
        # A thread of its own: the driver for asyncio changes threads for every single statement.
        self._handed: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        """See `bot.ports_store.Store.record`."""
        now, loop = entry.at, asyncio.get_running_loop()
        act = Act(
            id=incoming.id, at=now, touch=touch,
            received=inbound_row(incoming, ack, now=now, done=done), audited=audit_row(entry),
            answered=answer_row(incoming.request, answer, now=now) if answer and answer.text.parts else None,
            known=loop.create_future(),
        )  # fmt: skip
        self._waiting.append(act)
        if not self._is_writing:
            self._is_writing = True
            self._begins = loop.call_soon(self._begin)  # who comes in the same moment goes with it
        if self._patience is None:
            known = await act.known
        else:
            async with asyncio.timeout(self._patience):
                known = await act.known
        return ACK.validate_json(known) if known is not None else None

    async def close(self) -> None:
        """Acts that wait for their commit are cancelled: who sent them gets no acknowledgement."""
        await self._tasks.close()
        if self._begins is not None and self._is_writing:
            self._begins.cancel()
            self._is_writing = False
        for act in self._waiting:
            act.known.cancel()
        self._waiting.clear()
        if self._thread is not None:
            self._handed.put(None)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            self._thread = None
        self._engine.dispose()

    def _begin(self) -> None:
        """On the loop, a moment after the first of those who wait has come."""
        if self._commit_lone():
            self._is_writing = False
        else:
            self._tasks.start(self._work_off(), name="write")

    def _commit_lone(self) -> bool:
        """Commit the only one who waits, here and now; False when that is for the thread."""
        if self._lone is None or len(self._waiting) != 1:
            return False
        [act] = self._waiting
        if act.touch is not None:  # cards are touched in an order that all writers keep, which the thread knows
            return False
        if not act.known.done():  # else nobody waits for it
            known = self._lone.commit(partial(self._rows.write, act=act))
            if isinstance(known, NotNow):
                return False
            act.known.set_result(known)
        self._waiting.clear()
        return True

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._commit_lone():
                    break
                async with self._turn or nullcontext():
                    acts, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                    batch = _Batch(tuple(acts), loop, loop.create_future())
                    if self._thread is None:
                        self._thread = Thread(target=self._write_all, name="recorder", daemon=True)
                        self._thread.start()
                    self._handed.put(batch)
                    seconds = await batch.over
                    if self._lone is not None and len(acts) == 1:
                        self._lone.elsewhere(seconds)
        finally:
            self._is_writing = False

    def _write_all(self) -> None:
        """In the thread: batch after batch, on one connection, and on another one when that is lost."""
        connection: Connection | None = None
        while (batch := self._handed.get()) is not None:
            ends: Sequence[_End]
            began = time.perf_counter()
            try:
                connection = connection or self._engine.connect()
                began = time.perf_counter()
                ends = self._commit(connection, batch.acts)
            except Exception:
                self._drop(connection)
                connection, ends = None, self._commit_each(batch.acts)
            batch.loop.call_soon_threadsafe(batch.end, ends, time.perf_counter() - began)
            if self._lone is not None and not self._lone.is_open and connection is not None:
                with suppress(Exception):
                    self._lone.open(self._engine)
        self._drop(connection)

    def _drop(self, connection: Connection | None) -> None:
        """What has failed once is not used again."""
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
                connection.close()

    def _commit_each(self, acts: Sequence[Act]) -> list[_End]:
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

    def _commit(self, connection: Connection, acts: Sequence[Act]) -> list[str | None]:
        """All rows in one transaction; of an act that is known nothing is written again."""
        with connection.begin(), self._rows.errors_as_usual():
            found = self._rows.write_all(connection.connection.driver_connection, acts, ring=self._ring)
            # Everybody who touches several cards touches them in this order: nobody waits for each other.
            touched = sorted({act.touch for act, end in zip(acts, found, strict=True) if act.touch and end is None})
            for change in touched:
                at = max(act.at for act in acts if act.touch == change)
                connection.execute(card_touched(change, now=at, dialect=connection.dialect))
            if any(act.known.cancelled() for act in acts):
                raise Withdrawn
        return found
