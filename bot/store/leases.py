"""Claims that several processes respect: leases in the rows themselves, by PostgreSQL's own clock."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Table,
    alias,
    and_,
    cast,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy import Row as SqlRow

from bot.domain.change import Change
from bot.domain.incoming import Recorded
from bot.domain.outgoing import Outgoing, Pick
from bot.ports_store import Claimed, StoreUnavailable
from bot.store.asyncio_engine import AsyncConnection
from bot.store.changes import change_of
from bot.store.claims import Claimable, Holding, Key, Row, Transactions, key_of
from bot.store.columns import Moment
from bot.store.inbound import recorded_of
from bot.store.locks import Lock, lock
from bot.store.outbox import MOST_URGENT_FIRST, outgoing_of, picked
from bot.store.tables import changes, inbound, outbox
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=12)
RENEW_SECONDS = 3.0
HAND_BACK_SECONDS = 2.0
TABLES: dict[str, tuple[Table, Column[Any]]] = {
    "changes": (changes, changes.c.id), "inbound": (inbound, inbound.c.id), "outbox": (outbox, outbox.c.id),
}  # fmt: skip


def database_now(*, later: timedelta = timedelta()) -> ColumnElement[Any]:
    """PostgreSQL's clock at this moment, not at the beginning of the transaction; or so much later."""
    return type_coerce(_microseconds() + later // timedelta(microseconds=1), Moment)


def _microseconds() -> ColumnElement[int]:
    return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)


