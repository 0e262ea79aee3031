"""What Argo CD's repo-server asks of Git: where a branch points, what a revision means, who wrote a commit."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.repositories import GitFailed, Repositories

FULL_SHA = re.compile(r"[0-9a-f]{40}")
SHORT_SHA = re.compile(r"[0-9a-fA-F]{7,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    author: str
    date: str
    message: str
    tags: list[str] = field(default_factory=list)


class GitReader:
    """Read-only view of the world's bare repositories, by the URL that an Application names."""

    def __init__(self, repositories: Repositories) -> None:
        self.repositories = repositories

    def repository(self, url: str) -> str | None:
        return self.repositories.named_by(url)

    def glance(self, name: str, revision: str) -> str | None:
        """Where a branch points, from the ref's file alone: cheap enough to poll. None where that does not tell."""
        folder = self.repositories.path(name)
        try:
            if revision in {"", "HEAD"}:
                head = (folder / "HEAD").read_text().strip()
                if not head.startswith("ref: refs/heads/"):
                    return head if FULL_SHA.fullmatch(head) else None
                revision = head.removeprefix("ref: refs/heads/")
            text = _ref(folder, f"refs/heads/{revision}")
        except (OSError, ValueError):
            return None
        return text if FULL_SHA.fullmatch(text) else None

    async def tip(self, name: str, revision: str) -> str | None:
        """The commit that a target revision (branch, tag, SHA, `HEAD` or nothing) names now."""
        found = self.glance(name, revision)
        if found is not None:
            return found
        for candidate in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision or "HEAD"):
            sha = await self.repositories.find_commit(name, candidate)
            if sha is not None:
                return sha
        return None

    async def resolve(self, name: str, revision: str) -> str | None:
        """What a sync request's revision is stored as: branches and tags as full SHA, SHAs as given and unchecked."""
        if FULL_SHA.fullmatch(revision):
            return revision
        for candidate in (f"refs/heads/{revision}", f"refs/tags/{revision}"):
            sha = await self.repositories.find_commit(name, candidate)
            if sha is not None:
                return sha
        if revision in {"", "HEAD"}:
            return await self.tip(name, "HEAD")
        return revision if SHORT_SHA.fullmatch(revision) else None

    async def commit(self, name: str, revision: str) -> str | None:
        """The full SHA of an existing commit, or None."""
        return await self.repositories.find_commit(name, revision)

    async def tree(self, name: str, commit: str) -> str:
        return (await self.repositories.git(name, "rev-parse", f"{commit}^{{tree}}")).decode().strip()

    async def archive(self, name: str, commit: str) -> bytes:
        return await self.repositories.git(name, "archive", "--format=tar", commit)

    async def describe(self, name: str, commit: str) -> CommitInfo:
        out = await self.repositories.git(
            name, "log", "-1", "--format=%an <%ae>%n%cd%n%B", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", commit,
            env={"TZ": "UTC"},
        )  # fmt: skip
        author, date, message = out.decode("utf-8", "replace").split("\n", 2)
        tags = (await self.repositories.git(name, "tag", "--points-at", commit)).decode().split()
        return CommitInfo(author=author, date=date, message=message.strip(), tags=tags)

    async def refs(self, name: str) -> tuple[list[str], list[str]]:
        branches = sorted(await self.repositories.branches(name))
        try:
            tags = (await self.repositories.git(name, "tag", "--list")).decode().split()
        except GitFailed:
            tags = []
        return branches, tags


def _ref(folder: Path, name: str) -> str:
    """A ref's value from its own file, else from `packed-refs`; empty where neither has it."""
    loose = folder / name
    if loose.is_file():
        return loose.read_text().strip()
    packed = folder / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {name}")), "")
