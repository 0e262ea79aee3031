"""A room on each of the databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.migrate import upgrade
from tests.services.alerts.room import Room, open_room

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if getattr(request, "param", "sqlite") == "postgresql":
        found: str = request.getfixturevalue("postgresql")
        return found
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    return url


@pytest.fixture
async def room(address: str) -> AsyncIterator[Room]:
    """On SQLite; with `address` as a parameter on both."""
    async with open_room(address) as opened:
        yield opened


@pytest.fixture
async def deaf(address: str) -> AsyncIterator[Room]:
    """One whose Alertmanager cannot be asked."""
    async with open_room(address, api=False) as opened:
        yield opened
