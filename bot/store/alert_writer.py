"""Taking in webhooks of alerts before they are answered: those that come together share a commit.

As `bot.store.recorder` does it for people's acts, and for the same reason: every answer waits for its commit, and a
commit for the disk. Here nothing is looked up, and a row is one INSERT. One that comes alone to a SQLite whose disk is
quick needs no other thread (`bot.store.lone`).
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.store.acts import CLOSE_SECONDS, Withdrawn
from bot.store.engine import RECORD_SECONDS, open_blocking_engine
from bot.store.lone import LoneCommits, NotNow
from bot.store.notices import CHANNEL, notice
from bot.store.tables import alert_intake
from bot.tasks import TaskSet

BELL = "intake"
MOST_TOGETHER = 200
MOST_CHARACTERS = 16 << 20
"""In one commit, so that what is small does not wait for much that is large."""
MOST_CHARACTERS_ALONE = 32 << 10
"""A larger one is the thread's: the loop would be held up by it, and SQLite's log grow by so many megabytes."""
_COLUMNS = ("source", "received_at", "body", "due_at", "attempts")


@dataclass(frozen=True, slots=True)
class _Delivery:
    source: str
    body: str
    at: datetime
    taken: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Deliveries on their way to the thread and back."""

    deliveries: Sequence[_Delivery]
    loop: asyncio.AbstractEventLoop
    over: asyncio.Future[float]  # the seconds that the transaction took

    def end(self, ends: Sequence[Exception | None], seconds: float) -> None:
        """Who waited may have gone."""
        for delivery, end in zip(self.deliveries, ends, strict=True):
            if delivery.taken.done():
                continue
            if end is not None:
                delivery.taken.set_exception(end)
            else:
                delivery.taken.set_result(None)
        if not self.over.done():
            self.over.set_result(seconds)


class AlertWriter:
    """`take_in` returns after the commit. `turn` is held while it writes, where a database has one writer at a time."""

    def __init__(self, url: str, owner: str, turn: asyncio.Lock | None, lone: LoneCommits | None) -> None:
        self._engine, self._owner, self._turn, self._lone = open_blocking_engine(url), owner, turn, lone
        self._patience = None if turn else RECORD_SECONDS + 0.5
        dialect = self._engine.dialect
        # Compiled once: SQLAlchemy takes several times as long to execute an INSERT as SQLite does.
        compiled = insert(alert_intake).inline().compile(dialect=dialect, column_keys=list(_COLUMNS))
        self._insert, self._by_name = str(compiled), not compiled.positional
        self._moment: Callable[[datetime], Any] | None = alert_intake.c.received_at.type.bind_processor(dialect)
        self._waiting: list[_Delivery] = []
        self._is_writing = False
        self._begins: asyncio.Handle | None = None
        self._tasks = TaskSet("store.alert_writer")
        self._handed: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def take_in(self, source: str, body: str, at: datetime) -> None:
        """See `bot.ports_store.Store.take_in`."""
        loop = asyncio.get_running_loop()
        delivery = _Delivery(source, body, at, loop.create_future())
        self._waiting.append(delivery)
        if not self._is_writing:
            self._is_writing = True
            self._begins = loop.call_soon(self._begin)  # who comes in the same moment goes with it
        async with asyncio.timeout(self._patience):
            await delivery.taken

    async def close(self) -> None:
        """Deliveries that wait for their commit are cancelled: who sent them gets no answer, and sends them again."""
        await self._tasks.close()
        if self._begins is not None and self._is_writing:
            self._begins.cancel()
            self._is_writing = False
        for delivery in self._waiting:
            delivery.taken.cancel()
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
        """Commit the only one that waits, here and now; False when that is for the thread."""
        if self._lone is None or len(self._waiting) != 1 or len(self._waiting[0].body) > MOST_CHARACTERS_ALONE:
            return False
        [delivery] = self._waiting
        if not delivery.taken.done():  # else nobody waits for it
            if isinstance(self._lone.commit(partial(self._write, deliveries=[delivery])), NotNow):
                return False
            delivery.taken.set_result(None)
        self._waiting.clear()
        return True

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._commit_lone():
                    break
                async with self._turn or nullcontext():
                    batch = _Batch(self._next(), loop, loop.create_future())
                    if self._thread is None:
                        self._thread = Thread(target=self._write_all, name="alert-writer", daemon=True)
                        self._thread.start()
                    self._handed.put(batch)
                    seconds = await batch.over
                    if self._lone is not None and len(batch.deliveries) == 1:
                        self._lone.elsewhere(seconds)
        finally:
            self._is_writing = False

    def _next(self) -> Sequence[_Delivery]:
        taken, size = list[_Delivery](), 0
        for delivery in self._waiting[:MOST_TOGETHER]:
            size += len(delivery.body)
            if taken and size > MOST_CHARACTERS:
                break
            taken.append(delivery)
        del self._waiting[: len(taken)]
        return taken

    def _write_all(self) -> None:
        """In the thread: batch after batch, on one connection, and on another one when that is lost."""
        connection: Connection | None = None
        while (batch := self._handed.get()) is not None:
            ends: Sequence[Exception | None]
            began = time.perf_counter()
            try:
                connection = connection or self._engine.connect()
                began = time.perf_counter()
                self._commit(connection, batch.deliveries)
                ends = [None] * len(batch.deliveries)
            except Exception:
                self._drop(connection)
                connection, ends = None, self._commit_each(batch.deliveries)
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

    def _commit_each(self, deliveries: Sequence[_Delivery]) -> list[Exception | None]:
        """After a batch has failed: one bad row takes no others with it. Where nobody answers, that is asked once."""
        ends: list[Exception | None] = []
        for delivery in deliveries:
            if delivery.taken.cancelled():
                ends.append(None)
                continue
            try:
                with self._engine.connect() as connection:
                    self._commit(connection, [delivery])
                ends.append(None)
            except OperationalError as error:
                return ends + [error] * (len(deliveries) - len(ends))
            except Exception as error:
                ends.append(error)
        return ends

    def _commit(self, connection: Connection, deliveries: Sequence[_Delivery]) -> None:
        """All rows in one transaction."""
        with connection.begin(), self._errors_as_usual():
            self._write(connection.connection.cursor(), deliveries)
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_notify(CHANNEL, notice(self._owner, (BELL,)))))
            if any(delivery.taken.cancelled() for delivery in deliveries):
                raise Withdrawn

    def _write(self, cursor: DBAPICursor, deliveries: Sequence[_Delivery]) -> None:
        cursor.executemany(self._insert, [self._values(one) for one in deliveries])

    def _values(self, delivery: _Delivery) -> Any:
        at = self._moment(delivery.at) if self._moment else delivery.at
        found = (delivery.source, at, delivery.body, at, 0)
        return dict(zip(_COLUMNS, found, strict=True)) if self._by_name else list(found)

    @contextmanager
    def _errors_as_usual(self) -> Iterator[None]:
        """The driver's errors as the rest of the store knows them."""
        base = self._engine.dialect.loaded_dbapi.Error
        try:
            yield
        except base as error:
            raise DBAPIError.instance(None, None, error, base, dialect=self._engine.dialect) from error
