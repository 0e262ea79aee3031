"""Commits and differences read from a repository, as values for the API's answers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.repositories import Repositories

FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x01"
STATUS_WORDS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    email: str
    at: str


@dataclass(frozen=True, slots=True)
class CommitRead:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; `previous` where it was renamed, `patch` None for what is not text."""

    path: str
    previous: str | None
    status: str
    blob: str
    additions: int
    deletions: int
    patch: str | None


@dataclass(frozen=True, slots=True)
class Size:
    """How much lies between two commits."""

    commits: int
    files: int
    additions: int
    deletions: int


class History:
    """One repository, read only."""

    def __init__(self, repositories: Repositories, name: str) -> None:
        self._repositories = repositories
        self._name = name

    async def commit(self, sha: str) -> CommitRead:
        return (await self._log("-1", sha))[0]

    async def commits(self, since: str, until: str, limit: int = 250) -> list[CommitRead]:
        """Those in `until` and not in `since`, oldest first, at most the `limit` newest."""
        return list(reversed(await self._log(f"--max-count={limit}", "--topo-order", f"{since}..{until}")))

    async def counts(self, base: str, head: str) -> tuple[int, int]:
        """How many commits `head` is ahead of and behind `base`."""
        out = (await self._git("rev-list", "--left-right", "--count", f"{base}...{head}")).split()
        return int(out[1]), int(out[0])

    async def merge_base(self, one: str, other: str) -> str | None:
        code, out, _ = await self._repositories.run(self._name, "merge-base", one, other)
        return out.decode().strip() if code == 0 else None

    async def containing(self, sha: str) -> list[str]:
        """The branches that have the commit."""
        return (await self._git("branch", "--format=%(refname:lstrip=2)", "--contains", sha)).split()

    async def size(self, old: str, new: str) -> Size:
        commits = int(await self._git("rev-list", "--count", f"{old}..{new}"))
        lines = (await self._git("diff-tree", "-r", "-M", "--numstat", old, new)).splitlines()
        counts = [[0 if count == "-" else int(count) for count in line.split("\t")[:2]] for line in lines]
        return Size(commits, len(counts), sum(c[0] for c in counts), sum(c[1] for c in counts))

    async def files(self, old: str | None, new: str) -> list[FileChange]:
        """What changed from one commit to another (None: from nothing)."""
        since = old if old is not None else (await self._git("hash-object", "-t", "tree", "/dev/null")).strip()
        options = ("diff-tree", "-r", "-M", "--no-color", "--no-commit-id")
        raw = (await self._git(*options, "--raw", "--no-abbrev", "-z", since, new)).split("\0")
        patches = _patches(await self._git(*options, "-p", since, new))
        counts = [line.split("\t")[:2] for line in (await self._git(*options, "--numstat", since, new)).splitlines()]
        found: list[FileChange] = []
        at = 0
        while at + 1 < len(raw):
            fields = raw[at].removeprefix(":").split(" ")
            kind = fields[4][0]
            renamed = kind in "RC"
            previous, path = (raw[at + 1], raw[at + 2]) if renamed else (None, raw[at + 1])
            at += 3 if renamed else 2
            blob = fields[2] if kind == "D" else fields[3]
            added, removed = (0 if count == "-" else int(count) for count in counts[len(found)])
            patch = patches[len(found)] if len(found) < len(patches) else None
            found.append(FileChange(path, previous, STATUS_WORDS.get(kind, "changed"), blob, added, removed, patch))
        return found

    async def _log(self, *arguments: str) -> list[CommitRead]:
        out = await self._git("log", f"--format={FORMAT}", *arguments, "--")
        found = []
        for entry in out.split("\x01"):
            if entry.strip():
                sha, tree, parents, an, ae, ad, cn, ce, cd, message, _ = entry.lstrip("\n").split("\0")
                author, committer = Signature(an, ae, _utc(ad)), Signature(cn, ce, _utc(cd))
                found.append(CommitRead(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n")))
        return found

    async def _git(self, *arguments: str) -> str:
        out = await self._repositories.git(self._name, *arguments, env={"TZ": "UTC"})
        return out.decode("utf-8", "replace")


def _patches(text: str) -> list[str | None]:
    """The hunks of each file of a patch, without its header."""
    sections = ("\n" + text).split("\ndiff --git ")[1:]
    return [section[start + 1 :].rstrip("\n") if (start := section.find("\n@@")) >= 0 else None for section in sections]


def _utc(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
