"""A fresh database of the newest schema: everything here is run on both kinds, but for what only one of them has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.store import lone
from bot.store.store import SqlStore
from tests.databases import BOTH, fresh, sqlite_in
from tests.store.lone_store import FOR_EVER, Known


@pytest.fixture(params=BOTH)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return await fresh(request, tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url)
    yield opened
    await opened.close()


@pytest.fixture
async def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Known]:
    """On a disk that any commit is quick on."""
    monkeypatch.setattr(lone, "QUICK_SECONDS", FOR_EVER)
    made = Known(await sqlite_in(tmp_path))
    yield made
    await made.store.close()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)
