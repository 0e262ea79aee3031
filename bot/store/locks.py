"""PostgreSQL's advisory locks of ours: each a number that every replica knows. SQLite has one writer and needs none."""

from enum import IntEnum

from sqlalchemy import func, select

from bot.store.asyncio_engine import AsyncConnection

NAMESPACE = 0x74697068  # "tiph"


class Lock(IntEnum):
    MIGRATIONS = 1  # who changes the schema
    NUMBERS = 2  # who gives out the next number of a change
    LANES = 3  # who claims rows of the outbox
    SCANS = 4  # who runs the periodic scans; held by a session, see `bot.store.pinned`
    ALERT_NUMBERS = 5  # who gives out the next number of an alert group
    ALERT_INTAKE = 6  # who works off webhooks of alerts, or does what those were to do


async def lock(connection: AsyncConnection, name: Lock) -> None:
    """Wait for it, and hold it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(NAMESPACE, int(name))))
