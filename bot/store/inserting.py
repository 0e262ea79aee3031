"""Inserting what may be there already: one statement each, so that nobody slips in between looking and writing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect, Insert, Table

from bot.store.asyncio_engine import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


async def insert_new(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """Store it; False when a row with its unique values is there: that one stays as it is."""
    statement = unless_known(table, connection.dialect).values(row).execution_options(preserve_rowcount=True)
    return (await connection.execute(statement)).rowcount > 0


def unless_known(table: Table, dialect: Dialect) -> Insert:
    """An INSERT that does nothing where a row with the same unique values is there."""
    if dialect.name == "sqlite":
        return _into_sqlite(table).on_conflict_do_nothing()
    return _into_postgresql(table).on_conflict_do_nothing()


def or_update(table: Table, dialect: Dialect, *, key: str, values: Mapping[str, Any]) -> Insert:
    """An INSERT that sets `values` instead where a row with the same `key` is there."""
    if dialect.name == "sqlite":
        return _into_sqlite(table).on_conflict_do_update(index_elements=[key], set_=values)
    return _into_postgresql(table).on_conflict_do_update(index_elements=[key], set_=values)


def _into_sqlite(table: Table) -> "SqliteInsert":
    from sqlalchemy.dialects.sqlite import insert  # loaded by its engine already, and by no other

    return insert(table)


def _into_postgresql(table: Table) -> "PostgresqlInsert":
    from sqlalchemy.dialects.postgresql import insert  # the same; 2 MiB that SQLite does without

    return insert(table)
