"""What ships, as it is told to approvers: nothing is cut without a mark."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.services.planning import plan_of
from bot.services.shipments import shipment_of
from bot.strategies.plan import MergePlan, Side
from tests import examples
from tests.services.test_planning import CONFIGURATION, PRODUCTION
from tests.strategies.conftest import Repository, served_repository

LONG = "Route all of it through the new gateway, " * 4


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    async with served_repository(tmp_path) as served:
        served.commit({"kept": "kept\n"})
        served.fork("staging")
        yield served


async def test_long_subjects_and_names_show_that_they_are_cut(repository: Repository) -> None:
    base = repository.commit({"hotfix": "1\n"})
    deployed = repository.commit({"feature": "1\n"}, branch="staging", message=LONG, author="d" * 100)
    await repository.git.fetch()
    source = Side(environment="staging", treeish=deployed)
    plan = await plan_of(repository.git, CONFIGURATION, PRODUCTION, source=source, base=base)
    assert isinstance(plan, MergePlan)
    change = examples.change(application="gateway", source_environment=None)
    live = replace(examples.live(), history=())
    shipped = await shipment_of(repository.git, change, PRODUCTION, CONFIGURATION, live, base, plan)
    assert [(line.subject, line.author) for line in shipped.carried] == [(f"{LONG[:119]}…", f"{'d' * 59}…")]
