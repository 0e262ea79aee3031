"""The migrations and the tables say the same; a database is migrated whole, or stays as it is."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from bot.ports_store import StoreUnavailable
from bot.store import engine as store_engine
from bot.store import migrate, revision
from bot.store.engine import DatabaseInUse, FileLock, close_engine, open_engine
from bot.store.indexes import metadata
from bot.store.migrate import WrongSchema, ensure_newest, revisions, upgrade
from bot.store.revision import MIGRATIONS, newest
from tests.databases import BOTH

NEWEST = "0004"
SLOW = '''
"""Takes longer than any other statement of ours may."""
from alembic import op
revision = "9999"
down_revision = "0004"
def upgrade() -> None:
    op.execute("SELECT pg_sleep(1.2)")
    op.execute("ALTER TABLE changes ADD COLUMN more INTEGER")
'''
FAILING = '''
"""Begins well."""
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "0004"
def upgrade() -> None:
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE changes SET reason_that_is_no_column = 1")
'''


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any schema."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("empty_postgresql")
        return address
    return f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One more migration than there is, which fails half-way."""
    _one_more(FAILING, monkeypatch, tmp_path)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One more migration than there is, on PostgreSQL, where everything else must be quick."""
    _one_more(SLOW, monkeypatch, tmp_path)
    monkeypatch.setattr(store_engine, "STATEMENT_SECONDS", 1.0)


def _one_more(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "v9999_more.py").write_text(text)
    for module in (migrate, revision):
        monkeypatch.setattr(module, "MIGRATIONS", folder)


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def tables(url: str) -> set[str]:
    engine = open_engine(url, writes=False)
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    await close_engine(engine)
    return found


async def test_the_migrations_build_what_the_tables_declare(empty: str) -> None:
    assert await upgrade(empty) == (None, NEWEST)
    engine = open_engine(empty)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await close_engine(engine)


async def test_upgrading_again_changes_nothing(empty: str) -> None:
    await upgrade(empty)
    assert await upgrade(empty) == (NEWEST, NEWEST)
    assert await revisions(empty) == (NEWEST, NEWEST)
    await ensure_newest(empty)


async def test_a_migration_that_fails_leaves_the_old_state(url: str, failing: None) -> None:
    before = await tables(url)
    with pytest.raises(Exception, match="reason_that_is_no_column"):
        await upgrade(url)
    assert await tables(url) == before
    assert await revisions(url) == (NEWEST, "9999")


@pytest.mark.postgresql
async def test_a_migration_may_take_longer_than_any_other_statement(postgresql: str, slow: None) -> None:
    assert await upgrade(postgresql) == (NEWEST, "9999")


@pytest.mark.postgresql
async def test_whoever_migrates_at_the_same_time_waits_until_it_is_done(postgresql: str, slow: None) -> None:
    """Also for longer than a statement may take."""
    found = await asyncio.gather(*(upgrade(postgresql) for _ in range(3)))
    assert sorted(found) == [(NEWEST, "9999"), ("9999", "9999"), ("9999", "9999")]


@pytest.mark.postgresql
async def test_a_table_in_use_is_asked_for_again_and_again_and_not_queued_for(
    postgresql: str, slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running bot reads while it is migrated: its next statement would wait behind a migration that waits."""
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(migrate, "ATTEMPTS", 2)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.0)
    address = postgresql.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(address) as reader:
        await reader.execute("SELECT count(*) FROM changes")
        with pytest.raises(StoreUnavailable, match="in use at 2 attempts to migrate them"):
            await upgrade(postgresql)
        assert await revisions(postgresql) == (NEWEST, "9999")

        monkeypatch.setattr(migrate, "ATTEMPTS", 50)
        _, found = await asyncio.gather(_release_after_one_attempt(reader, address), upgrade(postgresql))
    assert found == (NEWEST, "9999")


async def _release_after_one_attempt(reader: psycopg.AsyncConnection, address: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'changes'::regclass"
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as aside:
        for how_many in (1, 0):
            async with asyncio.timeout(20):
                while True:
                    if await (await aside.execute(waiting)).fetchone() == (how_many,):
                        break
                    await asyncio.sleep(0.005)
    await reader.rollback()


async def test_an_old_an_empty_and_a_newer_schema_are_refused_with_the_command(empty: str, failing: None) -> None:
    with pytest.raises(WrongSchema, match=r"is empty: run `tiphys db upgrade`"):
        await ensure_newest(empty)
    await _stamp(empty, "0001")
    with pytest.raises(WrongSchema, match=r"has schema 0001, this version needs 9999: run `tiphys db upgrade`"):
        await ensure_newest(empty)
    await _stamp(empty, "12345")
    with pytest.raises(WrongSchema, match=r"has schema 12345, which a newer tiphys made"):
        await ensure_newest(empty)


async def _stamp(url: str, revision: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))"))
        await connection.execute(text("DELETE FROM alembic_version"))
        await connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    await close_engine(engine)


async def test_rows_of_before_the_lanes_get_theirs(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "NEWEST", "0001")
        await upgrade(empty)
    engine = open_engine(empty)
    rows = [("card:A", "card", "A", None), ("note:A:x", "note", "A", None), ("notice:n", "notice", None, "C1"),
            ("answer:t", "answer", "A", "C1")]  # fmt: skip
    async with engine.begin() as connection:
        for key, kind, change, channel in rows:
            await connection.execute(
                text(
                    "INSERT INTO outbox (key, kind, urgency, version, change_id, channel, created_at, attempts) "
                    "VALUES (:key, :kind, 0, 1, :change, :channel, 0, 0)"
                ),
                {"key": key, "kind": kind, "change": change, "channel": channel},
            )
    assert await upgrade(empty) == ("0001", NEWEST)
    async with engine.connect() as connection:
        lanes = (await connection.execute(text("SELECT lane FROM outbox ORDER BY id"))).scalars().all()
    await close_engine(engine)
    assert lanes == ["change:A", "change:A", "channel:C1", "answer:t"]


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
    await close_engine(engine)
    with pytest.raises(CommandError, match="9999"):
        await upgrade(url)
    assert (await revisions(url))[0] == "9999"


def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / "tiphys.db"), pytest.raises(DatabaseInUse, match="in use by another tiphys"):
        FileLock(tmp_path / "tiphys.db").__enter__()
    with FileLock(tmp_path / "tiphys.db"):
        pass
