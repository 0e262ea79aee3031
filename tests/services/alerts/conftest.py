"""A room on each of the databases."""

from collections.abc import AsyncIterator

import pytest

from tests.services.alerts.room import Room, open_room


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
