"""Whether we may push, asked of a Git server without pushing."""

import pytest

from bot.integrations.git.mirror import Mirror
from bot.ports import Unavailable
from tests.integrations.git.faults import answering
from tests.integrations.git.forge import GitServer


@pytest.fixture
async def fetched(server: GitServer, mirror: Mirror) -> Mirror:
    server.commit("example/apm", "main", {"README.md": b"hello\n"})
    await mirror.fetch()
    return mirror


async def test_who_may_push_is_told_so_and_nothing_is_pushed(server: GitServer, fetched: Mirror) -> None:
    before = len(server.requests)
    assert await fetched.may_push()
    assert [asked for asked in server.requests[before:] if asked.startswith("POST")] == []
    await fetched.fetch()
    assert await fetched.find_tip("tiphys/may-we-push") is None


@pytest.mark.parametrize("status", [401, 403])
async def test_who_may_only_read_is_told_that(server: GitServer, fetched: Mirror, status: int) -> None:
    server.faults.append(answering(status, on="git-receive-pack"))
    assert not await fetched.may_push()


async def test_no_answer_is_no_no(server: GitServer, fetched: Mirror) -> None:
    server.faults.append(answering(503, on="git-receive-pack"))
    with pytest.raises(Unavailable):
        await fetched.may_push()
