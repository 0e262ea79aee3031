"""From what was asked to a pull request: plan, commit, push, open, and the key of the result. Safe to repeat."""

from bot.domain.change import Change, Proposal
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.review import SOON
from bot.domain.identity import Revision, short
from bot.domain.lifecycle import Event
from bot.domain.live import LiveApplication
from bot.domain.mapping import mismatches, not_as_configured
from bot.domain.pipeline import Configuration, Stage
from bot.domain.pull_request import PullRequest
from bot.domain.text import Text, counted, listed
from bot.ports import Clock, Commit, Forge, Git, LeaseLost
from bot.services.keys import content_key
from bot.services.messages import branch_of, commit_message, marker_of, signature_of, status_words, title_of
from bot.services.names import Names, author_of
from bot.services.outside import Outside
from bot.services.planning import obstacle_of, plan_of
from bot.services.shipments import shipment_of
from bot.strategies.plan import CannotPlan, MergePlan, NothingToPromote, Plan, Side


class Proposing:
    """The step of a change that is `proposing`, for the first time or again after a rebuild."""

    def __init__(self, outside: Outside, names: Names, clock: Clock) -> None:
        self._outside, self._names, self._clock = outside, names, clock

    async def step(self, change: Change, stage: Stage, configuration: Configuration) -> Decision:
        git = self._outside.git_of(configuration, change.application)
        forge = self._outside.forge_of(configuration, change.application)
        live = await self._outside.argocd_of(stage).get(stage.argocd, refresh=True)
        await git.fetch()
        repository = configuration.repository_of(change.application)
        wrong = mismatches(stage, repository, live, await git.default_branch())
        if reason := not_as_configured(stage, live, wrong):
            return _not_into(change, reason)
        base = await git.find_tip(stage.branch)
        if base is None:
            return Advance(event=Event.ERRORED, reason=f"branch {stage.branch} does not exist in the repository")
        if (merged := await self._merged_before(change, forge)) is not None:
            return merged
        if change.proposal is None and (refused := await self._cannot_be_merged(forge, stage, configuration)):
            return refused
        match await self._plan(git, change, stage, configuration, base):
            case NothingToPromote():
                there = f"{stage.branch} has what {change.source_environment} runs already"
                return Advance(event=Event.SUPERSEDED, reason=f"nothing is left to promote: {there}")
            case CannotPlan(reason=reason, way_out=way_out):
                note = Text.of(f"{way_out[:1].upper()}{way_out[1:]}.") if way_out else None
                return Advance(event=Event.ERRORED, reason=reason, facts={"cause": reason}, note=note)
            case Plan() | MergePlan() as plan:
                return await self._propose(git, forge, change, stage, configuration, live, base, plan)

    async def _cannot_be_merged(self, forge: Forge, stage: Stage, configuration: Configuration) -> Decision | None:
        """The branch's rules may have changed since it was asked for. Once it is proposed, a gate tells of them."""
        if (found := await obstacle_of(forge, configuration, stage)) is None:
            return None
        obstacle, _ = found
        reason = f"{obstacle.reason}. {obstacle.way_out}"
        return Advance(event=Event.ERRORED, reason=reason, facts={"cause": reason})

    async def _plan(
        self, git: Git, change: Change, stage: Stage, configuration: Configuration, base: Revision
    ) -> Plan | MergePlan | NothingToPromote | CannotPlan:
        if change.source_revision is None or change.source_environment is None:
            return CannotPlan(slug="no-source", reason="it is not known what the source stage had deployed")
        source = Side(environment=change.source_environment, treeish=change.source_revision)
        return await plan_of(git, configuration, stage, source=source, base=base)

    async def _commit(
        self, git: Git, change: Change, configuration: Configuration, base: Revision, plan: Plan | MergePlan
    ) -> Revision:
        requester = await self._names.name_of(configuration, change.requested_by)
        message = commit_message(change, plan.values, requester)
        match plan:
            case Plan(files=files):
                return await git.make_commit(base, files, message, signature_of(change))
            case MergePlan(merged=merged, tree=tree):
                return await git.make_merge_commit(base, merged, tree, message, signature_of(change))

    async def _propose(
        self, git: Git, forge: Forge, change: Change, stage: Stage, configuration: Configuration,
        live: LiveApplication, base: Revision, plan: Plan | MergePlan,
    ) -> Decision:  # fmt: skip
        head = await self._commit(git, change, configuration, base, plan)
        branch = branch_of(change)
        standing = await git.find_tip(branch)
        if (
            standing is not None
            and standing != head
            and not await self._may_replace(git, change, stage, configuration, standing)
        ):
            return _foreign(await git.commit(standing), configuration)
        try:
            await git.push(branch, head, expected=standing)
        except LeaseLost:
            return Wait(reason="the promotion branch moved while it was being written", look_again=SOON)
        shipment = await shipment_of(git, change, stage, configuration, live, base, plan)
        requester = await self._names.named(configuration, change.requested_by)
        prune = change.proposes_to_prune(stage)
        body = forge.describe(change, shipment, prune=prune, requested_by=requester, marker=marker_of(change.id))
        pull = await forge.ensure_pull_request(
            head_branch=branch, base_branch=stage.branch, title=title_of(change), body=body, marker=marker_of(change.id)
        )
        if pull.base_branch != stage.branch or change.proposal is not None:
            await forge.update(pull.number, title=title_of(change), body=body, base_branch=stage.branch)
        await forge.set_status(head, state="pending", description=status_words(change, stage.approvals_needed))
        newest = live.newest
        proposal = Proposal(
            branch=branch, base_branch=stage.branch, base=base, head=head, pull_request=pull.number, link=pull.link,
            key=await content_key(git, head, stage, live), source_revision=change.source_revision or base,
            active_revision=live.active, active_history_id=newest.id if newest else None, shipment=shipment,
            diff=await git.diff(base, head), compare_link=_compare_link(pull, live.active, head),
            auto_sync=live.auto_sync is not None, prune=prune,
        )  # fmt: skip
        void_because = change.void_because or _changed_by_rebuilding(change, proposal)
        return Advance(
            event=Event.PROPOSED,
            reason=_asks(stage),
            facts={
                "proposal": proposal,
                "ready_at": change.ready_at or self._clock.now(),
                "notify": stage.approvals.notify if stage.approvals else None,
                "foreign_head": None,
                "approvals": None,
                "gates": (),
                "void_because": void_because,
            },
            note=_told_again(change, proposal, void_because),
        )

    async def _may_replace(
        self, git: Git, change: Change, stage: Stage, configuration: Configuration, standing: Revision
    ) -> bool:
        """Whether what stands on the branch is ours, or what a person saw when he pressed Rebuild.

        Ours is what comes out when the promotion is made again on its first parent: a trailer could be copied, an id
        cannot.
        """
        if standing == change.foreign_head or (change.proposal is not None and standing == change.proposal.head):
            return True
        commit = await git.commit(standing)
        if not commit.parents:
            return False
        plan = await self._plan(git, change, stage, configuration, commit.parents[0])
        if not isinstance(plan, Plan | MergePlan):
            return False
        return await self._commit(git, change, configuration, commit.parents[0], plan) == standing

    async def _merged_before(self, change: Change, forge: Forge) -> Decision | None:
        """A rebuild of something that was merged or closed meanwhile is none: the review tells what happened."""
        if change.proposal is None:
            return None
        pull = await forge.get_pull_request(change.proposal.pull_request)
        if pull.is_open:
            return None
        return Advance(event=Event.PROPOSED, reason="looking at what happened to the pull request")


