"""What is tidied at an end: our commit goes with its branch, anybody else's is left. Over a real forge and real Git."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.domain.change import Change, Proposal
from bot.domain.identity import ChangeId, Revision
from bot.domain.lifecycle import State
from bot.domain.pipeline import Repository
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.git.mirror import Mirror
from bot.ports import Signature
from bot.sandbox.seeded import TOKENS
from bot.services.closing import Closing
from bot.services.messages import branch_of, commit_message, marker_of, signature_of
from bot.services.names import Names
from bot.services.outside import Outside
from tests import examples
from tests.desk import Desk, configuration
from tests.examples import NOW
from tests.sandbox.github.conftest import REPO, Forge
from tests.sandbox.github.conftest import forge as world

__all__ = ["world"]

PERSON = Signature(name="developer-2", email="developer-2@example.com", at=NOW)
ENDED = examples.change(State.ABORTED, proposal=None, closing=True, reason="aborted by developer")
BRANCH = branch_of(ENDED)


@dataclass
class Yard:
    """A repository whose promotion branch holds what a test puts there."""

    git: Mirror
    forge: GithubForge
    closing: Closing
    base: Revision

    async def push(self, by: Signature, message: str, *, on: Revision | None = None) -> Revision:
        head = await self.git.make_commit(on or self.base, {"x": message.encode()}, message, by)
        await self.git.push(BRANCH, head, expected=on)
        return head

    async def push_ours(self, *, on: Revision | None = None) -> Revision:
        return await self.push(signature_of(ENDED), commit_message(ENDED, (), "developer"), on=on)

    async def proposal(self, head: Revision) -> Proposal:
        pull = await self.forge.ensure_pull_request(
            head_branch=BRANCH, base_branch="main", title="Promote", body="it", marker=marker_of(ENDED.id)
        )
        return examples.proposal(base=self.base, head=head, pull_request=pull.number)

    async def close(self, change: Change) -> Revision | None:
        """Tidy twice, as after a crash; answers what the branch holds then."""
        for _ in range(2):
            await self.closing.step(change, configuration())
        await self.git.fetch()
        return await self.git.find_tip(BRANCH)


@pytest.fixture
async def yard(world: Forge, desk: Desk, tmp_path: Path) -> AsyncIterator[Yard]:
    base = Revision(await world.commit("main", {"x": "1"}))
    api_url = str(world.api.base_url).rstrip("/")
    repository = Repository(name="apm", github=REPO, api_url=api_url, token=TOKENS.github_tiphys)
    forge = GithubForge(repository)
    git = Mirror(tmp_path / "mirror.git", repository.clone_url, repository.token)
    await git.fetch()
    outside = Outside(argocd={}, git={"apm": git}, forges={"apm": forge}, directory=desk.outside.directory)
    yield Yard(git, forge, Closing(outside, Names(desk.outside.directory)), base)
    await forge.close()
    await git.close()


async def test_a_push_that_was_never_stored_goes(yard: Yard) -> None:
    await yard.push_ours()
    assert await yard.close(ENDED) is None


@pytest.mark.parametrize("known", [True, False])
async def test_somebody_elses_commit_on_top_of_it_stays(yard: Yard, known: bool) -> None:
    """Known or not: that it is void may have been said, or the end came first. The trailer proves nothing."""
    ours = await yard.push_ours()
    theirs = await yard.push(PERSON, commit_message(ENDED, (), "developer"), on=ours)
    assert await yard.close(replace(ENDED, foreign_head=theirs if known else None)) == theirs


async def test_a_commit_of_ours_for_another_change_stays(yard: Yard) -> None:
    other = replace(ENDED, id=ChangeId("0" * 26))
    head = await yard.push(signature_of(ENDED), commit_message(other, (), "developer"))
    assert await yard.close(ENDED) == head


async def test_what_was_proposed_goes_and_what_came_after_it_stays(yard: Yard) -> None:
    ours = await yard.push_ours()
    proposed = replace(ENDED, proposal=await yard.proposal(ours))
    theirs = await yard.push(PERSON, "oops", on=ours)
    assert await yard.close(proposed) == theirs
    await yard.git.push(BRANCH, ours, expected=theirs)
    assert await yard.close(proposed) is None


async def test_a_rebuild_that_was_never_stored_goes(yard: Yard) -> None:
    before = await yard.push_ours()
    proposed = replace(ENDED, proposal=await yard.proposal(before))
    assert await yard.push_ours(on=before) != before
    assert await yard.close(proposed) is None
