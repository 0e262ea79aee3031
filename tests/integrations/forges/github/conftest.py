"""A GitHub of our own and a client that talks to it."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.pipeline import Repository
from bot.integrations.forges.github.client import GithubForge
from tests.integrations.forges.github.standin import TOKEN, Hub


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with Hub() as running:
        yield running


@pytest.fixture
async def forge(hub: Hub) -> AsyncIterator[GithubForge]:
    client = GithubForge(Repository(name="apm", github="example/apm", api_url=hub.url, token=TOKEN), timeout=2)
    yield client
    await client.close()
