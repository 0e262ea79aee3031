"""Committing rows in a thread: those that come in the same moment, or while others are written, go together.

A thread because a driver for asyncio changes threads for every single statement. What comes alone to a SQLite whose
disk is quick needs none (`bot.store.lone`).
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Generic, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import OperationalError

from bot.store.commits import CLOSE_SECONDS, AnItem, AnyItem, End
from bot.store.lone import LoneCommits, NotNow
from bot.tasks import TaskSet


class Rows(Protocol[AnyItem]):
    """How items of one kind are written."""

    def together(self, waiting: Sequence[AnyItem], /) -> int:
        """How many of those that wait, at least one, go into the next transaction."""

    def may_be_lone(self, item: AnyItem, /) -> bool:
        """Whether the loop may commit it where it arrives."""

    def write(self, cursor: DBAPICursor, item: AnyItem, /) -> str | None:
        """Inside a transaction that others begin; answers the end of it."""

    def commit(self, connection: Connection, items: Sequence[AnyItem], /) -> Sequence[End]:
        """All of them in one transaction, or none of them. Raises `Withdrawn` when somebody no longer waits."""


@dataclass(frozen=True, slots=True)
class _Batch(Generic[AnItem]):
    """Items on their way to the thread and back."""

    items: Sequence[AnItem]
    loop: asyncio.AbstractEventLoop
    over: asyncio.Future[float]  # the seconds that the transaction took

    def end(self, ends: Sequence[End], seconds: float) -> None:
        for item, end in zip(self.items, ends, strict=True):
            item.end(end)
        if not self.over.done():
            self.over.set_result(seconds)


class ThreadedCommits(Generic[AnItem]):
    """`turn` is held while it writes, where the database has one writer at a time; `lone` serves others too, who close
    it. `engine` is closed with this. See `bot.store.commits.Commits`.
    """

    def __init__(
        self, name: str, engine: Engine, rows: Rows[AnItem], turn: asyncio.Lock | None, lone: LoneCommits | None
    ) -> None:
        self.engine, self._turn, self.lone = engine, turn, lone
        self._name, self._rows = name, rows
        self._waiting: list[AnItem] = []
        self._is_writing = False
        self._begins: asyncio.Handle | None = None
        self._tasks = TaskSet(f"store.{name}")
        self._handed: SimpleQueue[_Batch[AnItem] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def take(self, item: AnItem) -> None:
        self._waiting.append(item)
        if not self._is_writing:
            self._is_writing = True
            self._begins = asyncio.get_running_loop().call_soon(self._begin)

    async def close(self) -> None:
        await self._tasks.close()
        if self._begins is not None and self._is_writing:
            self._begins.cancel()
            self._is_writing = False
        for item in self._waiting:
            item.known.cancel()
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
        """Commit the only one that waits, here and now; False when that is for the thread."""
        if self.lone is None or len(self._waiting) != 1 or not self._rows.may_be_lone(self._waiting[0]):
            return False
        [item] = self._waiting
        if not item.known.done():  # else nobody waits for it
            written = self.lone.commit(lambda cursor: self._rows.write(cursor, item))
            if isinstance(written, NotNow):
                return False
            item.end(written)
        self._waiting.clear()
        return True

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._commit_lone():
                    break
                async with self._turn or nullcontext():
                    count = self._rows.together(self._waiting)
                    items, self._waiting = self._waiting[:count], self._waiting[count:]
                    batch = _Batch(items, loop, loop.create_future())
                    if self._thread is None:
                        self._thread = Thread(target=self._write_all, name=self._name, daemon=True)
                        self._thread.start()
                    self._handed.put(batch)
                    seconds = await batch.over
                    if self.lone is not None and len(items) == 1:
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
                ends = self._rows.commit(connection, batch.items)
            except Exception:
                self._drop(connection)
                connection, ends = None, self._commit_each(batch.items)
            batch.loop.call_soon_threadsafe(batch.end, ends, time.perf_counter() - began)
            if self.lone is not None and not self.lone.is_open and connection is not None:
                with suppress(Exception):
                    self.lone.open(self.engine)
        self._drop(connection)

    def _drop(self, connection: Connection | None) -> None:
        """What has failed once is not used again."""
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
                connection.close()

    def _commit_each(self, items: Sequence[AnItem]) -> list[End]:
        """After a batch has failed: a bad one takes no others with it. Where nobody answers, that is asked once."""
        ends: list[End] = []
        for item in items:
            if item.known.cancelled():
                ends.append(None)
                continue
            try:
                with self.engine.connect() as connection:
                    ends.extend(self._rows.commit(connection, [item]))
            except OperationalError as error:
                return ends + [error] * (len(items) - len(ends))
            except Exception as error:
                ends.append(error)
        return ends
