"""Removing what is long done, a page of rows at a time: short transactions, whatever has gathered."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, select

from bot.ports_forgetting import Forgotten
from bot.store.asyncio_engine import AsyncConnection


async def forget(
    connection: AsyncConnection, table: Table, key: Column[Any], *done: ColumnElement[bool], after: str | int | None,
    limit: int,
) -> Forgotten:  # fmt: skip
    """Of the `limit` rows that follow the key `after` those that are done. Which they are is asked as they are deleted:
    a row that has become due meanwhile stays."""
    page = select(key).order_by(key).limit(limit)
    keys = list((await connection.execute(page if after is None else page.where(key > after))).scalars())
    if not keys:
        return Forgotten(removed=0, last=None)
    removed = (await connection.execute(delete(table).where(key.in_(keys), *done))).rowcount
    return Forgotten(removed=removed, last=keys[-1] if len(keys) == limit else None)
