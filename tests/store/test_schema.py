"""The migrations and the tables say the same."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from bot.store.engine import DatabaseInUse, FileLock, open_engine
from bot.store.migrate import revisions, upgrade
from bot.store.tables import metadata


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_build_what_the_tables_declare(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    assert await upgrade(url) == (None, "0001")
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    assert await upgrade(url) == ("0001", "0001")
    assert await revisions(url) == ("0001", "0001")


def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / "tiphys.db"), pytest.raises(DatabaseInUse, match="in use by another tiphys"):
        FileLock(tmp_path / "tiphys.db").__enter__()
    with FileLock(tmp_path / "tiphys.db"):
        pass
