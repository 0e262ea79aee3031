"""A fresh database of the newest schema."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.migrate import upgrade
from bot.store.store import SqlStore


@pytest.fixture
async def url(tmp_path: Path) -> str:
    address = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(address)
    return address


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url)
    yield opened
    await opened.close()
