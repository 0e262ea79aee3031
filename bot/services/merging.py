"""Merging exactly what was approved: a last look, the status, the guarded merge, and what came of it."""

from bot.domain.approval import RuleResult
from bot.domain.change import Change, Proposal
from bot.domain.decisions.decision import Advance, Decision
from bot.domain.decisions.merging import AGAIN, MergeSeen, decide_merging
from bot.domain.decisions.review import ReviewSeen
from bot.domain.gate import first_shut
from bot.domain.lifecycle import Event
from bot.domain.pipeline import Configuration, MergeMethod, Stage
from bot.domain.pull_request import HeadMoved, MergeAttempt, Merged, MergeRefused, NotReady
from bot.ports import Clock, LeaseLost, Refused
from bot.services.messages import merge_message, title_of
from bot.services.names import Names
from bot.services.outside import Outside
from bot.services.reviewing import Reviewing
from bot.services.statuses import Statuses


class Merging:
    """The step of a change that is `merging`. Repeated after a crash it finds its own merge."""

    def __init__(self, outside: Outside, reviewing: Reviewing, statuses: Statuses, names: Names, clock: Clock) -> None:
        self._outside, self._reviewing, self._statuses = outside, reviewing, statuses
        self._names, self._clock = names, clock

    async def step(self, change: Change, stage: Stage, configuration: Configuration) -> Decision:
        seen = await self._reviewing.look(change, stage, configuration)
        if seen.merge is not None and not seen.astray:
            attempt = Merged(revision=seen.merge.revision, by=seen.merge.by)
            return decide_merging(change, MergeSeen(attempt=attempt, merge=seen.merge), stage, self._clock.now())
        if (reason := _no_longer(change, seen)) is not None:
            return Advance(
                event=Event.MERGE_REFUSED, reason=reason, look_again=AGAIN,
                facts={"gates": seen.gates, "approvals": seen.approvals},
            )  # fmt: skip
        return await self._merge(change, stage, configuration, seen)

    async def _merge(self, change: Change, stage: Stage, configuration: Configuration, seen: ReviewSeen) -> Decision:
        proposal = change.proposal
        if proposal is None:
            raise ValueError(f"change {change.number} has nothing to merge")
        method = configuration.applications[change.application].strategy.merge
        attempt: MergeAttempt
        try:
            await self._statuses.tell(change, seen, stage, configuration)
            if method is MergeMethod.FAST_FORWARD:
                attempt = await self._fast_forward(change, proposal, configuration)
            else:
                attempt = await self._by_the_forge(change, proposal, method, seen.approvals, configuration)
        except Refused as no:  # such as a right that we lack: nothing was merged
            attempt = MergeRefused(reason=f"{no.reason}. {no.way_out}" if no.way_out else no.reason)
        if not isinstance(attempt, Merged):
            return decide_merging(change, MergeSeen(attempt=attempt), stage, self._clock.now())
        live = await self._outside.argocd_of(stage).get(stage.argocd)
        merge = await self._reviewing.merge_facts(change, stage, configuration, live, attempt.revision, attempt.by)
        return decide_merging(change, MergeSeen(attempt=attempt, merge=merge), stage, self._clock.now())

    async def _by_the_forge(
        self, change: Change, proposal: Proposal, method: MergeMethod, approvals: RuleResult | None,
        configuration: Configuration,
    ) -> MergeAttempt:  # fmt: skip
        users = approvals.who if approvals else ()
        approvers = tuple([await self._names.named(configuration, user) for user in users])
        requester = await self._names.name_of(configuration, change.requested_by)
        return await self._outside.forge_of(configuration, change.application).merge(
            proposal.pull_request,
            expected_head=proposal.head,
            method=method.value,
            title=f"{title_of(change)} (#{proposal.pull_request})",
            message=merge_message(change, proposal.shipment.values, requester, approvers),
        )

    async def _fast_forward(self, change: Change, proposal: Proposal, configuration: Configuration) -> MergeAttempt:
        """Push the promotion commit itself to the base, both ends guarded: nothing moves unless both stand where they
        stood. The forge marks the pull request merged by itself."""
        git = self._outside.git_of(configuration, change.application)
        try:
            await git.fast_forward(
                proposal.base_branch, proposal.head, expected=proposal.base, from_branch=proposal.branch
            )
        except LeaseLost as lost:
            if lost.branch == proposal.branch:
                return HeadMoved(head=lost.actual)
            return NotReady(reason=f"{proposal.base_branch} moved just before the push")
        except Refused as no:
            if no.slug != "protected-branch":
                raise
            return MergeRefused(
                reason=f"{no.reason}. {no.way_out}, or write another `merge` in tiphys.yaml", is_final=True
            )
        return Merged(revision=proposal.head)


def _no_longer(change: Change, seen: ReviewSeen) -> str | None:
    """Why the merge must not happen after all, on the last look before it."""
    proposal = change.proposal
    if seen.astray:
        return f"the pull request was merged into {seen.astray}"
    if not seen.pull_request.is_open:
        return "the pull request is no longer open"
    if seen.foreign is not None:
        return f"{seen.foreign.who} {seen.foreign.what}"
    if seen.key is None or proposal is None or seen.key.fingerprint != proposal.fingerprint:
        return "the base moved and what would be merged is no longer what was approved"
    if seen.approvals is not None and not seen.approvals.passed:
        return seen.approvals.reason
    shut = first_shut(seen.gates)
    return shut.reason if shut else None
