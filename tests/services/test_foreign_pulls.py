"""Our status on everybody's pull requests: over a real forge, real Git, a real database."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from bot.config.source import ConfigurationSource
from bot.domain.change import Change
from bot.domain.identity import Revision
from bot.domain.lifecycle import State
from bot.domain.pipeline import Repository
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.git.mirror import Mirror
from bot.ports_store import StoreUnavailable
from bot.sandbox.github.records import Status
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Fault
from bot.services.foreign_pulls import ForeignPulls
from bot.services.messages import branch_of
from bot.services.outside import Outside
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests import examples
from tests.desk import ENVIRON, TIPHYS_YAML, Desk
from tests.sandbox.github.conftest import REPO, Forge
from tests.sandbox.github.conftest import forge as world

__all__ = ["world"]

OVERLAYS = "deployments/k8s/overlays"
OVERLAY = "resources: [../../base]\n"
TREE: dict[str, str | None] = {
    "deployments/k8s/base/kustomization.yaml": "resources: [api.yaml]\n",
    "deployments/k8s/base/api.yaml": "kind: Deployment\n",
    **{f"{OVERLAYS}/{stage}/kustomization.yaml": OVERLAY for stage in ("development", "staging", "production")},
}
MORE = OVERLAY + "namePrefix: x-\n"
BY_BRANCHES = (
    TIPHYS_YAML.replace(
        '{type: kustomize-images, branch: main, path: "deployments/k8s/overlays/{environment}"}', "{type: branch}"
    )
    .replace("development: {}", "development: {branch: develop}")
    .replace("staging: {from", "staging: {branch: staging, from")
    .replace("production: {from", "production: {branch: main, from")
)
"""A branch for each stage, as with GitFlow."""
ELSEWHERE = "pull request 2 leads this commit into main too, past its approvals: to be closed (#1)"
FREE, USE_PROMOTE = "touches no governed path", "touches production of apm-stack: use /promote"


@dataclass
class Town:
    """The forge, and the service that looks at it."""

    world: Forge
    desk: Desk
    outside: Outside
    pulls: ForeignPulls

    async def open(self, branch: str, files: dict[str, str | None], *, base: str = "main") -> Revision:
        return Revision((await self.world.open(branch, files, base))["head"]["sha"])

    def told(self, head: str) -> list[tuple[str, str | None]]:
        """Every status that was ever set on a commit."""
        statuses: list[Status] = self.world.service.forge.of(REPO).statuses.get(head, [])
        return [(status.state, status.description) for status in statuses]


@pytest.fixture
async def town(world: Forge, desk: Desk, tmp_path: Path) -> AsyncIterator[Town]:
    await world.commit("main", TREE)
    await world.commit("elsewhere", {"x": "1"}, **{"from": "main"})
    api_url = str(world.api.base_url).rstrip("/")
    repository = Repository(name="apm", github=REPO, api_url=api_url, token=TOKENS.github_tiphys)
    forge = GithubForge(repository)
    git = Mirror(tmp_path / "mirror.git", repository.clone_url, repository.token)
    outside = Outside(argocd={}, git={"apm": git}, forges={"apm": forge}, directory=desk.outside.directory)
    yield Town(world, desk, outside, ForeignPulls(desk.store, outside, desk.source, desk.bells))
    await forge.close()
    await git.close()


@pytest.fixture
async def by_branches(town: Town, tmp_path: Path) -> Town:
    """The same town with a branch for each stage; the promotion into staging stands, and its head is told first."""
    (tmp_path / "branches.yaml").write_text(BY_BRANCHES, "utf-8")
    for branch in ("develop", "staging"):
        await town.world.commit(branch, {f"{branch}.md": "x"}, **{"from": "main"})
    source = ConfigurationSource(tmp_path / "branches.yaml", lambda: ENVIRON)
    town.pulls = ForeignPulls(town.desk.store, town.outside, source, town.desk.bells)
    return town


async def promotion_into_staging(town: Town, state: State, **facts: Any) -> Change:
    """Our commit on its branch, green, with its pull request into staging."""
    blank = examples.change(environment="staging", proposal=None)
    head = await town.open(branch_of(blank), {"new.txt": "x"}, base="staging")
    proposal = examples.proposal(head=head, branch=branch_of(blank), base_branch="staging", pull_request=1)
    await town.outside.forges["apm"].set_status(head, state="success", description="no approvals needed")
    return await town.desk.put(examples.change(state, environment="staging", proposal=proposal, **facts))


def head_of(change: Change) -> Revision:
    assert change.proposal is not None
    return change.proposal.head


GREEN = ("success", "no approvals needed")


async def test_our_commit_led_into_another_branch_is_not_green_there(by_branches: Town) -> None:
    """A status belongs to the commit: green for staging would be green for production."""
    town = by_branches
    change = await promotion_into_staging(town, State.WAITING_FOR_CHECKS)
    await town.pulls.look()
    assert town.told(head_of(change)) == [GREEN]
    await town.world.deed("open", head=branch_of(change), base="main", title="past production's approvals")
    for _ in range(3):
        await town.pulls.look()
    assert town.told(head_of(change)) == [GREEN, ("pending", ELSEWHERE)]
    await town.world.deed("close", number=2)
    await town.pulls.look()
    assert len(town.told(head_of(change))) == 2, "the promotion itself turns it green again"


async def test_where_the_other_branch_is_not_promoted_into_nothing_is_held_back(by_branches: Town) -> None:
    change = await promotion_into_staging(by_branches, State.WAITING_FOR_CHECKS)
    await by_branches.world.deed("open", head=branch_of(change), base="develop", title="back to where it began")
    await by_branches.pulls.look()
    assert by_branches.told(head_of(change)) == [GREEN]


@pytest.mark.parametrize("state", [State.SYNCING, State.SUCCEEDED])
async def test_what_has_reached_staging_is_a_foreign_commit_for_production(by_branches: Town, state: State) -> None:
    """After a fast-forward it is the tip of staging; after the end somebody can restore the branch."""
    town = by_branches
    change = await promotion_into_staging(town, state, merge=examples.merge())
    await town.world.deed("close", number=1)
    await town.world.deed("open", head=branch_of(change), base="main", title="staging to production")
    for _ in range(2):
        await town.pulls.look()
    assert town.told(head_of(change)) == [GREEN, ("pending", USE_PROMOTE)]


async def test_the_pull_request_of_an_ended_promotion_is_left_alone_and_a_new_one_is_not(by_branches: Town) -> None:
    town = by_branches
    change = await promotion_into_staging(town, State.ABORTED)
    await town.pulls.look()
    assert town.told(head_of(change)) == [GREEN]
    await town.world.deed("close", number=1)
    await town.world.deed("open", head=branch_of(change), base="staging", title="all the same")
    await town.pulls.look()
    assert town.told(head_of(change)) == [GREEN, ("pending", "touches staging of apm-stack: use /promote")]


@pytest.mark.parametrize(
    ("path", "state", "said"),
    [
        ("README.md", "success", FREE),
        (f"{OVERLAYS}/development/kustomization.yaml", "success", FREE),  # nothing is promoted into it
        (f"{OVERLAYS}/production/kustomization.yaml", "pending", USE_PROMOTE),
        (f"{OVERLAYS}/production/new.txt", "pending", USE_PROMOTE),
        (
            "deployments/k8s/base/api.yaml",
            "pending",
            "touches staging and production of apm-stack: use /promote",
        ),
    ],
)
async def test_it_says_whether_a_governed_path_is_touched(town: Town, path: str, state: str, said: str) -> None:
    head = await town.open("topic", {path: MORE})
    for _ in range(3):
        await town.pulls.look()
    assert town.told(head) == [(state, said)]


async def test_what_is_known_already_is_not_said_again_after_a_restart(town: Town) -> None:
    head = await town.open("topic", {"README.md": "x"})
    await town.pulls.look()
    town.pulls._told.clear()
    await town.pulls.look()
    assert town.told(head) == [("success", FREE)]


async def test_a_new_push_and_a_moved_base_are_looked_at(town: Town) -> None:
    first = await town.open("topic", {"shared/a.yaml": "a"})
    await town.pulls.look()
    second = await town.world.commit("topic", {f"{OVERLAYS}/production/new.txt": "x"})
    await town.pulls.look()
    assert (town.told(first), town.told(second)) == ([("success", FREE)], [("pending", USE_PROMOTE)])
    other = await town.open("other", {"shared/b.yaml": "kind: Service\n"})
    await town.pulls.look()
    reads_it: dict[str, str | None] = {
        f"{OVERLAYS}/production/kustomization.yaml": "resources: [../../base, ../../../../shared/b.yaml]\n"
    }
    await town.world.commit("main", reads_it)
    await town.pulls.look()
    assert town.told(other) == [("success", FREE), ("pending", USE_PROMOTE)]


async def test_a_conflict_is_no_way_around_it(town: Town) -> None:
    path = f"{OVERLAYS}/production/kustomization.yaml"
    head = await town.open("topic", {path: MORE})
    await town.world.commit("main", {path: OVERLAY + "namePrefix: y-\n"})
    await town.pulls.look()
    assert town.told(head) == [("pending", USE_PROMOTE)]


async def test_where_nothing_is_governed_nothing_is_said(town: Town) -> None:
    head = await town.open("topic", {f"{OVERLAYS}/production/new.txt": "x"}, base="elsewhere")
    await town.pulls.look()
    assert town.told(head) == []
    await town.world.deed("open", head="topic", base="main", title="now into main")
    await town.pulls.look()
    assert town.told(head) == [("pending", USE_PROMOTE)]


async def test_a_promotion_is_left_alone_and_a_foreign_commit_on_it_is_not(town: Town) -> None:
    change = examples.change()
    head = await town.open(branch_of(change), {f"{OVERLAYS}/production/new.txt": "x"})
    stored = await town.desk.put(examples.change(proposal=None, state=State.PROPOSING))
    await town.pulls.look()
    assert town.told(head) == []
    async with town.desk.store.writing() as tx:
        await tx.changes.swap(examples.change(version=stored.version, number=1, proposal=examples.proposal(head=head)))
    await town.pulls.look()
    assert town.told(head) == []
    theirs = await town.world.commit(branch_of(change), {"README.md": "mine"})
    await town.pulls.look()
    assert (town.told(head), town.told(theirs)) == ([], [("pending", USE_PROMOTE)])


async def test_the_promotions_own_commit_is_left_alone_on_any_branch(town: Town) -> None:
    """A status belongs to the commit: it must not be made green by a pull request from another branch."""
    head = await town.open("copied", {"README.md": "x"})
    await town.desk.put(examples.change(proposal=examples.proposal(head=head)))
    await town.pulls.look()
    assert town.told(head) == []


async def test_no_answer_is_waited_out(town: Town) -> None:
    head = await town.open("topic", {"README.md": "x"})
    fault = Fault(id="", service="github", path=re.compile("/pulls"), do="status", status=502, left=1)
    town.world.traffic.add_fault(fault)
    await town.pulls.look()
    assert town.told(head) == []
    await town.pulls.look()
    assert town.told(head) == [("success", FREE)]


async def test_one_that_is_refused_keeps_nobody_else_waiting(town: Town) -> None:
    other, refused = [await town.open(branch, {f"{branch}.md": "x"}) for branch in ("a", "b")]  # listed newest first
    fault = Fault(id="", service="github", path=re.compile(f"/statuses/{refused}"), do="status", status=422, left=1)
    town.world.traffic.add_fault(fault)
    await town.pulls.look()
    assert (town.told(refused), town.told(other)) == ([], [("success", FREE)])
    await town.pulls.look()
    assert town.told(refused) == [("success", FREE)]


async def test_many_at_once_take_several_looks(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.services.foreign_pulls.MOST_WRITTEN", 2)
    heads = [await town.open(f"topic-{number}", {f"{number}.md": "x"}) for number in range(3)]
    for told in (2, 3, 3):
        await town.pulls.look()
        assert sum(len(town.told(head)) for head in heads) == told


async def test_one_of_several_replicas_looks(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bool] = []

    async def look() -> None:
        looked.append(town.desk.store.leads)

    monkeypatch.setattr(town.pulls, "look", look)
    monkeypatch.setattr(SqlStore, "leads", False)
    tasks, bell = TaskSet("test"), town.desk.bells.pulls
    tasks.start(town.pulls.run(), name="run")
    await asyncio.sleep(0)
    for leads in (False, True, False):
        monkeypatch.setattr(SqlStore, "leads", leads)
        bell.ring()
        await bell.quiet(10)
    await tasks.close()
    assert looked == [True]


async def test_without_a_database_it_is_tried_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    head = await town.open("topic", {"README.md": "x"})
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(SqlStore, "reading", _away)
        await town.pulls.look()
    assert [(line["event"], line["log_level"]) for line in logs] == [("foreign_pulls.no_answer", "warning")]
    await town.pulls.look()
    assert town.told(head) == [("success", FREE)]


def _away(_store: SqlStore) -> NoReturn:
    raise StoreUnavailable("the server is gone")
