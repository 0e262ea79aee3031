"""The door to the database: one transaction at a time, with every repository in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.ports_store import Store
from bot.store.approvals import Approvals
from bot.store.audit import Audit
from bot.store.changes import Changes
from bot.store.engine import open_engine
from bot.store.inbound import Inbound
from bot.store.outbox import Outbox
from bot.store.recorder import Recorder


class StoreTransaction:
    """What one transaction can reach. Everything written in it is committed together, or not at all."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.changes = Changes(connection)
        self.approvals = Approvals(connection)
        self.audit = Audit(connection)
        self.inbound = Inbound(connection)
        self.outbox = Outbox(connection)
        self.moves: list[tuple[Change, Change]] = []

    def moved(self, before: Change, after: Change) -> None:
        """A change was taken a step further: once this is committed, whoever watches is told."""
        self.moves.append((before, after))


class SqlStore:
    """The database. Transactions hold no network call: SQLite has one writer at a time.

    `on_move` is told of every step of a change that was committed: before, after.
    """

    def __init__(self, url: str, *, on_move: Callable[[Change, Change], None] = lambda before, after: None) -> None:
        self._on_move = on_move
        self._writing: AsyncEngine = open_engine(url)
        self._reading: AsyncEngine = open_engine(url, writes=False)
        # Writers wait here, in order: SQLite itself would let each sleep and try again until one of them is lucky.
        self._turn = asyncio.Lock()
        self._recorder = Recorder(url, self._turn)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StoreTransaction]:
        """A transaction that may write; commits at the end of the block, rolls back when it raises."""
        async with self._turn, self._writing.begin() as connection:
            transaction = StoreTransaction(connection)
            yield transaction
        for before, after in transaction.moves:
            self._on_move(before, after)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StoreTransaction]:
        """A transaction that only reads: one consistent picture, never waits for a writer."""
        async with self._reading.connect() as connection:
            yield StoreTransaction(connection)

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        return await self._recorder.record(incoming, ack, entry, done=done, answer=answer, touch=touch)

    async def close(self) -> None:
        await self._recorder.close()
        await self._writing.dispose()
        await self._reading.dispose()


def _satisfies(store: SqlStore) -> Store:
    """The type checker's proof that this store is what the services ask for."""
    return store
