"""Changes as rows: reading, inserting, and the compare-and-swap that every write goes through."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Column, Row, Select, func, select, update

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.ports_store import AlreadyOpen, ChangeCount, Conflict, Queue
from bot.store.asyncio_engine import AsyncConnection
from bot.store.documents import CHANGE, dump
from bot.store.inserting import insert_new
from bot.store.locks import Lock, lock
from bot.store.queues import read_queue
from bot.store.tables import OPEN, changes
from bot.store.unreadable import tell_unreadable

READ: list[Column[Any]] = [changes.c.id, changes.c.document]


class Changes:
    """The changes that one transaction sees."""

    def __init__(self, connection: AsyncConnection, told: set[str]) -> None:
        self._connection, self._told = connection, told

    async def find(self, change: ChangeId) -> Change | None:
        return await self._one(_select().where(changes.c.id == change))

    async def get(self, change: ChangeId) -> Change:
        """Raises `KeyError`."""
        if (found := await self.find(change)) is None:
            raise KeyError(change)
        return found

    async def get_to_write(self, change: ChangeId) -> Change:
        """The same, and nobody else writes it until this transaction ends."""
        if (found := await self._one(_select().where(changes.c.id == change).with_for_update())) is None:
            raise KeyError(change)
        return found

    async def find_number(self, number: int) -> Change | None:
        return await self._one(_select().where(changes.c.number == number))

    async def find_open(self, application: str, environment: str) -> Change | None:
        query = _select().where(changes.c.application == application, changes.c.environment == environment, OPEN)
        return await self._one(query)

    async def list_open(self) -> list[Change]:
        # Sorted here: the database would take the order from the numbers of all changes, and read them all.
        return sorted(await self._all(select(*READ).where(OPEN)), key=lambda change: change.number)

    async def list_newest(self, application: str, environment: str, *, limit: int) -> list[Change]:
        query = select(*READ).where(changes.c.application == application, changes.c.environment == environment)
        return await self._all(query.order_by(changes.c.number.desc()).limit(limit))

    async def list_due(self, now: datetime, *, limit: int) -> list[Change]:
        """What is to be looked at now: the longest due first."""
        return [change_of(row) for row in await self.due_rows(now, limit=limit)]

    async def due_rows(self, now: datetime, *, limit: int) -> Sequence[Row[Any]]:
        query = select(*READ).where(changes.c.due_at <= now).order_by(changes.c.due_at).limit(limit)
        return (await self._connection.execute(query)).all()

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(changes.c.due_at)).where(changes.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def count_due(self, now: datetime) -> int:
        query = select(func.count()).select_from(changes).where(changes.c.due_at <= now)
        return int((await self._connection.execute(query)).scalar_one())

    async def count_open(self) -> list[ChangeCount]:
        alike = (changes.c.kind, changes.c.environment, changes.c.state)
        query = select(*alike, func.count().label("number")).where(OPEN).group_by(*alike)
        return [
            ChangeCount(kind=row.kind, environment=row.environment, state=row.state, number=row.number)
            for row in (await self._connection.execute(query)).all()
        ]

    async def queue(self, now: datetime) -> Queue:
        """Changes to be looked at; the oldest is the one that has been due for longest."""
        return await read_queue(self._connection, changes.c.due_at, changes.c.due_at, now)

    async def insert(self, change: Change) -> Change:
        """Store a new change under the next number. Raises `AlreadyOpen`."""
        await lock(self._connection, Lock.NUMBERS)
        newest = (await self._connection.execute(select(func.max(changes.c.number)))).scalar() or 0
        numbered = replace(change, number=newest + 1, version=1)
        if not await insert_new(self._connection, changes, _columns(numbered)):
            raise AlreadyOpen
        self._told.add("changes")
        return numbered

    async def swap(self, change: Change) -> Change:
        """Store `change` if its version is still the stored one; answer it with its new version. Raises `Conflict`."""
        moved = replace(change, version=change.version + 1)
        statement = (
            update(changes)
            .where(changes.c.id == change.id, changes.c.version == change.version)
            .values(**_columns(moved))
        )
        if (await self._connection.execute(statement)).rowcount != 1:
            raise Conflict(await self.get(change.id))
        return moved

    async def make_due(self, change: ChangeId, at: datetime) -> None:
        """Look at it at `at` or earlier. The version moves, so that a look that is under way is taken again."""
        current = await self.get_to_write(change)
        self._told.add("changes")
        if current.due_at is None or current.due_at > at:
            await self.swap(replace(current, due_at=at))
        else:
            await self.swap(current)

    async def _one(self, query: Select[str]) -> Change | None:
        document = (await self._connection.execute(query)).scalar()
        return CHANGE.validate_json(document) if document is not None else None

    async def _all(self, query: Select[Any]) -> list[Change]:
        """Without those that this version cannot read, which are told of: none of them hides the others."""
        found = []
        for row in await self._connection.execute(query):
            try:
                found.append(change_of(row))
            except ValidationError as error:
                tell_unreadable("changes", row.id, error)
        return found


def change_of(row: Row[Any]) -> Change:
    return CHANGE.validate_json(row.document)


def _select() -> Select[str]:
    return select(changes.c.document)


def _columns(change: Change) -> dict[str, object]:
    return {
        "id": change.id, "number": change.number, "kind": change.kind.value, "application": change.application,
        "environment": change.environment, "state": change.state.value, "is_open": not change.is_over,
        "version": change.version, "due_at": change.due_at, "requested_at": change.requested_at,
        "document": dump(CHANGE, change),
    }  # fmt: skip
