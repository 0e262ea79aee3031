"""Bringing a database's schema to what this version needs."""

from sqlalchemy import Connection

from bot.store.engine import open_engine
from bot.store.revision import MIGRATIONS, current, newest


async def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest schema, in one transaction; answers the revision before and after.

    Safe to repeat. A migration that fails leaves the schema as it was.
    """
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def revisions(url: str) -> tuple[str | None, str]:
    """The schema revision of the database (None: empty) and the one that this version needs."""
    engine = open_engine(url, writes=False)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(current), newest()
    finally:
        await engine.dispose()


def is_known(revision: str) -> bool:
    """Whether this version has a migration to that revision: one that it lacks was made by a newer version."""
    from alembic.script import ScriptDirectory

    return any(script.revision == revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if (before := current(connection)) == newest():
        return before, before
    from alembic import command  # most starts end above
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, newest()
