"""Alert cards in a sandbox's Slack, over a real store: what the sender's tests share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from tests.slack.alerts.alert_desk import AlertDesk
from tests.slack.conftest import FixedClock

Eventually = Callable[..., Awaitable[Any]]
Settled = Callable[[], Awaitable[None]]


async def opened(url: str) -> SqlStore:
    store = SqlStore(url)
    await store.join(lambda _: None)
    return store


@pytest.fixture
async def desk(workspace: Any, tmp_path: Path) -> AsyncIterator[AlertDesk]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'tiphys.db'}"
    await upgrade(url)
    store = await opened(url)
    made = AlertDesk(store, workspace, FixedClock(datetime.now(UTC)))
    made.begin()
    yield made
    await made.crash()
    await store.close()


@pytest.fixture
def caught_up(desk: AlertDesk, eventually: Eventually) -> Callable[[], Awaitable[None]]:
    """Wait until nothing is due while time goes by: what was put off has its turn too."""

    async def nothing_due() -> bool:
        desk.later(60)
        return await desk.due() == 0

    return lambda: eventually(nothing_due)


@pytest.fixture
def settled(desk: AlertDesk, eventually: Eventually) -> Callable[[], Awaitable[None]]:
    """Wait until nothing is due."""

    async def wait() -> None:
        async def nothing_due() -> bool:
            return await desk.due() == 0

        await eventually(nothing_due)

    return wait
