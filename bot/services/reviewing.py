"""Looking at a change before its merge: the pull request, Git, Argo CD, the approvals, all as they are now."""

import asyncio
from dataclasses import replace

from bot.domain.approval_status import leading_elsewhere
from bot.domain.branch_rules import BranchRules, BranchSeen
from bot.domain.change import Change, Merge, Proposal
from bot.domain.content_key import ContentKey
from bot.domain.decisions.review import Foreign, ReviewSeen
from bot.domain.identity import Revision
from bot.domain.lifecycle import State
from bot.domain.live import LiveApplication
from bot.domain.mapping import mismatches, not_as_configured
from bot.domain.pipeline import Configuration, MergeMethod, Stage
from bot.domain.pull_request import Check, OpenPull, PullRequest
from bot.domain.text import counted, readable
from bot.gates import before_merge
from bot.gates.case import GateCase
from bot.ports import Clock, Forge, Git, MergeConflict
from bot.services.alerts.firing import FiringNow
from bot.services.approvers import Approvers
from bot.services.keys import content_key, ships
from bot.services.messages import COMMITTER_NAME, is_named
from bot.services.names import author_of, who_on_forge
from bot.services.outside import Outside

MOST_SINCE = 200


class Reviewing:
    """Observes; decides nothing and writes nothing (fetching the mirror aside)."""

    def __init__(self, outside: Outside, approvers: Approvers, firing: FiringNow, clock: Clock) -> None:
        self._outside, self._approvers, self._firing, self._clock = outside, approvers, firing, clock

    async def look(self, change: Change, stage: Stage, configuration: Configuration) -> ReviewSeen:
        proposal = change.proposal
        if proposal is None:
            raise ValueError(f"change {change.number} has no proposal to review")
        git = self._outside.git_of(configuration, change.application)
        forge = self._outside.forge_of(configuration, change.application)
        argocd = self._outside.argocd_of(stage)
        source_stage = configuration.find_stage(change.application, stage.source) if stage.source else None
        async with asyncio.TaskGroup() as reads:
            pull_read = reads.create_task(forge.get_pull_request(proposal.pull_request))
            fetch = reads.create_task(git.fetch())
            live_read = reads.create_task(argocd.get(stage.argocd))
            windows_read = reads.create_task(argocd.sync_windows(stage.argocd))
            rules_read = reads.create_task(forge.branch_rules(stage.branch))
            source_read = reads.create_task(self._source(source_stage))
            elsewhere_read = reads.create_task(self._elsewhere(forge, change, proposal, configuration))
            alerts_read = (
                reads.create_task(self._firing.of(source_stage, configuration)) if source_stage is not None else None
            )
        await fetch
        pull, live = pull_read.result(), live_read.result()
        if pull.merged and pull.merge_revision is not None:
            merge = await self.merge_facts(change, stage, configuration, live, pull.merge_revision, pull.merged_by)
            astray = pull.base_branch != stage.branch and not await self._is_governed(git, stage, merge.revision)
            approvals = await self._approvers.judge(change, stage, configuration, merge.key.fingerprint)
            return ReviewSeen(
                pull_request=pull,
                base=proposal.base,
                key=merge.key,
                approvals=approvals,
                gates=change.gates,
                merge=merge,
                astray=pull.base_branch if astray else "",
            )
        base = await git.find_tip(proposal.base_branch) or proposal.base
        method = configuration.applications[change.application].strategy.merge
        if method is MergeMethod.FAST_FORWARD and await has_landed(git, proposal, base):
            return await self._landed(change, stage, configuration, live, pull)
        branch, checks = await self._branch(forge, git, proposal, pull, rules_read.result(), method, base)
        tree = await self._result(git, proposal, base)
        key = await content_key(git, tree, stage, live) if tree is not None else None
        approvals = await self._approvers.judge(change, stage, configuration, key.fingerprint if key else "")
        repository = configuration.repository_of(change.application)
        wrong = mismatches(stage, repository, live, await git.default_branch())
        if pull.closed_by is not None:
            pull = replace(pull, closed_by=who_on_forge(configuration, pull.closed_by))
        gates = before_merge(
            GateCase(
                stage=stage, live=live, windows=windows_read.result(), source=source_read.result(), pull_request=pull,
                mismatches=wrong, checks=checks, approvals=approvals, branch=branch, now=self._clock.now(),
                elsewhere=elsewhere_read.result(),
                source_alerts=alerts_read.result() if alerts_read else None,
                alerts_block=source_stage is None or source_stage.alerts.block_promotion,
            )
        )  # fmt: skip
        return ReviewSeen(
            pull_request=pull, base=base, key=key, approvals=approvals, gates=gates,
            wrong=not_as_configured(stage, live, wrong),
            foreign=await self._foreign(git, proposal, pull, configuration),
            moved=await self._moved(git, proposal.key, key, proposal.head, tree or base) if key else (),
            behind=branch.behind, status=next((check for check in checks if check.is_ours), None),
        )  # fmt: skip

    async def _landed(
        self, change: Change, stage: Stage, configuration: Configuration, live: LiveApplication, pull: PullRequest
    ) -> ReviewSeen:
        """Our commit is on the base and the forge has not marked the pull request yet: it is merged all the same."""
        if change.proposal is None:
            raise ValueError(f"change {change.number} has nothing that could have landed")
        merge = await self.merge_facts(change, stage, configuration, live, change.proposal.head, None)
        approvals = await self._approvers.judge(change, stage, configuration, merge.key.fingerprint)
        return ReviewSeen(
            pull_request=pull, base=change.proposal.base, key=merge.key, approvals=approvals, gates=change.gates,
            merge=merge,
        )  # fmt: skip

    async def _branch(
        self, forge: Forge, git: Git, proposal: Proposal, pull: PullRequest, rules: BranchRules, method: MergeMethod,
        base: Revision,
    ) -> tuple[BranchSeen, tuple[Check, ...]]:  # fmt: skip
        """How the pull request stands towards the branch's rules, and its checks; asked for as far as they matter."""
        async with asyncio.TaskGroup() as reads:
            checks_read = reads.create_task(forge.list_checks(proposal.head, bound=rules.bound))
            reviews_read = reads.create_task(forge.list_reviews(pull.number)) if rules.reviews else None
            unresolved_read = reads.create_task(forge.count_unresolved(pull.number)) if rules.conversations else None
        wants_newest = method is MergeMethod.FAST_FORWARD or (rules.strict and bool(rules.checks))
        behind = wants_newest and base != proposal.base and not await git.is_ancestor(base, proposal.head)
        seen = BranchSeen(
            rules=rules, method=method, head=proposal.head, behind=behind,
            reviews=reviews_read.result() if reviews_read else (),
            unresolved=unresolved_read.result() if unresolved_read else None,
        )  # fmt: skip
        return seen, checks_read.result()

    async def _elsewhere(
        self, forge: Forge, change: Change, proposal: Proposal, configuration: Configuration
    ) -> tuple[OpenPull, ...]:
        """The pull requests that lead our commit into another governed branch; asked for where there is another."""
        branches = configuration.promoted_into(configuration.applications[change.application].repository)
        if not branches - {proposal.base_branch}:
            return ()
        pulls = (pull for pull in await forge.list_open_pulls() if pull.head == proposal.head)
        others = (pull for pull in pulls if pull.number != proposal.pull_request)
        return leading_elsewhere(others, branches, but=proposal.base_branch)

    async def merge_as_it_stands(self, change: Change, stage: Stage, configuration: Configuration) -> Merge:
        """What was merged, as the live Application reads it now."""
        merge = change.merge
        if merge is None:
            raise ValueError(f"change {change.number} is not merged")
        live = await self._outside.argocd_of(stage).get(stage.argocd)
        git = self._outside.git_of(configuration, change.application)
        key = await content_key(git, merge.revision, stage, live)
        if key != merge.key:
            merge = replace(merge, key=key, differences=await self._differences(git, change, key, merge.revision))
        return await self._with_argocds_part(git, change, stage, live, merge)

    async def merge_facts(
        self, change: Change, stage: Stage, configuration: Configuration, live: LiveApplication, revision: Revision,
        by: str | None,
    ) -> Merge:  # fmt: skip
        """What was merged, and how its key differs from the one that was proposed."""
        git = self._outside.git_of(configuration, change.application)
        await git.fetch()
        key = await content_key(git, revision, stage, live)
        commit = await git.commit(revision)
        is_pushed = change.proposal is not None and revision == change.proposal.head
        by_hand = change.state is not State.MERGING if is_pushed else not is_named(commit.body, change.id)
        ours = None if is_pushed and by_hand else COMMITTER_NAME
        merge = Merge(
            revision=revision, key=key, by=who_on_forge(configuration, by) if by else ours,
            at=self._clock.now(), by_hand=by_hand, base=next(iter(commit.parents), None),
            differences=await self._differences(git, change, key, revision),
        )  # fmt: skip
        return await self._with_argocds_part(git, change, stage, live, merge)

    async def _with_argocds_part(
        self, git: Git, change: Change, stage: Stage, live: LiveApplication, merge: Merge
    ) -> Merge:
        """The merge, and whether Argo CD ships it or has done so: it asks nobody."""
        before = change.proposal.active_revision if change.proposal is not None else None
        shipped = live.active not in (None, before) and await ships(git, merge, stage, live, live.active or "")
        return replace(merge, auto_sync=live.auto_sync is not None, shipped=shipped)

    async def _differences(self, git: Git, change: Change, key: ContentKey, revision: Revision) -> tuple[str, ...]:
        """What was merged and not proposed, as phrases: files where that is what differs."""
        if change.proposal is None:
            return ()
        approved = change.proposal.key
        moved = await self._moved(git, approved, key, change.proposal.head, revision)
        return (*moved, *approved.changed_settings(key)) if moved else approved.differences(key)

    async def _moved(self, git: Git, old: ContentKey, new: ContentKey, before: str, after: str) -> tuple[str, ...]:
        """The files that differ on the paths by which the keys do."""
        paths = old.moved_paths(new)
        if not paths:
            return ()
        changed = await git.changed_paths(before, after, paths=() if "" in paths else paths)
        return tuple(map(readable, changed))

    async def _is_governed(self, git: Git, stage: Stage, revision: Revision) -> bool:
        """Whether a commit is on the stage's branch: Argo CD would deploy any other just as well."""
        tip = await git.find_tip(stage.branch)
        return tip is not None and await git.is_ancestor(revision, tip)

    async def _source(self, stage: Stage | None) -> LiveApplication | None:
        return await self._outside.argocd_of(stage).get(stage.argocd) if stage else None

    async def _result(self, git: Git, proposal: Proposal, base: Revision) -> str | None:
        """The commit or tree that merging our commit into the base as it is now would give; None when they conflict."""
        if base == proposal.base:
            return proposal.head
        tree = await git.merge_trees(base, proposal.head)
        return None if isinstance(tree, MergeConflict) else tree

    async def _foreign(
        self, git: Git, proposal: Proposal, pull: PullRequest, configuration: Configuration
    ) -> Foreign | None:
        if pull.base_branch != proposal.base_branch:
            return Foreign(
                who="somebody", what=f"led the pull request to {pull.base_branch} instead of {proposal.base_branch}"
            )
        head = await git.find_tip(proposal.branch)
        if head is None or head == proposal.head:
            return None
        commits, total = await git.log(proposal.head, head, limit=1)
        newest = commits[0] if commits else await git.commit(head)
        paths = tuple(map(readable, await git.changed_paths(proposal.head, head)))
        what = (
            f"pushed {counted(total, 'commit')} to the promotion branch" if total else "replaced the promotion branch"
        )
        return Foreign(who=author_of(newest, configuration), what=what, head=head, paths=paths)


async def has_landed(git: Git, proposal: Proposal, base: Revision) -> bool:
    """Whether the base was moved to our commit itself; a merge commit that brought it in is told of by the forge."""
    if base == proposal.base or not await git.is_ancestor(proposal.head, base):
        return False
    since, _ = await git.log(proposal.head, base, limit=MOST_SINCE)
    return not any(proposal.head in commit.parents[1:] for commit in since)
