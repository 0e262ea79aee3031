"""Tidying after an end: pull request closed with one comment, status set, branch deleted. Safe to repeat."""

from bot.domain.change import Change
from bot.domain.identity import Revision
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration
from bot.ports import Forge, LeaseLost, NotFound
from bot.services.messages import branch_of, marker_of
from bot.services.outside import Outside


class Closing:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def step(self, change: Change, configuration: Configuration) -> None:
        """Bring the forge and Git to what the end means. A foreign commit on the branch is left where it is."""
        git = self._outside.git_of(configuration, change.application)
        forge = self._outside.forge_of(configuration, change.application)
        await git.fetch()
        head = await git.find_tip(branch_of(change))
        if change.state is not State.SUCCEEDED:
            await self._tell(forge, change, head)
        ours = change.proposal.head if change.proposal is not None else head
        if head is not None and ours is not None:
            try:
                await git.delete_branch(branch_of(change), expected=ours)
            except (LeaseLost, NotFound):
                return

    async def _tell(self, forge: Forge, change: Change, head: Revision | None) -> None:
        """The pull request says how it ended: status, one comment, closed. What was merged stays merged."""
        proposal, marker = change.proposal, marker_of(change.id)
        number = proposal.pull_request if proposal is not None else None
        if number is None and head is not None:  # opened, but not stored before the end came
            found = await forge.find_pull_request(head_branch=branch_of(change), marker=marker)
            number = found.number if found is not None else None
        if number is None:
            return
        heads = dict.fromkeys(filter(None, (proposal.head if proposal is not None else None, head)))
        for revision in heads:
            await forge.set_status(revision, state="failure", description=change.standing)
        await forge.ensure_closed(number, comment=_comment(change), marker=marker)


def _comment(change: Change) -> str:
    return f"{change.title}: {change.standing}."
