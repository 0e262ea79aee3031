"""The forge's heart: the records, the repositories, and the one door through which branches move."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from bot.sandbox.feed import Feed
from bot.sandbox.github import refusals
from bot.sandbox.github.apps import Apps
from bot.sandbox.github.events import ForgeEvent, PullActed, Pushed
from bot.sandbox.github.mergeability import Mergeability
from bot.sandbox.github.plumbing import Plumbing
from bot.sandbox.github.records import ForgeRecords, Pull, RepositoryRecords, now
from bot.sandbox.repositories import Repositories


class Forge:
    """What every part of the GitHub stand-in works on."""

    def __init__(self, feed: Feed, repositories: Repositories, speed: float) -> None:
        self.feed = feed
        self.repositories = repositories
        self.records = ForgeRecords()
        self.mergeability = Mergeability(repositories, feed, speed)
        self.tell: Callable[[ForgeEvent], None] = lambda _: None
        self._moving: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.apps = Apps(repositories.folder.parent / "github-app.pem", lambda: self.records.app)

    def plumbing(self, repository: str) -> Plumbing:
        return Plumbing(self.repositories, repository)

    def of(self, repository: str) -> RepositoryRecords:
        """The records of a repository. Raises `Refusal` 404 where there is no such repository."""
        if repository not in self.repositories.names():
            raise refusals.not_found()
        return self.records.of(repository)

    def pull(self, repository: str, number: int) -> Pull:
        """Raises `Refusal` 404."""
        pull = self.of(repository).pulls.get(number)
        if pull is None:
            raise refusals.not_found()
        return pull

    def open_pulls(self, repository: str) -> list[Pull]:
        return [pull for pull in self.records.of(repository).pulls.values() if pull.state == "open"]

    def moving(self, repository: str) -> asyncio.Lock:
        """Held from before a branch is moved until all that follows from it is written down, and by whoever writes down
        where branches are: so that news of two moves come in their order, and nothing goes unseen in between."""
        return self._moving[repository]

    async def commit(self, repository: str, revision: str) -> str:
        """The full SHA of a commit by SHA or branch. Raises `Refusal` 422 where there is none."""
        sha = await self.repositories.find_commit(repository, revision)
        if sha is None:
            raise refusals.no_commit(revision)
        return sha

    async def move_branch(
        self, repository: str, branch: str, new: str | None, *, expected: str | None, login: str
    ) -> None:
        """Move, create or delete a branch if it is at `expected`; pull requests follow. Raises `BranchMoved`."""
        async with self.moving(repository):
            await self.repositories.move_branch(repository, branch, new, expected=expected)
            await self.follow(repository, branch, expected, new, login)

    async def follow(self, repository: str, branch: str, old: str | None, new: str | None, login: str) -> None:
        """Bring the open pull requests to and from a branch up to date with where it is now, while it is `moving`."""
        self.tell(Pushed(repository=repository, branch=branch, before=old, after=new, login=login))
        for pull in self.open_pulls(repository):
            if pull.head == branch:
                await self._head_moved(pull, new, login)
            elif pull.base == branch:
                await self._base_moved(pull, old, new, login)
        self.feed.touch()

    async def catch_up(self, repository: str) -> None:
        """Bring the open pull requests up to date with branches that moved while nobody was looking."""
        for pull in self.open_pulls(repository):
            tips = self.repositories.tips(repository)
            if tips.get(pull.head) != pull.head_sha:
                await self._head_moved(pull, tips.get(pull.head), pull.login)
            else:
                await self._base_moved(pull, pull.base_sha, tips.get(pull.base), pull.login)

    async def _head_moved(self, pull: Pull, new: str | None, login: str) -> None:
        base_tip = self.repositories.tips(pull.repository).get(pull.base)
        plumbing = self.plumbing(pull.repository)
        if new is None:
            if base_tip is not None and await plumbing.is_ancestor(pull.head_sha, base_tip):
                self.mark_merged(pull, pull.head_sha, login)
            else:
                self.mark_closed(pull, login)
            return
        old, pull.head_sha, pull.base_sha, pull.updated_at = pull.head_sha, new, base_tip or pull.base_sha, now()
        self.mergeability.forget(pull)
        await plumbing.set_ref(f"refs/pull/{pull.number}/head", new)
        self.tell(PullActed(pull=pull, action="synchronize", login=login))
        if base_tip is None or not await plumbing.is_ancestor(new, base_tip):
            return
        if await plumbing.is_ancestor(old, new):
            self.mark_merged(pull, new, login)
        else:  # set back to what the base has already: nothing is left to merge
            self.mark_closed(pull, login)

    async def _base_moved(self, pull: Pull, old: str | None, new: str | None, login: str) -> None:
        plumbing = self.plumbing(pull.repository)
        if new is None:
            self.mark_closed(pull, login)
        elif await plumbing.is_ancestor(pull.head_sha, new):
            self.mark_merged(pull, await plumbing.introduced_by(pull.head_sha, old, new), login)
        else:
            self.mergeability.forget(pull, base_moved=True)

    def mark_merged(self, pull: Pull, commit: str, login: str) -> None:
        pull.merge_commit, pull.merged_by, pull.merged_at = commit, login, now()
        self.mark_closed(pull, login)

    def mark_closed(self, pull: Pull, login: str) -> None:
        pull.state, pull.closed_by = "closed", login
        pull.closed_at = pull.updated_at = now()
        self.mergeability.settle(pull)
        self.tell(PullActed(pull=pull, action="closed", login=login))
        self.feed.touch()
