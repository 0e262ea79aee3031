"""How much waits in a table, and for how long: what metrics ask of every table that has a `due_at`."""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, func, select

from bot.ports_store import Queue
from bot.store.asyncio_engine import AsyncConnection


async def read_queue(
    connection: AsyncConnection, due_at: Column[datetime], since: ColumnElement[datetime], now: datetime,
    *only: ColumnElement[bool],
) -> Queue:  # fmt: skip
    """`since` is from when on a row waits. Reads only rows that are not done: those whose `due_at` is set."""
    query = select(
        func.count().filter(due_at <= now).label("due"), func.count().filter(due_at > now).label("later"),
        func.min(since).label("oldest"),
    ).where(due_at.is_not(None), *only)  # fmt: skip
    row = (await connection.execute(query)).one()
    age = now - row.oldest if row.oldest is not None else timedelta()
    return Queue(due=row.due, later=row.later, age=max(age, timedelta()))
