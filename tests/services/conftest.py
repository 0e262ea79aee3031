"""A desk with its workspace: real rows, a real directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk import Desk, Office, open_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk(office: Office) -> Desk:
    return office.desk
