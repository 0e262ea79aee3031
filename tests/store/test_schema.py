"""The migrations and the tables say the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from bot.store.engine import DatabaseInUse, FileLock, open_engine
from bot.store.migrate import revisions, upgrade
from bot.store.revision import MIGRATIONS, newest
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


def test_the_newest_revision_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == newest()


def test_alembic_is_not_loaded_where_nothing_is_to_be_migrated(tmp_path: Path) -> None:
    """It is a tenth of the start and of the memory."""
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    script = (
        "import asyncio, sys; from bot.store.migrate import upgrade; "
        f"asyncio.run(upgrade({url!r})); print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(2)
    ]
    assert [each.stdout for each in said] == ["True\n", "False\n"]


async def test_a_schema_of_a_later_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(CommandError, match="9999"):
        await upgrade(url)
    assert (await revisions(url))[0] == "9999"


def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / "tiphys.db"), pytest.raises(DatabaseInUse, match="in use by another tiphys"):
        FileLock(tmp_path / "tiphys.db").__enter__()
    with FileLock(tmp_path / "tiphys.db"):
        pass
