"""Committing what comes alone right where it arrives, on the loop itself, while the disk is known to be quick.

The way to another thread and back costs about half as much as SQLite's commit on a good disk, and takes more of the
loop's time than it spares. A disk that is not quick would hold up everything that the loop does; therefore nothing here
waits: not for another writer, not for a checkpoint, and not for a disk that was slow just now.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Final, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from bot.store.engine import open_without_waiting

QUICK_SECONDS = 0.002
"""What a commit may take that the loop waits for."""
PROOFS = 10
"""So many in a row must have been quick: a disk that stalls now and then holds up the loop once in so many commits."""
MOST_IN_A_ROW = 200
"""After so many one goes to the thread: its commit moves what is in the write-ahead log into the database."""


class NotNow:
    """Nothing was committed: let the thread do it."""


NOT_NOW: Final = NotNow()
T = TypeVar("T")


class LoneCommits:
    """On SQLite, for all who write there: what one of them learns of the disk holds for the others.

    `turn` is held by whoever else in this process writes. `open` once the database is known to work, in any thread; all
    else on the loop.
    """

    def __init__(self, turn: asyncio.Lock) -> None:
        self._turn = turn
        self._connection: Any = None
        self._opening = Lock()
        self._quick = 0
        self._in_a_row = 0

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self, engine: Engine) -> None:
        """Take a connection of its own, unless there is one. Waits for the disk."""
        with self._opening:
            if self._connection is None:
                self._connection = open_without_waiting(engine)

    def elsewhere(self, seconds: float) -> None:
        """What came alone was committed by a thread, in so many seconds."""
        self._in_a_row = 0
        self._note(seconds)

    def commit(self, write: Callable[[DBAPICursor], T]) -> T | NotNow:
        """Answers what `write` does once that is committed. Never raises: what goes wrong is for the thread to tell."""
        if not self._may():
            return NOT_NOW
        connection, began = self._connection, time.perf_counter()
        try:
            connection.execute("BEGIN IMMEDIATE")
            written = write(connection.cursor())
            connection.execute("COMMIT")
        except Exception:
            self._quick = 0
            self._roll_back()
            return NOT_NOW
        self._in_a_row += 1
        self._note(time.perf_counter() - began)
        return written

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _may(self) -> bool:
        return (
            self._connection is not None
            and self._quick >= PROOFS
            and self._in_a_row < MOST_IN_A_ROW
            and not self._turn.locked()
        )

    def _note(self, seconds: float) -> None:
        self._quick = self._quick + 1 if seconds <= QUICK_SECONDS else 0

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except Exception:
            self.close()  # what cannot even do that is not used again; the thread opens another one
