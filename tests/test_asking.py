"""Who asks the database is answered in time, with what it says or with why it says nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from bot.asking import Asking, count_due
from bot.ports_store import StoreUnavailable, Transaction
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from tests import examples
from tests.examples import MINUTE, NOW


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    made = Asking()
    yield made
    await made.close()


async def test_what_is_due_is_counted(asking: Asking, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    store = SqlStore(url)
    async with store.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW - MINUTE))
        await tx.outbox.touch_card(examples.CHANGE, now=NOW + MINUTE)
    found = await asking.ask(store, lambda tx: count_due(tx, NOW))
    await store.close()
    assert found == {"inbound": 0, "due": 1, "outbox": 0, "intake": 0}


class Silent:
    """A store whose database neither answers nor goes away; it says when nobody asks any more."""

    def __init__(self) -> None:
        self.is_over = asyncio.Event()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[NoReturn]:
        try:
            await asyncio.Event().wait()
        finally:
            self.is_over.set()
        yield cast(Any, None)


async def test_a_database_that_hangs_is_not_waited_for() -> None:
    asking, store = Asking(patience=0.01), Silent()
    async with asyncio.timeout(10):
        found = await asking.ask(cast(Any, store), lambda tx: count_due(tx, NOW))
    assert isinstance(found, StoreUnavailable)
    assert found.reason == "it does not answer in time"
    assert not store.is_over.is_set()
    await asking.close()
    assert store.is_over.is_set()


class Broken:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def reading(self) -> NoReturn:
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailable("the server is gone"), "the server is gone"),
        (OSError("the disk is gone"), "OSError: the disk is gone"),
    ],
)
async def test_why_there_is_no_answer_is_told(asking: Asking, error: Exception, reason: str) -> None:
    async def anything(tx: Transaction) -> int:
        return 1

    found = await asking.ask(cast(Any, Broken(error)), anything)
    assert isinstance(found, StoreUnavailable)
    assert found.reason == reason
