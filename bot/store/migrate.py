"""Bringing a database's schema to what this version needs."""

import asyncio

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from bot.ports_store import StoreUnavailable
from bot.store.asyncio_engine import AsyncConnection, AsyncEngine
from bot.store.engine import close_engine, open_engine
from bot.store.locks import Lock, lock
from bot.store.revision import MIGRATIONS, current, known, newest
from bot.store.unavailable import unavailable_when_lost

NEWEST = "head"
LOCK_SECONDS = 1.0
"""How long a migration may wait for a table. Whatever comes after it waits behind it, and recording may take two."""
ATTEMPTS, PAUSE_SECONDS = 20, 1.0
IDLE_SECONDS = 60
"""How long a migration may compute between two statements."""
_LOCK_NOT_AVAILABLE = "55P03"
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class WrongSchema(Exception):
    """The database's schema is not the one that this version needs, and this process does not change it."""

    def __init__(self, found: str | None, needed: str) -> None:
        if found is None:
            words = "the database is empty: run `tiphys db upgrade` once, then start again"
        elif found in known():
            words = f"the database has schema {found}, this version needs {needed}: run `tiphys db upgrade` first"
        else:
            words = f"the database has schema {found}, which a newer tiphys made: run that version, or a newer one"
        super().__init__(words)


async def ensure_newest(url: str) -> None:
    """Raises `WrongSchema`: where several processes share a database, a person says when it is migrated."""
    found, needed = await revisions(url)
    if found != needed:
        raise WrongSchema(found, needed)


async def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest schema, in one transaction, one process at a time; answers the revision before and after.

    Safe to repeat. A migration that fails leaves the schema as it was. On PostgreSQL its statements may take as long as
    they take, but it does not wait long for a table that a running bot uses: it lets all go and tries again.
    """
    engine = open_engine(url)
    try:
        with unavailable_when_lost():
            for _ in range(ATTEMPTS):
                try:
                    return await _migrate(engine)
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                        raise
                await asyncio.sleep(PAUSE_SECONDS)
        raise StoreUnavailable(
            f"its tables were in use at {ATTEMPTS} attempts to migrate them: try again, or stop the bots"
        )
    finally:
        await close_engine(engine)


async def revisions(url: str) -> tuple[str | None, str]:
    """The schema revision of the database (None: empty) and the one that this version needs."""
    engine = open_engine(url, writes=False)
    try:
        with unavailable_when_lost():
            async with engine.connect() as connection:
                return await connection.run_sync(current), newest()
    finally:
        await close_engine(engine)


async def _migrate(engine: AsyncEngine) -> tuple[str | None, str]:
    async with engine.begin() as connection:
        await _limit(connection, lock_seconds=0)  # whoever migrates now may take long; this waiting holds nobody up
        await lock(connection, Lock.MIGRATIONS)
        await _limit(connection, lock_seconds=LOCK_SECONDS)
        return await connection.run_sync(_upgrade)


async def _limit(connection: AsyncConnection, *, lock_seconds: float) -> None:
    """For this transaction, in place of what every other of ours has."""
    if connection.dialect.name == "postgresql":
        for name, seconds in {
            "statement_timeout": 0, "lock_timeout": lock_seconds, "idle_in_transaction_session_timeout": IDLE_SECONDS,
        }.items():  # fmt: skip
            await connection.execute(text(f"SET LOCAL {name} = {round(seconds * 1000)}"))


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if (before := current(connection)) == newest():
        return before, before
    from alembic import command  # most starts end above
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)
    return before, newest()
