"""Tidying after an end: pull request closed with one comment, status set, branch deleted. Safe to repeat."""

from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration
from bot.ports import LeaseLost, NotFound
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
        if change.proposal is None and head is not None:
            found = await forge.find_pull_request(head_branch=branch_of(change), marker=marker_of(change.id))
            if found is not None:
                await forge.ensure_closed(found.number, comment=_comment(change), marker=marker_of(change.id))
        if change.proposal is not None and change.merge is None:
            await forge.set_status(
                change.proposal.head, state="failure", description=f"{change.state.value}: {change.reason}"
            )
            await forge.ensure_closed(
                change.proposal.pull_request, comment=_comment(change), marker=marker_of(change.id)
            )
        elif change.proposal is not None and change.state is not State.SUCCEEDED:
            await forge.set_status(
                change.proposal.head, state="failure", description=f"{change.state.value}: {change.reason}"
            )
        ours = change.proposal.head if change.proposal is not None else head
        if head is not None and ours is not None:
            try:
                await git.delete_branch(branch_of(change), expected=ours)
            except (LeaseLost, NotFound):
                return


def _comment(change: Change) -> str:
    return f"{change.title}: {change.state.value}. {change.reason}"
