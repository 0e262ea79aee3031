"""The door to the database: one transaction at a time, with every repository in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING

from ulid import ULID

from bot.clock import SystemClock
from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.ports import Clock
from bot.ports_store import Claims, Store
from bot.store.alert_groups import AlertGroups
from bot.store.alert_intake import AlertIntake
from bot.store.alert_storms import AlertStorms
from bot.store.alert_writer import AlertWriter
from bot.store.approvals import Approvals
from bot.store.asyncio_engine import AsyncConnection, AsyncEngine
from bot.store.audit import Audit
from bot.store.changes import Changes
from bot.store.claims import LocalClaims
from bot.store.engine import close_engine, is_sqlite, open_engine
from bot.store.inbound import Inbound
from bot.store.leases import Leases
from bot.store.lone import LoneCommits
from bot.store.notices import send_notice
from bot.store.outbox import Outbox
from bot.store.recorder import Recorder
from bot.store.silence import Silence
from bot.store.unavailable import unavailable_when_lost

if TYPE_CHECKING:
    from bot.store.pinned import Pinned

TRANSACTION_SECONDS = 15


class StoreTransaction:
    """What one transaction can reach. Everything written in it is committed together, or not at all."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.told: set[str] = set()  # whom this gives work, in whichever process
        self.changes = Changes(connection, self.told)
        self.approvals = Approvals(connection)
        self.audit = Audit(connection)
        self.inbound = Inbound(connection)
        self.outbox = Outbox(connection, self.told)
        self.alerts = AlertGroups(connection, self.told)
        self.storms = AlertStorms(connection, self.told)
        self.intake = AlertIntake(connection)
        self.moves: list[tuple[Change, Change]] = []

    def moved(self, before: Change, after: Change) -> None:
        """A change was taken a step further: once this is committed, whoever watches is told."""
        self.moves.append((before, after))


class SqlStore:
    """The database. Transactions hold no network call: SQLite has one writer at a time.

    `replica` names the place that this process runs in, and that no other one runs in at the same time. `on_move` is
    told of every step of a change that was committed: before, after.
    """

    def __init__(
        self, url: str, *, replica: str | None = None,
        on_move: Callable[[Change, Change], None] = lambda before, after: None,
    ) -> None:  # fmt: skip
        self._on_move = on_move
        self._writing: AsyncEngine = open_engine(url)
        self._reading: AsyncEngine = open_engine(url, writes=False)
        self.replica = replica or str(ULID())
        self.owner = f"{self.replica}:{ULID()}"
        # Writers to SQLite wait here, in order: it would let each sleep and try again until one of them is lucky.
        self._turn = asyncio.Lock() if is_sqlite(url) else None
        self._silence = Silence()
        self._lone = LoneCommits(self._turn) if self._turn else None
        self._recorder = Recorder(url, self.owner, self._turn, self._lone)
        self._alert_writer = AlertWriter(url, self.owner, self._turn, self._lone)
        self.clock: Clock = SystemClock()
        self._claims: LocalClaims | Leases
        self._pinned: Pinned | None = None
        if is_sqlite(url):
            self._claims = LocalClaims(self.reading, self.writing)
        else:
            self._claims = Leases(self.writing, self.owner)
            self._pinned, self.clock = _pin(url, self.owner)

    @property
    def claims(self) -> Claims:
        return self._claims

    @property
    def leads(self) -> bool:
        """Whether this process runs the periodic scans; where there is one process, it does."""
        return self._pinned is None or self._pinned.leads

    @property
    def is_silent(self) -> bool:
        """Whether the database has lately left us without an answer for so long that asking it again is of no use."""
        return self._pinned is not None and self._silence.has_fallen

    async def join(self, ring: Callable[[str], None]) -> None:
        """Become one of the processes that share the database: `clock` tells its time, and the bells that others ring
        are rung here. Takes over what a former process of this replica was at. Raises `StoreUnavailable`."""
        if isinstance(self._claims, Leases):
            await self._claims.take_over(self.replica)
        if self._pinned is not None:
            await self._pinned.start(ring)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StoreTransaction]:
        """A transaction that may write; commits at the end of the block, rolls back when it raises."""
        with self._silence.listening(), unavailable_when_lost():
            async with self._turn or nullcontext(), self._patience(), self._writing.begin() as connection:
                tx = StoreTransaction(connection)
                yield tx
                await send_notice(connection, self.owner, tx.told)
        for before, after in tx.moves:
            self._on_move(before, after)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StoreTransaction]:
        """A transaction that only reads: one consistent picture, never waits for a writer."""
        with self._silence.listening(), unavailable_when_lost():
            async with self._patience(), self._reading.connect() as connection:
                yield StoreTransaction(connection)

    def _patience(self) -> asyncio.Timeout:
        """A server that neither answers nor goes away; SQLite has nothing to wait for but its disk."""
        return asyncio.timeout(TRANSACTION_SECONDS if self._pinned is not None else None)

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        with unavailable_when_lost():
            return await self._recorder.record(incoming, ack, entry, done=done, answer=answer, touch=touch)

    async def take_in(self, source: str, body: str, at: datetime) -> None:
        with unavailable_when_lost():
            await self._alert_writer.take_in(source, body, at)

    async def close(self) -> None:
        """Hands back what is claimed, unless the database is silent: then it is free when the leases are over."""
        await self._claims.close(hand_back=not self.is_silent)
        if self._pinned is not None:
            await self._pinned.close()
        await self._recorder.close()
        await self._alert_writer.close()
        if self._lone is not None:
            self._lone.close()
        await close_engine(self._writing)
        await close_engine(self._reading)


def _pin(url: str, owner: str) -> "tuple[Pinned, Clock]":
    """The connection beside the pools and the clock that it sets. Loads the driver, which SQLite does without."""
    from bot.store.pinned import DatabaseClock, Pinned

    clock = DatabaseClock()
    return Pinned(url, owner, clock), clock


def _satisfies(store: SqlStore) -> Store:
    """The type checker's proof that this store is what the services ask for."""
    return store
