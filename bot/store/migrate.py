"""Bringing a database's schema to what this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.store.engine import open_engine

MIGRATIONS = Path(__file__).parent / "migrations"


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
            return await connection.run_sync(_current), _newest()
    finally:
        await engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _newest() -> str:
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None, "there is always a first migration"  # noqa: S101
    return newest


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    before = _current(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, _newest()
