"""Claims: who works on what. In one process they are remembered; `bot.store.leases` keeps them in the database too."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Row as SqlRow

from bot.domain.change import Change
from bot.domain.incoming import Recorded
from bot.domain.outgoing import Outgoing, Pick
from bot.ports_store import Claimed
from bot.store.changes import change_of
from bot.store.inbound import recorded_of
from bot.store.outbox import next_try_of
from bot.store.unreadable import tell_unreadable

if TYPE_CHECKING:
    from bot.store.store import StoreTransaction

AGAIN = timedelta(seconds=1)
"""After rows that could not be read the next ones are asked for."""
Claimable = Change | Recorded | Outgoing
Key = tuple[str, str | int]
"""Table and primary key."""
Transactions = Callable[[], AbstractAsyncContextManager["StoreTransaction"]]
Row = TypeVar("Row", Change, Recorded, Outgoing)


@dataclass(slots=True)
class Hold:
    """Something claimed: who works on it, if anybody has begun, and how long it is ours for sure (monotonic)."""

    task: "asyncio.Task[object] | None" = None
    sure_until: float = math.inf


class Holding:
    """What this process holds. A due row that this version cannot read is in nobody's way: it is passed by."""

    def __init__(self) -> None:
        self._held: dict[Key, Hold] = {}

    @asynccontextmanager
    async def working(self, claimed: Claimable) -> AsyncIterator[None]:
        """See `bot.ports_store.Claims`. Whoever is cancelled leaves the handing back to `close`."""
        key = key_of(claimed)
        if (hold := self._held.get(key)) is None:  # lost before the work began
            raise asyncio.CancelledError
        hold.task = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            self._abandon(key)
            raise
        except BaseException:
            await self.release(claimed)
            raise
        else:
            await self.release(claimed)

    async def release(self, claimed: Claimable) -> None:
        self._held.pop(key_of(claimed), None)

    def _abandon(self, key: Key) -> None:
        self._held.pop(key, None)

    def _keys(self, table: str) -> set[str | int]:
        return {key for name, key in self._held if name == table}

    def _hold(
        self, table: str, rows: Sequence[SqlRow[Any]], read: Callable[[SqlRow[Any]], Row], more_in: timedelta | None
    ) -> Claimed[Row]:
        found: list[Row] = []
        for row in rows:
            try:
                found.append(read(row))
            except Exception as error:  # a newer version may have written it
                tell_unreadable(table, row.id, error)
                self._pass_by((table, row.id))
        for claimed in found:
            self._held[key_of(claimed)] = Hold()
        if len(found) < len(rows):
            more_in = min(more_in or AGAIN, AGAIN)
        return Claimed(rows=tuple(found), more_in=more_in)

    def _pass_by(self, key: Key) -> None:
        """Until when it is passed by."""


class LocalClaims(Holding):
    """For the one process of a SQLite database: what a former process was at is free from the start."""

    def __init__(self, reading: Transactions, writing: Transactions) -> None:
        super().__init__()
        self._reading, self._writing = reading, writing

    async def changes(self, now: datetime, *, limit: int) -> Claimed[Change]:
        before = self._keys("changes")  # what is worked on now may have moved by the time that we have read
        async with self._reading() as tx:
            due = await tx.changes.due_rows(now, limit=limit + len(before))
            next_due = await tx.changes.next_due(now)
        return self._hold("changes", self._free("changes", due, before, limit), change_of, _until(next_due, now))

    async def inbound(self, now: datetime, *, limit: int) -> Claimed[Recorded]:
        before = self._keys("inbound")
        async with self._reading() as tx:
            due = await tx.inbound.due_rows(now, limit=limit + len(before))
            next_due = await tx.inbound.next_due(now)
        return self._hold("inbound", self._free("inbound", due, before, limit), recorded_of, _until(next_due, now))

    async def outbox(self, now: datetime, *, limit: int, pick: Pick | None = None) -> Claimed[Outgoing]:
        before = self._keys("outbox")
        async with self._writing() as tx:
            due = await tx.outbox.due_rows(now, limit=limit + len(before), pick=pick)
            next_due = await tx.outbox.next_due(now)
            fresh = [row for row in due if row.id not in before][:limit]
            if fresh:
                await tx.outbox.count_attempt([row.id for row in fresh])
        return self._hold("outbox", self._free("outbox", fresh, before, limit), next_try_of, _until(next_due, now))

    async def close(self, *, hand_back: bool = True) -> None:
        """There is nothing to hand back."""
        self._held.clear()

    def _free(
        self, table: str, due: Sequence[SqlRow[Any]], before: set[str | int], limit: int
    ) -> Sequence[SqlRow[Any]]:
        return [row for row in due if (table, row.id) not in self._held and row.id not in before][:limit]

    def _pass_by(self, key: Key) -> None:
        """Until the next start: there is no other version at work that could read it."""
        self._held[key] = Hold()


def key_of(claimed: Claimable) -> Key:
    match claimed:
        case Change():
            return "changes", claimed.id
        case Recorded():
            return "inbound", claimed.incoming.id
        case Outgoing():
            return "outbox", claimed.id


def _until(due: datetime | None, now: datetime) -> timedelta | None:
    return due - now if due is not None else None