class Leases(Holding):
    """`owner` is this process and no other one, also none of the past.

    Renewed while anything is held. Whoever works on what can no longer be renewed is cancelled before the lease is
    over: the clock that says so runs here, from before the last renewal was asked for.
    """

    def __init__(self, writing: Transactions, owner: str, *, lease: timedelta = LEASE) -> None:
        super().__init__()
        self._writing, self._owner, self._lease = writing, owner, lease
        self._has_claimed = False
        self._tasks = TaskSet("store.leases")
        self._renewing: asyncio.Task[None] | None = None

    async def changes(self, now: datetime, *, limit: int) -> Claimed[Change]:
        asked = time.monotonic()
        async with self._writing() as tx:
            rows = await self._lease_rows(tx.connection, changes, now, limit, [changes.c.due_at])
            more_in = await self._more_in(tx.connection, changes, now)
        rows = sorted(rows, key=lambda row: row.due_at)
        return self._claimed("changes", rows, change_of, asked, more_in)

    async def inbound(self, now: datetime, *, limit: int) -> Claimed[Recorded]:
        asked = time.monotonic()
        async with self._writing() as tx:
            rows = await self._lease_rows(tx.connection, inbound, now, limit, [inbound.c.received_at])
            more_in = await self._more_in(tx.connection, inbound, now)
        rows = sorted(rows, key=lambda row: row.received_at)
        return self._claimed("inbound", rows, recorded_of, asked, more_in)

    async def outbox(self, now: datetime, *, limit: int, pick: Pick | None = None) -> Claimed[Outgoing]:
        """A lane is in one process's hands: who claims waits for whoever claims at the same moment, to see theirs."""
        asked = time.monotonic()
        elsewhere = alias(outbox)
        in_other_hands = select(elsewhere.c.lane).where(
            elsewhere.c.leased_by.is_not(None), elsewhere.c.leased_by != self._owner,
            elsewhere.c.leased_until > database_now(),
        )  # fmt: skip
        async with self._writing() as tx:
            await lock(tx.connection, Lock.LANES)
            rows = await self._lease_rows(
                tx.connection, outbox, now, limit, MOST_URGENT_FIRST, outbox.c.lane.not_in(in_other_hands),
                picked(pick), attempts=outbox.c.attempts + 1,
            )  # fmt: skip
            more_in = await self._more_in(tx.connection, outbox, now)
        rows = sorted(rows, key=lambda row: (row.urgency, row.due_at, row.id))
        return self._claimed("outbox", rows, _tried_of, asked, more_in)

    async def release(self, claimed: Claimable) -> None:
        """What cannot be handed back now is not renewed, and so free soon."""
        key = key_of(claimed)
        if key in self._held:
            self._abandon(key)
            with suppress(StoreUnavailable):
                await self._hand_back({key[0]: [key[1]]})

    async def close(self, *, hand_back: bool = True) -> None:
        """Hand back everything, also what was abandoned, and tell the others: whoever comes next need not wait."""
        await self._tasks.close()
        self._held.clear()
        if not (self._has_claimed and hand_back):
            return
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(HAND_BACK_SECONDS):
                await self._hand_back(dict.fromkeys(TABLES), told=("changes", "inbox", "outbox", "alerts"))

    async def take_over(self, replica: str) -> None:
        """What former processes of this replica were at is free: they are gone, or we could not have become it."""
        async with self._writing() as tx:
            for table, _ in TABLES.values():
                former = and_(table.c.leased_by.startswith(f"{replica}:", autoescape=True),
                              table.c.leased_by != self._owner)  # fmt: skip
                await tx.connection.execute(update(table).where(former).values(leased_by=None, leased_until=None))

    async def renew(self) -> None:
        """Once. Raises `StoreUnavailable`."""
        for name, (table, key) in TABLES.items():
            held = {known: hold for known, hold in self._held.items() if known[0] == name}
            if not held:
                continue
            asked = time.monotonic()
            ours = update(table).where(key.in_([known[1] for known in held]), table.c.leased_by == self._owner)
            async with self._writing() as tx:
                kept = ours.values(leased_until=self._until()).returning(key)
                found = {(name, row[0]) for row in (await tx.connection.execute(kept)).all()}
            for known, hold in held.items():
                if self._held.get(known) is not hold:
                    continue  # released meanwhile
                if known in found:
                    hold.sure_until = asked + self._lease.total_seconds()
                else:
                    self._lose(known, "somebody else has it")

    async def _lease_rows(
        self, connection: AsyncConnection, table: Table, now: datetime, limit: int,
        order: Sequence[ColumnElement[Any]], *more: ColumnElement[bool], **also: Any,
    ) -> Sequence[SqlRow[Any]]:  # fmt: skip
        """Rows that somebody else is claiming or writing this moment are passed by: they come with the next look."""
        if limit <= 0:
            return []
        key = TABLES[table.name][1]
        free = or_(table.c.leased_by.is_(None), table.c.leased_until <= database_now())
        due = select(key).where(table.c.due_at <= now, free, *more).order_by(*order).limit(limit)
        chosen = due.with_for_update(skip_locked=True).cte("chosen")
        leased = update(table).where(key.in_(select(chosen.c[key.name])))
        values = {"leased_by": self._owner, "leased_until": self._until(), **also}
        found: Sequence[SqlRow[Any]] = (await connection.execute(leased.values(values).returning(table))).all()
        return found

    async def _more_in(self, connection: AsyncConnection, table: Table, now: datetime) -> timedelta | None:
        """Until a row becomes due, or the lease of another process on a due one is over."""
        in_other_hands = and_(
            table.c.due_at <= now, table.c.leased_by != self._owner, table.c.leased_until > database_now()
        )
        first_over = func.min(table.c.leased_until).filter(in_other_hands)
        query = select(
            func.min(table.c.due_at).filter(table.c.due_at > now),
            type_coerce(first_over, BigInteger) - _microseconds(),
        ).where(table.c.due_at.is_not(None))  # fmt: skip
        next_due, lease_over = (await connection.execute(query)).one()
        waits = [next_due - now] if next_due is not None else []
        if lease_over is not None:
            waits.append(timedelta(microseconds=int(lease_over)))
        return min(waits, default=None)

    def _claimed(
        self, table: str, rows: Sequence[SqlRow[Any]], read: Callable[[SqlRow[Any]], Row], asked: float,
        more_in: timedelta | None,
    ) -> Claimed[Row]:  # fmt: skip
        """What cannot be read is leased and not held: somebody else may try it when the lease is over."""
        self._has_claimed = self._has_claimed or bool(rows)
        claimed = self._hold(table, rows, read, more_in)
        for row in claimed.rows:
            self._held[key_of(row)].sure_until = asked + self._lease.total_seconds()
        if claimed.rows and (self._renewing is None or self._renewing.done()):
            self._renewing = self._tasks.start(self._keep_renewing(), name="renew")
        return claimed

    async def _keep_renewing(self) -> None:
        while self._held:
            await asyncio.sleep(self._next_look())
            self._lose_what_is_over()
            try:
                async with asyncio.timeout(self._lease.total_seconds() / 2):
                    await self.renew()
            except (StoreUnavailable, TimeoutError) as error:
                log.warning("store.leases_not_renewed", reason=str(error) or "no answer in time")
            except Exception:
                log.exception("store.leases_not_renewed")
            self._lose_what_is_over()

    def _next_look(self) -> float:
        return min(RENEW_SECONDS, self._lease.total_seconds() / 4)

    def _lose_what_is_over(self) -> None:
        """What could be over before the next look is given up now."""
        soon = time.monotonic() + self._next_look()
        for key in [key for key, hold in self._held.items() if hold.sure_until <= soon]:
            self._lose(key, "it could not be renewed")

    def _lose(self, key: Key, why: str) -> None:
        hold = self._held.pop(key)
        log.warning("store.lease_lost", table=key[0], key=key[1], why=why)
        if hold.task is not None:
            hold.task.cancel()

    def _until(self) -> ColumnElement[Any]:
        return database_now(later=self._lease)

    async def _hand_back(self, keys: dict[str, list[str | int] | None], *, told: Collection[str] = ()) -> None:
        """None: all of a table. `told`: the bells of the others to be rung."""
        async with self._writing() as tx:
            tx.told.update(told)
            for name, some in keys.items():
                table, key = TABLES[name]
                ours = update(table).where(table.c.leased_by == self._owner)
                if some is not None:
                    ours = ours.where(key.in_(some))
                await tx.connection.execute(ours.values(leased_by=None, leased_until=None))


def _tried_of(row: SqlRow[Any]) -> Outgoing:
    """Its try is counted in the row already."""
    return outgoing_of(row, attempts=row.attempts)
