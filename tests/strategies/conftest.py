"""A repository on a real Git server, read through a real mirror."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.identity import Revision
from bot.integrations.git.mirror import Mirror
from tests.integrations.git.forge import GitServer

NAME = "example/apm"


@dataclass
class Repository:
    server: GitServer
    git: Mirror

    def commit(
        self, files: Mapping[str | bytes, bytes | str | None], *, modes: Mapping[str | bytes, str] | None = None,
        branch: str = "main", author: str = "dev", message: str = "change",
    ) -> Revision:  # fmt: skip
        """Commit on a branch; None deletes."""
        return Revision(self.server.commit(NAME, branch, files, message, modes=modes, author=author))

    def fork(self, branch: str, of: str = "main") -> None:
        """Let a branch start where another one stands."""
        self.server.git(NAME, "update-ref", f"refs/heads/{branch}", f"refs/heads/{of}")

    def merge(self, branch: str, other: Revision) -> Revision:
        return Revision(self.server.merge(NAME, branch, other))


@asynccontextmanager
async def served_repository(folder: Path) -> AsyncIterator[Repository]:
    server = GitServer(folder / "served")
    await server.start()
    server.create(NAME)
    mirror = Mirror(folder / "mirror.git", server.url(NAME), "")
    yield Repository(server, mirror)
    await mirror.close()
    await server.stop()


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    async with served_repository(tmp_path) as served:
        yield served
