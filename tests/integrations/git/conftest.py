"""A Git server on a real socket, and mirrors of its repositories."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.integrations.git.environment import GitTimeouts
from bot.integrations.git.mirror import Mirror
from bot.ports import Signature
from tests.integrations.git.forge import GitServer

TOKEN = "a-made-up-token"
NAME = "example/apm"
BY = Signature(name="tiphys", email="tiphys@example.com", at=datetime(2024, 5, 1, 12, tzinfo=UTC))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GitServer]:
    server = GitServer(tmp_path / "served", token=TOKEN)
    await server.start()
    server.create(NAME)
    yield server
    await server.stop()


@pytest.fixture
async def open_mirror(tmp_path: Path, server: GitServer) -> AsyncIterator[Callable[..., Mirror]]:
    """Open a mirror of the repository; another `folder` is another process's, as far as Git can tell."""
    opened: list[Mirror] = []

    def open_one(
        *, folder: str = "mirror.git", url: str | None = None, token: str = TOKEN, timeouts: GitTimeouts | None = None
    ) -> Mirror:
        mirror = Mirror(tmp_path / "kept" / folder, url or server.url(NAME), token, timeouts=timeouts)
        opened.append(mirror)
        return mirror

    yield open_one
    for mirror in opened:
        await mirror.close()


@pytest.fixture
def mirror(open_mirror: Callable[..., Mirror]) -> Mirror:
    return open_mirror()
