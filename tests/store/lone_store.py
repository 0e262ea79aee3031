"""A store on SQLite whose disk is as quick as a test wants, and where its commits are made."""

import asyncio
import sqlite3
from contextlib import closing

from sqlalchemy import event

from bot.domain.incoming import Ack
from bot.store import lone
from bot.store.acts import Act
from bot.store.engine import sqlite_path
from bot.store.lone import LoneCommits
from bot.store.store import SqlStore
from bot.store.threaded import ThreadedCommits
from tests.examples import NOW
from tests.store.test_recorder import act, entry

FOR_EVER, NEVER = 60.0, -1.0


class Known:
    """A SQLite store of acts and webhooks of alerts, and how many commits its threads have made."""

    def __init__(self, url: str) -> None:
        self.store = SqlStore(url)
        self.by_thread = 0
        path = sqlite_path(url)
        assert path is not None
        self.path = path
        for engine in (self.commits.engine, self.store._alert_writer._commits.engine):
            event.listen(engine, "commit", self._committed)

    @property
    def commits(self) -> ThreadedCommits[Act]:
        commits = self.store._recorder._commits
        assert isinstance(commits, ThreadedCommits)
        return commits

    @property
    def lone(self) -> LoneCommits:
        assert self.store._lone is not None
        return self.store._lone

    async def record(self, name: str) -> Ack | None:
        return await self.store.record(act(name), Ack(), entry(), done=False)

    async def take_in(self, body: str) -> None:
        await self.store.take_in("default", body, NOW)

    async def prove(self) -> None:
        """As many acts as it takes until the disk is known to be quick."""
        for number in range(lone.PROOFS):
            await self.record(f"proof-{number}")
        await self.open()
        self.by_thread = 0

    async def open(self) -> None:
        """The thread opens the connection after it has answered; it takes one thing after the other."""
        await asyncio.to_thread(self._opened)

    async def received(self, name: str) -> bool:
        """Whether it is in the database, as another process sees that."""
        with closing(sqlite3.connect(self.path)) as database:
            found = database.execute("SELECT id FROM inbound WHERE id = ?", (name,)).fetchall()
        return found == [(name,)]

    def bodies(self) -> list[str]:
        """The webhooks in the database, as another process sees that."""
        with closing(sqlite3.connect(self.path)) as database:
            return [body for (body,) in database.execute("SELECT body FROM alert_intake ORDER BY id")]

    def _committed(self, _: object) -> None:
        self.by_thread += 1

    def _opened(self) -> None:
        while not self.lone.is_open:
            pass
