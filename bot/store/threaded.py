"""Committing acts to SQLite: in a thread, because the driver for asyncio changes threads for every single statement.

Who comes alone while the disk is quick needs no thread for it (`bot.store.lone`).
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from bot.store.acts import CLOSE_SECONDS, MOST_TOGETHER, Act, ActRows, End, Withdrawn, errors_as_usual, touches
from bot.store.engine import open_blocking_engine
from bot.store.lone import LoneCommits, NotNow
from bot.store.outbox import card_touched
from bot.tasks import TaskSet


@dataclass(frozen=True, slots=True)
class _Batch:
    """Acts on their way to the thread and back."""

    acts: Sequence[Act]
    loop: asyncio.AbstractEventLoop
    over: asyncio.Future[float]  # the seconds that the transaction took

    def end(self, ends: Sequence[End], seconds: float) -> None:
        for act, end in zip(self.acts, ends, strict=True):
            act.end(end)
        if not self.over.done():
            self.over.set_result(seconds)


class ThreadedCommits:
    """`turn` is held while it writes: the database has one writer at a time. `lone` serves others too, who close it.
    See `bot.store.recorder.Commits`.
    """

    def __init__(self, url: str, turn: asyncio.Lock, lone: LoneCommits) -> None:
        self.engine, self._turn, self.lone = open_blocking_engine(url), turn, lone
        self._rows = ActRows(self.engine.dialect)
        self._waiting: list[Act] = []
        self._is_writing = False
        self._begins: asyncio.Handle | None = None
        self._tasks = TaskSet("store.recorder")
        self._handed: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread: Thread | None = None

    def take(self, act: Act) -> None:
        self._waiting.append(act)
        if not self._is_writing:
            self._is_writing = True
            self._begins = asyncio.get_running_loop().call_soon(self._begin)

    async def close(self) -> None:
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
        self.engine.dispose()

    def _begin(self) -> None:
        """On the loop, a moment after the first of those who wait has come."""
        if self._commit_lone():
            self._is_writing = False
        else:
            self._tasks.start(self._work_off(), name="write")

    def _commit_lone(self) -> bool:
        """Commit the only one who waits, here and now; False when that is for the thread."""
        if len(self._waiting) != 1:
            return False
        [act] = self._waiting
        if act.touch is not None:  # cards are touched in an order that all writers keep, which the thread knows
            return False
        if not act.known.done():  # else nobody waits for it
            known = self.lone.commit(partial(self._rows.write, act=act))
            if isinstance(known, NotNow):
                return False
            act.end(known)
        self._waiting.clear()
        return True

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._commit_lone():
                    break
                async with self._turn:
                    acts, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                    batch = _Batch(tuple(acts), loop, loop.create_future())
                    if self._thread is None:
                        self._thread = Thread(target=self._write_all, name="recorder", daemon=True)
                        self._thread.start()
                    self._handed.put(batch)
                    seconds = await batch.over
                    if len(acts) == 1:
                        self.lone.elsewhere(seconds)
        finally:
            self._is_writing = False

    def _write_all(self) -> None:
        """In the thread: batch after batch, on one connection, and on another one when that is lost."""
        connection: Connection | None = None
        while (batch := self._handed.get()) is not None:
            ends: Sequence[End]
            began = time.perf_counter()
            try:
                connection = connection or self.engine.connect()
                began = time.perf_counter()
                ends = self._commit(connection, batch.acts)
            except Exception:
                self._drop(connection)
                connection, ends = None, self._commit_each(batch.acts)
            batch.loop.call_soon_threadsafe(batch.end, ends, time.perf_counter() - began)
            if not self.lone.is_open and connection is not None:
                with suppress(Exception):
                    self.lone.open(self.engine)
        self._drop(connection)

    def _drop(self, connection: Connection | None) -> None:
        """What has failed once is not used again."""
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
                connection.close()

    def _commit_each(self, acts: Sequence[Act]) -> list[End]:
        """After a batch has failed: one bad act takes no others with it. Where nobody answers, that is asked once."""
        ends: list[End] = []
        for act in acts:
            if act.known.cancelled():
                ends.append(None)
                continue
            try:
                with self.engine.connect() as connection:
                    ends.append(self._commit(connection, [act])[0])
            except OperationalError as error:
                return ends + [error] * (len(acts) - len(ends))
            except Exception as error:
                ends.append(error)
        return ends

    def _commit(self, connection: Connection, acts: Sequence[Act]) -> list[str | None]:
        """All rows in one transaction; of an act that is known nothing is written again."""
        with connection.begin(), errors_as_usual(connection.dialect):
            cursor = connection.connection.cursor()
            found = [self._rows.write(cursor, act) for act in acts]
            for change, at in touches(acts, found):
                connection.execute(card_touched(change, now=at, dialect=connection.dialect))
            if any(act.known.cancelled() for act in acts):
                raise Withdrawn
        return found
