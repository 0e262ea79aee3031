"""Tidying after an end: pull request closed with one comment, status set, branch deleted. Safe to repeat."""

from bot.domain.change import Change
from bot.domain.identity import Revision
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration
from bot.domain.text import listed
from bot.ports import Forge, Git, LeaseLost, NotFound
from bot.services.messages import COMMITTER_EMAIL, branch_of, is_named, marker_of
from bot.services.names import Names
from bot.services.outside import Outside


class Closing:
    def __init__(self, outside: Outside, names: Names) -> None:
        self._outside, self._names = outside, names

    async def step(self, change: Change, configuration: Configuration) -> None:
        """Bring the forge and Git to what the end means. A foreign commit on the branch is left where it is."""
        git = self._outside.git_of(configuration, change.application)
        forge = self._outside.forge_of(configuration, change.application)
        await git.fetch()
        head = await git.find_tip(branch_of(change))
        approved = await self._approved(change, configuration)
        if change.state is not State.SUCCEEDED or approved:
            await self._tell(forge, change, head, approved)
        if head is not None and await _is_ours(git, change, head):
            try:
                await git.delete_branch(branch_of(change), expected=head)
            except (LeaseLost, NotFound):
                return

    async def _approved(self, change: Change, configuration: Configuration) -> str:
        """Who asked and who approved, where no commit says it: a promotion commit is made before it is approved."""
        pushed = change.proposal is not None and change.merge is not None and not change.merge.by_hand
        if not pushed or change.proposal is None or change.merge is None:
            return ""
        if change.merge.revision != change.proposal.head:
            return ""
        requester = await self._names.named(configuration, change.requested_by)
        approvers = tuple([await self._names.named(configuration, user) for user in change.approved_by])
        by = f", approved by {listed(approvers)}" if approvers else ""
        return f" Requested by {requester}{by}."

    async def _tell(self, forge: Forge, change: Change, head: Revision | None, approved: str) -> None:
        """The pull request says how it ended: status, one comment, closed. What was merged stays merged."""
        proposal, marker = change.proposal, marker_of(change.id)
        number = proposal.pull_request if proposal is not None else None
        if number is None and head is not None:  # opened, but not stored before the end came
            found = await forge.find_pull_request(head_branch=branch_of(change), marker=marker)
            number = found.number if found is not None else None
        if number is None:
            return
        heads = dict.fromkeys(filter(None, (proposal.head if proposal is not None else None, head)))
        for revision in heads if change.state is not State.SUCCEEDED else ():
            await forge.set_status(revision, state="failure", description=change.standing)
        await forge.ensure_closed(number, comment=f"{_comment(change)}{approved}", marker=marker)


async def _is_ours(git: Git, change: Change, head: Revision) -> bool:
    """By what was stored of it. A push that was not stored before the end came tells itself by committer and trailer:
    who commits on top of it, or amends it, is the committer then."""
    if change.proposal is not None and head == change.proposal.head:
        return True
    if head == change.foreign_head:
        return False
    commit = await git.commit(head)
    return commit.committer_email == COMMITTER_EMAIL and is_named(commit.body, change.id)


def _comment(change: Change) -> str:
    return f"{change.title}: {change.standing}."
