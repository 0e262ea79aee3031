"""A credential that is renewed: every command uses the one of the moment, and asks for another when it is refused."""

from collections.abc import Callable
from datetime import datetime

import pytest

from bot.integrations.git.mirror import Mirror
from bot.ports import Denied
from tests.integrations.git.conftest import NAME, TOKEN
from tests.integrations.git.forge import GitServer


class Renewed:
    """Gives the last of its tokens; a refused one is replaced by the next."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.refusals = list(tokens), 0

    async def token(self) -> str:
        return self.tokens[0]

    def refused(self, token: str, *, their_time: datetime | None = None) -> bool:
        self.refusals += 1
        if len(self.tokens) > 1:
            self.tokens.pop(0)
            return True
        return False


async def test_every_command_uses_the_token_of_the_moment(
    server: GitServer, open_mirror: Callable[..., Mirror]
) -> None:
    credential = Renewed(TOKEN)
    mirror = open_mirror(token=credential)
    await mirror.fetch()
    server.token = "renewed-token"
    credential.tokens = ["renewed-token"]
    moved = server.commit(NAME, "main", {"a.txt": "new"})
    await mirror.fetch()
    assert await mirror.find_tip("main") == moved
    assert await mirror.read_file(moved, "a.txt") == b"new"
    assert credential.refusals == 0


async def test_a_refused_token_is_replaced_and_the_command_repeated(
    server: GitServer, open_mirror: Callable[..., Mirror]
) -> None:
    server.commit(NAME, "main", {"a.txt": "old"})
    credential = Renewed(TOKEN)
    mirror = open_mirror(token=credential)
    await mirror.fetch()
    server.token = "renewed-token"
    credential.tokens = [TOKEN, "renewed-token"]
    tip = await mirror.find_tip("main")
    assert tip is not None
    await mirror.push("tiphys/a", tip, expected=None)
    assert server.tip(NAME, "tiphys/a") == tip
    assert credential.refusals == 1


async def test_without_another_one_the_refusal_is_told_without_the_token(
    server: GitServer, open_mirror: Callable[..., Mirror]
) -> None:
    credential = Renewed("first-bad-token", "second-bad-token")
    with pytest.raises(Denied) as caught:
        await open_mirror(token=credential).fetch()
    assert credential.refusals == 1
    assert "bad-token" not in caught.value.reason
