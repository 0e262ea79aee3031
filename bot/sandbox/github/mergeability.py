"""Whether a pull request can be merged: unknown at first, found out a moment later by a real merge."""

import asyncio

from bot.sandbox.feed import Feed
from bot.sandbox.github.plumbing import Conflict, Plumbing, person
from bot.sandbox.github.records import Pull
from bot.sandbox.repositories import GitFailed, Repositories
from bot.tasks import TaskSet

SECONDS = 0.3
Key = tuple[str, int]


class Mergeability:
    """Computes `mergeable`, `behind` and the test merge of open pull requests, `delay` seconds after each move."""

    def __init__(self, repositories: Repositories, feed: Feed, speed: float) -> None:
        self._repositories = repositories
        self._feed = feed
        self.delay = SECONDS / speed
        self._tasks = TaskSet("github.mergeability")
        self._known: dict[Key, asyncio.Event] = {}
        self._turn: dict[Key, int] = {}

    def forget(self, pull: Pull, *, base_moved: bool = False) -> None:
        """Head or base moved: back to unknown, and compute again."""
        pull.stale_base = base_moved and (pull.mergeable is not None or pull.stale_base)
        pull.mergeable, pull.test_merge = None, None
        key = (pull.repository, pull.number)
        self._turn[key] = self._turn.get(key, 0) + 1
        self._event(key).clear()
        self._tasks.start(self._compute_later(pull, self._turn[key]), name=f"{pull.repository}#{pull.number}")

    def settle(self, pull: Pull) -> None:
        """The pull request has ended: nobody needs to wait for an answer any longer."""
        self._event((pull.repository, pull.number)).set()

    async def known(self, pull: Pull) -> None:
        """Wait until it is computed, or the pull request has ended."""
        while pull.state == "open" and pull.mergeable is None:
            await self._event((pull.repository, pull.number)).wait()

    async def close(self) -> None:
        await self._tasks.close()

    def _event(self, key: Key) -> asyncio.Event:
        return self._known.setdefault(key, asyncio.Event())

    def _is_current(self, pull: Pull, turn: int) -> bool:
        return pull.state == "open" and self._turn[(pull.repository, pull.number)] == turn

    async def _compute_later(self, pull: Pull, turn: int) -> None:
        await asyncio.sleep(self.delay)
        if self._is_current(pull, turn):
            await self._compute(pull, turn)

    async def _compute(self, pull: Pull, turn: int) -> None:
        head, base = pull.head_sha, self._repositories.tips(pull.repository).get(pull.base)
        if base is None:
            return
        plumbing = Plumbing(self._repositories, pull.repository)
        test_merge = await _test_merge(plumbing, base, head)
        behind = not await plumbing.is_ancestor(base, head)
        await plumbing.set_ref(f"refs/pull/{pull.number}/merge", test_merge)
        if not self._is_current(pull, turn):  # moved, or ended, meanwhile
            return
        pull.mergeable, pull.test_merge = test_merge is not None, test_merge
        pull.behind, pull.stale_base = behind, False
        self._event((pull.repository, pull.number)).set()
        self._feed.touch()


async def _test_merge(plumbing: Plumbing, base: str, head: str) -> str | None:
    """The commit that a merge would make; None for a conflict, or histories that have nothing in common."""
    try:
        tree = await plumbing.merge(base, head)
    except GitFailed:
        return None
    if isinstance(tree, Conflict):
        return None
    github = person("github")
    return await plumbing.commit(tree, [base, head], f"Merge {head} into {base}\n", github, github)
