"""A desk where people's acts arrive, and the commands as they are typed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.pipeline import Configuration
from tests.desk import Desk, Office, configuration, open_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk(office: Office) -> Desk:
    return office.desk


@pytest.fixture(scope="session")
def read_configuration() -> Configuration:
    return configuration()
