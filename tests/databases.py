"""Fresh databases of the newest schema, on each of the two that Tiphys knows."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.store.migrate import upgrade
from bot.store.store import SqlStore

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
"""Parameters of a fixture that asks `fresh`."""
_MIGRATED: list[bytes] = []
"""The file that this process has migrated; all later ones are copies of it."""


async def sqlite_in(folder: Path) -> str:
    """The address of one in this folder; the one that is there already stays."""
    file = folder / "tiphys.db"
    url = f"sqlite+aiosqlite:///{file}"
    if file.exists():
        return url
    if _MIGRATED:
        file.write_bytes(_MIGRATED[0])
        return url
    await upgrade(url)
    assert list(folder.glob("tiphys.db*")) == [file], "a log beside it would hold a part of it"
    _MIGRATED.append(file.read_bytes())
    return url


async def fresh(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of the one that the fixture's parameter names; without a parameter of SQLite."""
    if getattr(request, "param", "sqlite") == "postgresql":
        found: str = request.getfixturevalue("postgresql")
        return found
    return await sqlite_in(folder)


async def until_one_waits_for_a_lock(store: SqlStore) -> None:
    """On PostgreSQL: until a transaction waits for another one."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        found = 0
        while not found:
            async with store.reading() as tx:
                found = (await tx.connection.execute(text(waiting))).scalar_one()
