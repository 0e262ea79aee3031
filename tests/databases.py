"""Fresh databases of the newest schema, on each of the two that Tiphys knows."""

from pathlib import Path

import pytest

from bot.store.migrate import upgrade

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
"""Parameters of a fixture that asks `fresh`."""


async def sqlite_in(folder: Path) -> str:
    """The address of one in this folder."""
    url = f"sqlite+aiosqlite:///{folder}/tiphys.db"
    await upgrade(url)
    return url


async def fresh(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of the one that the fixture's parameter names; without a parameter of SQLite."""
    if getattr(request, "param", "sqlite") == "postgresql":
        found: str = request.getfixturevalue("postgresql")
        return found
    return await sqlite_in(folder)
