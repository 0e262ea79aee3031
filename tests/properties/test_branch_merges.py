"""Laws of strategy `branch`, over random histories in real repositories."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bot.domain.identity import Revision
from bot.domain.pipeline import EnvironmentBranches
from bot.integrations.git.mirror import Mirror
from bot.ports import Signature
from bot.strategies.branch import BranchStrategy
from bot.strategies.plan import Conflicts, MergePlan, NothingToPromote, Side
from tests.integrations.git.forge import GitServer
from tests.properties.branch_histories import (
    HISTORIES,
    MAIN,
    NAME,
    STAGING,
    Crossing,
    Work,
    WorkTree,
    build,
    stripped,
    tree_of,
)

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])
STRATEGY = BranchStrategy(EnvironmentBranches(branches={"staging": STAGING, "production": MAIN}))
BY = Signature(name="Tiphys", email="tiphys@example.com", at=datetime(2026, 3, 4, tzinfo=UTC))

History = Sequence[Work | Crossing]


def test_a_promotion_is_git_s_own_merge(tmp_path: Path) -> None:
    run(tmp_path, settings(SETTINGS, max_examples=12, phases=[Phase.generate]))


@pytest.mark.long
def test_a_promotion_is_git_s_own_merge_over_many_histories(tmp_path: Path) -> None:
    run(tmp_path, settings(SETTINGS, max_examples=500))


def run(folder: Path, how: settings) -> None:
    with asyncio.Runner() as runner:
        world = World(folder)
        runner.run(world.server.start())
        world.server.create(NAME)
        try:

            @how
            @given(HISTORIES)
            def law(history: History) -> None:
                runner.run(world.holds(history))

            law()
        finally:
            runner.run(world.close())


class World:
    """A served repository, two mirrors of it that know nothing of each other, and a person's clone."""

    def __init__(self, folder: Path) -> None:
        self.server = GitServer(folder / "served")
        self._folder, self._count = folder, 0
        self._mirrors: list[Mirror] = []
        self._clone: WorkTree | None = None

    async def close(self) -> None:
        for mirror in self._mirrors:
            await mirror.close()
        await self.server.stop()

    async def holds(self, history: History) -> None:
        self._count += 1
        await asyncio.to_thread(build, self.server, history, str(self._count))
        if not self._mirrors:
            self._mirrors = [Mirror(self._folder / f"{n}.git", self.server.url(NAME), "") for n in "ab"]
            self._clone = WorkTree(self._folder / "clone", self.server)
        assert self._clone is not None
        by_hand = await asyncio.to_thread(self._clone.merge)
        git = self._mirrors[0]
        await git.fetch()
        base, source = await git.find_tip(MAIN), await git.find_tip(STAGING)
        assert base is not None
        assert source is not None
        plan = await planned(git, base, source)
        match plan:
            case NothingToPromote():
                assert by_hand == (await git.commit(base)).tree
            case Conflicts():
                assert isinstance(by_hand, set)
                assert plan.total >= len(by_hand)
                told = {stripped(path.path.encode("utf-8", "surrogateescape")) for path in plan.paths}
                assert told <= by_hand
                assert all(path.on_target or path.on_source for path in plan.paths)
            case MergePlan():
                assert plan.tree == by_hand
                await self._ships(git, base, source, plan)
            case _:
                raise AssertionError(plan)

    async def _ships(self, git: Mirror, base: Revision, source: Revision, plan: MergePlan) -> None:
        """The commit is made again the same, elsewhere too; the forge's merge of it has its tree; nothing is lost."""
        made = await git.make_merge_commit(base, source, plan.tree, "promote\n", BY)
        other = self._mirrors[1]
        await other.fetch()
        again = await planned(other, base, source)
        assert again == plan
        assert await other.make_merge_commit(base, source, plan.tree, "promote\n", BY) == made
        branch = f"tiphys/{self._count}"
        await git.push(branch, made, expected=None)
        merged = Revision(await asyncio.to_thread(self.server.merge, NAME, MAIN, made))
        await git.fetch()
        assert (await git.commit(merged)).tree == plan.tree == await git.merge_trees(base, made)
        assert await git.is_ancestor(base, merged)
        assert isinstance(await planned(git, merged, source), NothingToPromote)
        self._keeps_what_only_main_changed(base, source, plan.tree)
        await git.delete_branch(branch, expected=made)

    def _keeps_what_only_main_changed(self, base: Revision, source: Revision, tree: str) -> None:
        parted = self.server.git(NAME, "merge-base", "--all", base, source).split()
        if len(parted) != 1:
            return
        before, ours, theirs, result = (tree_of(self.server, one) for one in (parted[0], base, source, tree))
        # What main renamed takes with it what staging changed in it.
        carries = any(path not in ours and theirs.get(path) != entry for path, entry in before.items())
        for path in before.keys() | (set() if carries else ours.keys()):
            if theirs.get(path) == before.get(path):
                assert result.get(path) == ours.get(path), path


async def planned(git: Mirror, base: Revision, source: Revision) -> object:
    target = Side(environment="production", treeish=base)
    return await STRATEGY.plan(git, source=Side(environment="staging", treeish=source), target=target)
