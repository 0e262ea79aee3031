"""Our status on promotion commits: green while nothing but the forge's own gate is shut, else why not."""

from bot.domain.approval_status import ELSEWHERE, ApprovalStatus, held_back_by
from bot.domain.change import Change
from bot.domain.decisions.review import ReviewSeen
from bot.domain.gate import first_shut
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration, Stage
from bot.domain.pull_request import CheckState
from bot.domain.text import listed
from bot.services.messages import status_words
from bot.services.names import Names
from bot.services.outside import Outside


class Statuses:
    """Writes only what the forge does not show already."""

    def __init__(self, outside: Outside, names: Names) -> None:
        self._outside, self._names = outside, names

    async def tell(self, change: Change, seen: ReviewSeen, stage: Stage, configuration: Configuration) -> bool:
        """Bring the status on our commit to what this look found; answers whether it has just turned green."""
        proposal = change.proposal
        if proposal is None or seen.merge is not None or not seen.pull_request.is_open:
            return False
        because = _not_green(change, seen, stage)
        if because is None:
            if seen.status is not None and seen.status.state is CheckState.SUCCESS:
                return False
            users = seen.approvals.who if seen.approvals else ()
            approvers = tuple([await self._names.named(configuration, user) for user in users])
            because = f"approved by {listed(approvers)}" if approvers else "no approvals needed"
            wanted = ApprovalStatus(state=CheckState.SUCCESS, description=because)
        else:
            wanted = ApprovalStatus(state=CheckState.PENDING, description=because)
        if wanted.is_said_by(seen.status):
            return False
        forge = self._outside.forge_of(configuration, change.application)
        await forge.set_status(proposal.head, state=wanted.state.value, description=wanted.description)
        return wanted.state is CheckState.SUCCESS


def _not_green(change: Change, seen: ReviewSeen, stage: Stage) -> str | None:
    """Why our commit must not be merged now, by anybody; None when it may be."""
    if (shared := first_shut(tuple(gate for gate in seen.gates if gate.slug == ELSEWHERE))) is not None:
        return f"{shared.reason} (#{change.number})"
    if change.state is State.APPROVALS_VOID or seen.foreign is not None:
        return f"approvals no longer count (#{change.number})"
    if change.state is State.HELD:
        return f"held (#{change.number})"
    if change.proposal is None or seen.key is None or seen.key.fingerprint != change.proposal.fingerprint:
        return f"{seen.pull_request.base_branch} moved: it is rebuilt (#{change.number})"
    if seen.approvals is not None and not seen.approvals.passed:
        return status_words(change, stage.approvals_needed)
    shut = held_back_by(seen.gates)
    return f"{shut.reason} (#{change.number})" if shut else None
