"""Strategy `branch`: what the source deployed is merged into the target's branch, by a merge commit of both."""

import asyncio

from bot.domain.change import ValueChange
from bot.domain.identity import Revision, short
from bot.domain.pipeline import EnvironmentBranches
from bot.domain.text import counted, listed, readable
from bot.ports import Commit, ConflictedFile, Git, MergeConflict, NotFound, Unsupported
from bot.strategies.overlay import Cannot, find_overlay
from bot.strategies.plan import (
    CannotPlan,
    ConflictedPath,
    Conflicts,
    MergePlan,
    NothingToPromote,
    PlanAnswer,
    Side,
)

MOST_CONFLICTS = 10
"""Of how many paths it is looked up who touched them last."""


class BranchStrategy:
    """Implements `bot.strategies.plan.Strategy` for branches that are merged one into the next."""

    def __init__(self, config: EnvironmentBranches) -> None:
        self._config = config

    async def plan(self, git: Git, *, source: Side, target: Side) -> PlanAnswer:
        base, deployed = Revision(target.treeish), Revision(source.treeish)
        try:
            if await git.is_ancestor(deployed, base):
                return NothingToPromote()
        except NotFound:
            return self._off_branch(source, "not in the repository")
        if (cannot := await self._off_its_branch(git, source)) is not None:
            return cannot
        if submodules := await git.changed_submodules(base, deployed):
            return self._submodules(submodules, source, target)
        try:
            merged = await git.merge_trees(base, deployed, attributes=True)
        except Unsupported as unsupported:
            return CannotPlan(slug=unsupported.slug, reason=unsupported.reason, way_out=unsupported.way_out)
        if isinstance(merged, MergeConflict):
            return await self._conflicts(git, merged, source, target)
        if merged == (await git.commit(base)).tree:
            return NothingToPromote(notes=(f"{self._branch(target)} has the same content by other commits",))
        result = Side(environment=target.environment, treeish=merged)
        values, notes = await asyncio.gather(self._images(git, target, result), self._kept(git, source, target))
        return MergePlan(merged=deployed, tree=merged, values=values, notes=notes)

    async def active_differences(self, git: Git, *, active: Side, result: Side) -> tuple[ValueChange, ...] | CannotPlan:
        return await self._images(git, active, result)

    async def _off_its_branch(self, git: Git, source: Side) -> CannotPlan | None:
        """Argo CD deploys any commit that it is told to, also one that never was on the branch, or no longer is."""
        branch = self._branch(source)
        tip = await git.find_tip(branch)
        if tip is not None and await git.is_ancestor(Revision(source.treeish), tip):
            return None
        return self._off_branch(source, f"not on branch {branch}" + ("" if tip else ", which does not exist"))

    def _off_branch(self, source: Side, where: str) -> CannotPlan:
        return CannotPlan(
            slug="source-off-branch",
            reason=f"{source.environment} runs {short(source.treeish)}, which is {where}",
            way_out=f"Deploy a commit of {self._branch(source)} to {source.environment} and promote again",
        )

    def _submodules(self, paths: tuple[str, ...], source: Side, target: Side) -> CannotPlan:
        named = listed(tuple(readable(path) for path in paths))
        differ = "submodule differs" if len(paths) == 1 else "submodules differ"
        return CannotPlan(
            slug="submodules",
            reason=f"{len(paths)} {differ} between {self._branch(source)} and {self._branch(target)} ({named}), and "
            "submodules cannot be promoted",
            way_out=f"Bring {'it' if len(paths) == 1 else 'them'} to the same commit on both branches by hand, deploy "
            f"that to {source.environment} and promote again",
        )

    async def _conflicts(self, git: Git, conflict: MergeConflict, source: Side, target: Side) -> Conflicts:
        base, deployed = Revision(target.treeish), Revision(source.treeish)

        async def told(file: ConflictedFile) -> ConflictedPath:
            on_target, on_source = await asyncio.gather(
                _last_on(git, deployed, base, file.ours), _last_on(git, base, deployed, file.theirs)
            )
            return ConflictedPath(path=file.path, on_target=on_target, on_source=on_source)

        return Conflicts(
            source_branch=self._branch(source),
            target_branch=self._branch(target),
            paths=tuple(await asyncio.gather(*map(told, conflict.files[:MOST_CONFLICTS]))),
            total=len(conflict.files),
        )

    async def _images(self, git: Git, before: Side, after: Side) -> tuple[ValueChange, ...]:
        """Images of the environment's kustomization that differ; none where that cannot be read."""
        path = self._config.path_of(after.environment)
        try:
            old, new = await asyncio.gather(find_overlay(git, before, path), find_overlay(git, after, path))
        except (Cannot, Unsupported):
            return ()
        if new is None:
            return ()
        was, is_now = (old.values(()) if old else {}), new.values(())
        return tuple(
            ValueChange(name=name, old=was.get(name, ""), new=is_now.get(name, ""), file=new.file)
            for name in dict.fromkeys((*is_now, *was))
            if was.get(name, "") != is_now.get(name, "")
        )

    async def _kept(self, git: Git, source: Side, target: Side) -> tuple[str, ...]:
        """What only the target has: the merge keeps it, and the next stages do not know it."""
        commits, total = await git.log(Revision(source.treeish), Revision(target.treeish), limit=1, merges=False)
        if not commits:
            return ()
        are, stay = ("is", "stays") if total == 1 else ("are", "stay")
        newest = f"{short(commits[0].revision)} {commits[0].subject[:80]}"
        more = f" and {total - 1} more" if total > 1 else ""
        here, there = self._branch(target), self._branch(source)
        return (f"{counted(total, 'commit')} on {here} {are} not on {there} and {stay}: {newest}{more}",)

    def _branch(self, side: Side) -> str:
        return self._config.branch_of(side.environment)


async def _last_on(git: Git, since: Revision, until: Revision, path: str) -> Commit | None:
    commits, _ = await git.log(since, until, paths=(path,), limit=1)
    return commits[0] if commits else None
