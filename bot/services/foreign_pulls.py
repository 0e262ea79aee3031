"""Our status on everybody's pull requests into governed branches: whether they touch what we promote into.

So `tiphys/approval` can be a required check: green where Tiphys has no say, and waiting where the way is a promotion.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog

from bot.domain.approval_status import ApprovalStatus, leading_elsewhere, of_foreign, of_shared
from bot.domain.change import Change
from bot.domain.identity import ChangeId, Revision
from bot.domain.pipeline import Configuration, Stage
from bot.domain.pull_request import OpenPull
from bot.ports import ConfigurationInForce, Git, MergeConflict, NotFound, OutsideError, Refused, Unsupported
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
        async with self._store.reading() as tx:
            promotions = await tx.changes.list_open()
        await self._outside.git[repository].fetch()
        written = 0
        for head, group in by_head.items():
            foreign = [pull for pull in group if not await self._is_promotions(pull, promotions, configuration)]
            shared = next((change for change in promotions if _may_turn_green(change, head)), None)
            try:
                if foreign and shared is not None:
                    written += await self._hold_back(repository, head, foreign, shared, configuration)
                elif foreign:
                    written += await self._bring(repository, head, foreign, stages, configuration)
            except (Refused, Unsupported) as error:  # which says nothing of the others
                log.warning("foreign_pulls.refused", repository=repository, head=head, reason=error.reason)
                written += 1
            if written == MOST_WRITTEN:
                return

    async def _is_promotions(self, pull: OpenPull, promotions: Sequence[Change], configuration: Configuration) -> bool:
        """Whether this leads a promotion's commit to where it was proposed for: not our matter. One that leads it
        elsewhere is a pull request like any other, and so is one with somebody else's commit on our branch."""
        if any(_is_of(change, pull, configuration) for change in promotions):
            return True
        async with self._store.reading() as tx:
            ended = await tx.changes.find(ChangeId(pull.head_branch.rpartition("/")[2]))
        return ended is not None and _is_of(ended, pull, configuration)

    async def _hold_back(
        self, repository: str, head: Revision, pulls: list[OpenPull], promotion: Change, configuration: Configuration
    ) -> bool:
        """Say of a commit that its promotion may turn green any moment what the promotion itself says: two ways to set
        one status. Nothing, where its pull requests lead to nothing else that is governed. Answers whether it was
        written."""
        forge, base = self._outside.forges[repository], promotion.proposal.base_branch if promotion.proposal else ""
        self._told[repository].pop(head, None)
        others = leading_elsewhere(pulls, configuration.promoted_into(repository), but=base)
        if not others:
            return False
        wanted = of_shared(others, promotion.number)
        if wanted.is_said_by(await forge.find_status(head)):
            return False
        await forge.set_status(head, state=wanted.state.value, description=wanted.description)
        log.info("foreign_pulls.held_back", repository=repository, head=head, said=wanted.description)
        return True

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


def _is_of(change: Change, pull: OpenPull, configuration: Configuration) -> bool:
    """Of one that is over only its own pull request counts, until it is closed; as long as it is open, also others that
    lead its commit to the same branch."""
    proposal = change.proposal
    if proposal is None:  # about to be opened or stored
        stage = configuration.find_stage(change.application, change.environment)
        is_there = stage is not None and pull.base_branch == stage.branch
        return not change.is_over and is_there and pull.head_branch == branch_of(change)
    if pull.head != proposal.head:
        return False
    return pull.number == proposal.pull_request or (not change.is_over and pull.base_branch == proposal.base_branch)


def _may_turn_green(change: Change, head: Revision) -> bool:
    """Whether a promotion sets our status on this commit itself."""
    return change.proposal is not None and change.proposal.head == head and change.merge is None


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
