"""Whether a push of ours has arrived, before the forge says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.change import Proposal
from bot.domain.identity import Revision
from bot.integrations.git.mirror import Mirror
from bot.services.reviewing import has_landed
from tests import examples
from tests.integrations.git.conftest import BY, NAME, TOKEN
from tests.integrations.git.forge import GitServer


class Promoted:
    """A base, and a promotion commit on it."""

    def __init__(self, server: GitServer, mirror: Mirror, proposal: Proposal) -> None:
        self.server, self._mirror, self.proposal = server, mirror, proposal

    async def has_landed(self) -> bool:
        await self._mirror.fetch()
        return await has_landed(self._mirror, self.proposal, Revision(self.server.tip(NAME, "main") or ""))


@pytest.fixture
async def promoted(tmp_path: Path) -> AsyncIterator[Promoted]:
    server = GitServer(tmp_path / "served", token=TOKEN)
    await server.start()
    server.create(NAME)
    base = Revision(server.commit(NAME, "main", {"f": "1"}))
    mirror = Mirror(tmp_path / "mirror.git", server.url(NAME), TOKEN)
    await mirror.fetch()
    head = await mirror.make_commit(base, {"f": b"2"}, "promote", BY)
    await mirror.push("tiphys/x", head, expected=None)
    yield Promoted(server, mirror, examples.proposal(base=base, head=head))
    await mirror.close()
    await server.stop()


async def test_not_while_the_base_lacks_our_commit(promoted: Promoted) -> None:
    assert not await promoted.has_landed()
    promoted.server.commit(NAME, "main", {"g": "theirs"})
    assert not await promoted.has_landed()


async def test_when_the_base_is_our_commit_or_has_gone_on_from_it(promoted: Promoted) -> None:
    promoted.server.git(NAME, "update-ref", "refs/heads/main", promoted.proposal.head)
    assert await promoted.has_landed()
    promoted.server.commit(NAME, "main", {"g": "theirs"})
    assert await promoted.has_landed()


async def test_not_when_a_merge_commit_brought_it_in(promoted: Promoted) -> None:
    """That commit holds what else was on the base: it is the one to sync, and the forge will name it."""
    server, head = promoted.server, promoted.proposal.head
    theirs = server.commit(NAME, "main", {"g": "theirs"})
    tree = server.git(NAME, "merge-tree", "--write-tree", theirs, head)
    merged = server.git(NAME, "commit-tree", tree, "-p", theirs, "-p", head, "-m", "merged by hand")
    server.git(NAME, "update-ref", "refs/heads/main", merged)
    assert not await promoted.has_landed()
