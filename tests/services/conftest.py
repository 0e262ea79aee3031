"""A desk with its workspace: real rows, a real directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk import Desk, Office, open_office


@pytest.fixture
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    """On SQLite; with the parameter `postgresql` on that."""
    url = request.getfixturevalue("postgresql") if getattr(request, "param", "") == "postgresql" else None
    async with open_office(tmp_path, url=url) as opened:
        yield opened


@pytest.fixture
def desk(office: Office) -> Desk:
    return office.desk
