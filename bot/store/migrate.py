"""Bringing a database's schema to what this version needs."""

from sqlalchemy import Connection

from bot.store.engine import close_engine, open_engine
from bot.store.locks import Lock, lock
from bot.store.revision import MIGRATIONS, current, known, newest
from bot.store.unavailable import unavailable_when_lost

NEWEST = "head"


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

    Safe to repeat. A migration that fails leaves the schema as it was.
    """
    engine = open_engine(url)
    try:
        with unavailable_when_lost():
            async with engine.begin() as connection:
                await lock(connection, Lock.MIGRATIONS)
                return await connection.run_sync(_upgrade)
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
