"""The seeded repository, made once per test in a fresh folder."""

from pathlib import Path

import pytest

from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.seed import seed_apm


@pytest.fixture
async def repositories(tmp_path: Path) -> Repositories:
    made = Repositories(tmp_path)
    await seed_apm(made)
    return made
