"""Our status on everybody's pull requests into governed branches: whether they touch what we promote into.

So `tiphys/approval` can be a required check: green where Tiphys has no say, and waiting where the way is a promotion.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog

from bot.domain.approval_status import ApprovalStatus, of_foreign
from bot.domain.identity import ChangeId, Revision
from bot.domain.pipeline import Configuration, Stage
from bot.domain.pull_request import OpenPull
from bot.ports import ConfigurationInForce, Git, MergeConflict, NotFound, OutsideError
from bot.ports_store import Store, StoreUnavailable
from bot.services.keys import paths_read
from bot.services.messages import branch_of
from bot.services.outside import Outside
from bot.wake import Bells

log = structlog.get_logger(__name__)

MOST_WRITTEN = 10
"""In one look: a forge limits how much one account writes, and merges come first."""
Situation = tuple[Configuration, Revision, frozenset[tuple[str, Revision | None]]]
"""What a status follows from: the configuration, the head, and each base branch with its tip."""


APART = 1.0
"""Seconds between hearing of a move and looking: one move is told in several ways, and a card of ours goes first."""


class ForeignPulls:
    """`run` looks until it is cancelled, where it falls to this process to look; `look` does one round. Nothing is kept
    but what saves requests."""

    def __init__(self, store: Store, outside: Outside, source: ConfigurationInForce, bells: Bells) -> None:
        self._store, self._outside, self._source, self._bells = store, outside, source, bells
        self._told: dict[str, dict[Revision, tuple[Situation, ApprovalStatus]]] = defaultdict(dict)

    async def run(self) -> None:
        while True:
            if self._store.leads:
                await self.look()
            await self._bells.pulls.wait(self._source.current.polling.changes.total_seconds())
            await asyncio.sleep(APART)

    async def look(self) -> None:
        """Bring the status on every open pull request into a governed branch to what it touches."""
        configuration = self._source.current
        for repository, stages in _governed(configuration).items():
            try:
                await self._look_at(repository, stages, configuration)
            except (OutsideError, StoreUnavailable) as error:
                log.warning("foreign_pulls.no_answer", repository=repository, reason=str(error))
            except Exception:
                log.exception("foreign_pulls.crashed", repository=repository)

    async def _look_at(self, repository: str, stages: Sequence[Stage], configuration: Configuration) -> None:
        branches = {stage.branch for stage in stages}
        pulls = await self._outside.forges[repository].list_open_pulls()
        by_head: dict[Revision, list[OpenPull]] = defaultdict(list)
        for pull in pulls:
            if pull.base_branch in branches:
                by_head[pull.head].append(pull)
        told = self._told[repository]
        for gone in set(told) - set(by_head):
            del told[gone]
        if not by_head:
            return
        ours = await self._heads_of_promotions()
        await self._outside.git[repository].fetch()
        written = 0
        for head, group in by_head.items():
            if head not in ours and not any([await self._is_promotion(pull) for pull in group]):
                written += await self._bring(repository, head, group, stages, configuration)
            if written == MOST_WRITTEN:
                return

    async def _heads_of_promotions(self) -> set[Revision]:
        async with self._store.reading() as tx:
            return {change.proposal.head for change in await tx.changes.list_open() if change.proposal is not None}

    async def _is_promotion(self, pull: OpenPull) -> bool:
        """Whether this is a promotion's pull request with our commit on it, or about to be or to end: not our matter.
        With somebody else's commit on the branch it is one like any other."""
        async with self._store.reading() as tx:
            change = await tx.changes.find(ChangeId(pull.head_branch.rpartition("/")[2]))
        if change is None or branch_of(change) != pull.head_branch:
            return False
        return change.is_over or change.proposal is None or change.proposal.head == pull.head

    async def _bring(
        self, repository: str, head: Revision, pulls: list[OpenPull], stages: Sequence[Stage],
        configuration: Configuration,
    ) -> bool:  # fmt: skip
        """A status belongs to the commit: where it is the head of several pull requests, it speaks of all of them.
        Answers whether it was written."""
        git, forge, told = self._outside.git[repository], self._outside.forges[repository], self._told[repository]
        tips = {branch: await git.find_tip(branch) for branch in {pull.base_branch for pull in pulls}}
        situation: Situation = (configuration, head, frozenset(tips.items()))
        known = told.get(head)
        if known is not None and known[0] == situation:
            return False
        try:
            wanted = of_foreign(await _touched(git, head, tips, stages))
        except NotFound as unknown:  # such as a fork's commit that the remote does not hand out
            log.warning("foreign_pulls.unreadable", repository=repository, head=head, reason=unknown.reason)
            return False
        is_new = (known is None or known[1] != wanted) and not wanted.is_said_by(await forge.find_status(head))
        if is_new:
            await forge.set_status(head, state=wanted.state.value, description=wanted.description)
            log.info("foreign_pulls.told", repository=repository, head=head, said=wanted.description)
        told[head] = (situation, wanted)
        return is_new


async def _touched(
    git: Git, head: Revision, tips: Mapping[str, Revision | None], stages: Sequence[Stage]
) -> list[Stage]:
    """The stages that are promoted into and read something else once this head is merged into their branch."""
    found = []
    for stage in stages:
        base = tips.get(stage.branch)
        if base is None or stage.source is None:
            continue
        merged = await git.merge_trees(base, head)
        after = head if isinstance(merged, MergeConflict) else merged
        if await paths_read(git, base, stage) != await paths_read(git, after, stage):
            found.append(stage)
    return found


def _governed(configuration: Configuration) -> Mapping[str, list[Stage]]:
    """By repository: every stage, in the order of the configuration."""
    found: dict[str, list[Stage]] = defaultdict(list)
    for application in configuration.applications.values():
        found[application.repository] += application.stages.values()
    return found