def _asks(stage: Stage) -> str:
    if stage.approvals is None:
        return "no approvals needed"
    return f"needs {counted(stage.approvals.needed, 'approval')}"


def _not_into(change: Change, wrong: str) -> Decision:
    """An Application that is not what was configured: an error at the start, a matter for people once it was asked."""
    if change.proposal is None:
        return Advance(event=Event.ERRORED, reason=wrong, facts={"cause": wrong})
    return Advance(
        event=Event.VOIDED,
        reason=f"approvals no longer count: {wrong}",
        facts={"void_because": wrong, "approved_by": ()},
        note=Text.of(f"Approvals no longer count: {wrong}. Put it right and rebuild, or abort."),
    )


def _changed_by_rebuilding(change: Change, proposal: Proposal) -> str:
    """Why approvals of what stood before a rebuild that the forge wanted do not count for what stands now, if so."""
    before = change.proposal
    if before is None or before.fingerprint == proposal.fingerprint:
        return ""
    differs = listed(before.key.differences(proposal.key))
    return f"rebuilt on {short(proposal.base)} (was {short(before.base)}), which changed {differs}"


def _told_again(change: Change, proposal: Proposal, void_because: str) -> Text | None:
    """What the thread says of a rebuild: both bases where the content is the same, else why approvals are gone."""
    before = change.proposal
    if before is None:
        return None
    if before.fingerprint != proposal.fingerprint:
        return None if change.void_because else Text.of(f"Approvals no longer count: {void_because}.")
    stay = "" if void_because else ", approvals stay"
    return Text.of(f"Rebuilt on {short(proposal.base)} (was {short(before.base)}): same content{stay}.")


def _compare_link(pull: PullRequest, active: Revision | None, head: Revision) -> str | None:
    repository, found, _ = pull.link.partition("/pull/")
    return f"{repository}/compare/{active}...{head}" if found and active else None


def _foreign(commit: Commit, configuration: Configuration) -> Decision:
    because = f"{author_of(commit, configuration)} pushed to the promotion branch"
    return Advance(
        event=Event.VOIDED,
        reason=f"approvals no longer count: {because}",
        facts={"void_because": because, "foreign_head": commit.revision, "approved_by": ()},
        note=Text.of(f"Approvals no longer count: {because}. Rebuild or abort."),
    )
