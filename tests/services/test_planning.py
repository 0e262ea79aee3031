"""A plan in words for people: which paths conflict, who touched them last, and what to do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.identity import Person, Revision, UserId, short
from bot.domain.pipeline import (
    Application,
    Configuration,
    EnvironmentBranches,
    Permissions,
    SlackPolicy,
    Stage,
)
from bot.services.planning import plan_of
from bot.strategies.plan import CannotPlan, MergePlan, Side
from tests.examples import stage
from tests.strategies.conftest import Repository, served_repository

PRODUCTION: Stage = stage(application="gateway", path="", whole_tree=True)
STRATEGY = EnvironmentBranches(branches={"staging": "staging", "production": "main"})
GATEWAY = Application(name="gateway", repository="gateway", strategy=STRATEGY, stages={"production": PRODUCTION})
CONFIGURATION = Configuration(
    slack=SlackPolicy(), argocd={}, repositories={}, environments={}, permissions=Permissions(),
    people={"Anna": Person(key="Anna", slack=(UserId("U0ANNA"),), emails=("developer@example.com",))},
    applications={"gateway": GATEWAY},
)  # fmt: skip


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    async with served_repository(tmp_path) as served:
        served.commit({"kept": "kept\n"})
        served.fork("staging")
        yield served


async def plan(repository: Repository, base: Revision, deployed: Revision) -> object:
    await repository.git.fetch()
    source = Side(environment="staging", treeish=deployed)
    return await plan_of(repository.git, CONFIGURATION, PRODUCTION, source=source, base=base)


async def test_a_plan_is_handed_on(repository: Repository) -> None:
    base = repository.commit({"hotfix": "1\n"})
    deployed = repository.commit({"feature": "1\n"}, branch="staging")
    assert isinstance(await plan(repository, base, deployed), MergePlan)


async def test_a_conflict_names_paths_people_and_a_way_out(repository: Repository) -> None:
    ours = repository.commit({b"odd\xff": "ours\n"}, author="developer")
    theirs = repository.commit({b"odd\xff": "theirs\n"}, branch="staging", author="somebody")
    assert await plan(repository, ours, theirs) == CannotPlan(
        slug="conflict",
        reason=f"staging ({short(theirs)}) conflicts with main in odd\\xff "
        f"(last on main by Anna in {short(ours)}, last on staging by somebody in {short(theirs)})",
        way_out="Merge main into staging, resolve it there, deploy that to staging and promote again",
    )


async def test_of_many_paths_the_first_are_named_and_the_others_counted(repository: Repository) -> None:
    names = [f"f{number}" for number in range(8)]
    base = repository.commit(dict.fromkeys(names, "ours\n"))
    deployed = repository.commit(dict.fromkeys(names, "theirs\n"), branch="staging")
    cannot = await plan(repository, base, deployed)
    assert isinstance(cannot, CannotPlan)
    assert cannot.reason.count("last on main") == 5
    assert "f4 (" in cannot.reason
    assert "f5" not in cannot.reason
    assert cannot.reason.endswith("; 3 more")
