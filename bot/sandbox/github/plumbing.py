"""Commits made in a bare repository, without a work tree: trees from files, merges, squashes and rebases."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.repositories import GitFailed, Repositories

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a commit is by, and when."""

    name: str
    email: str
    at: datetime

    def env(self, role: str) -> dict[str, str]:
        date = f"{int(self.at.timestamp())} +0000"
        return {f"GIT_{role}_NAME": self.name, f"GIT_{role}_EMAIL": self.email, f"GIT_{role}_DATE": date}


def person(login: str, at: datetime | None = None) -> Person:
    return Person(name=login, email=f"{login}@example.com", at=at or datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Conflict:
    """A merge that Git cannot make by itself."""

    paths: tuple[str, ...]


class Plumbing:
    """One repository, written to without touching any ref."""

    def __init__(self, repositories: Repositories, name: str) -> None:
        self._repositories = repositories
        self._name = name

    async def tree(self, base: str | None, files: Mapping[str, bytes | None]) -> str:
        """The tree of commit `base` with the files set (modes stay) or, where None, gone; absent ones are no error.

        Raises `GitFailed`, also for paths that git passes over with a warning alone.
        """
        with tempfile.TemporaryDirectory(prefix="sandbox-index-") as scratch:
            env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            await self._git("read-tree", base or "--empty", env=env)
            modes = await self._modes(base)
            lines = []
            for path, content in files.items():
                if content is None:
                    lines.append(f"0 {'0' * 40}\t{path}")
                else:
                    blob = (await self._git("hash-object", "-w", "--stdin", stdin=content)).decode().strip()
                    lines.append(f"{modes.get(path, '100644')} {blob}\t{path}")
            feed = "".join(f"{line}\0" for line in lines).encode()
            code, _, err = await self._repositories.run(
                self._name, "update-index", "--replace", "-z", "--index-info", stdin=feed, env=env
            )
            if code != 0 or err:
                raise GitFailed(f"git update-index: {err.decode('utf-8', 'replace').strip()}")
            return (await self._git("write-tree", env=env)).decode().strip()

    async def commit(self, tree: str, parents: list[str], message: str, author: Person, committer: Person) -> str:
        arguments = [part for parent in parents for part in ("-p", parent)]
        env = {**author.env("AUTHOR"), **committer.env("COMMITTER")}
        out = await self._git("commit-tree", tree, *arguments, "-F", "-", stdin=message.encode(), env=env)
        return out.decode().strip()

    async def tree_of(self, commit: str) -> str:
        return (await self._git("rev-parse", "--verify", f"{commit}^{{tree}}")).decode().strip()

    async def merge(self, ours: str, theirs: str) -> str | Conflict:
        """The tree that merging the two commits gives."""
        code, out, err = await self._repositories.run(
            self._name, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs
        )
        parts = out.decode("utf-8", "replace").split("\0")
        # Exit code 1 also means "no such commit"; only a conflict prints a tree.
        if code not in (0, 1) or len(parts[0]) != len(EMPTY_TREE):
            raise GitFailed(f"git merge-tree: {err.decode('utf-8', 'replace').strip()}")
        return parts[0] if code == 0 else Conflict(tuple(part for part in parts[1:] if part))

    async def rebase(self, onto: str, head: str, committer: Person) -> str | Conflict:
        """Each commit of `head` that `onto` lacks, made again on top of it (merge commits left out)."""
        listed = await self._git("rev-list", "--reverse", "--topo-order", "--no-merges", f"{onto}..{head}")
        tip = onto
        for commit in listed.decode().split():
            # A cherry-pick is a merge whose common ancestor is the commit's parent: a stand-in for the tip that has
            # that parent makes `merge-tree` find it (choosing the base by hand comes with git 2.40).
            parent = (await self._git("rev-parse", "--verify", f"{commit}^")).decode().strip()
            stand_in = await self.commit(await self.tree_of(tip), [parent], "stand-in", committer, committer)
            tree = await self.merge(stand_in, commit)
            if isinstance(tree, Conflict):
                return tree
            author, message = await self._author_and_message(commit)
            tip = await self.commit(tree, [tip], message, author, committer)
        return tip

    async def is_ancestor(self, older: str, newer: str) -> bool:
        code, _, _ = await self._repositories.run(self._name, "merge-base", "--is-ancestor", older, newer)
        return code == 0

    async def has_merges(self, since: str | None, until: str) -> bool:
        """Whether there are merge commits in `until` that `since` lacks."""
        span = f"{since}..{until}" if since is not None else until
        return bool((await self._git("rev-list", "--merges", "--max-count=1", span)).strip())

    async def count(self, since: str, until: str) -> int:
        """How many commits `until` has that `since` lacks."""
        return int(await self._git("rev-list", "--count", f"{since}..{until}"))

    async def introduced_by(self, head: str, old: str | None, new: str) -> str:
        """The commit by which `head` came into a branch that went from `old` to `new`: a merge, or `head` itself."""
        span = f"{old}..{new}" if old is not None else new
        direct = (await self._git("rev-list", "--first-parent", span)).decode().split()
        if head in direct:
            return head
        above = await self._git("rev-list", "--first-parent", "--ancestry-path", "--reverse", f"{head}..{new}")
        return above.decode().split()[0] if above.strip() else head

    async def set_ref(self, ref: str, sha: str | None) -> None:
        """Point a ref that is not a branch somewhere, or delete it."""
        if sha is None:
            await self._git("update-ref", "-d", ref)
        else:
            await self._git("update-ref", ref, sha)

    async def _author_and_message(self, commit: str) -> tuple[Person, str]:
        out = (await self._git("log", "-1", "--format=%an%n%ae%n%at%n%B", commit)).decode("utf-8", "replace")
        name, email, at, message = out.split("\n", 3)
        return Person(name=name, email=email, at=datetime.fromtimestamp(int(at), UTC)), message.rstrip("\n") + "\n"

    async def _modes(self, base: str | None) -> dict[str, str]:
        if base is None:
            return {}
        out = await self._git("ls-tree", "-r", "-z", base)
        entries = (entry.split("\t", 1) for entry in os.fsdecode(out).split("\0") if entry)
        return {path: head.split(" ", 1)[0] for head, path in entries}

    async def _git(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        return await self._repositories.git(self._name, *arguments, stdin=stdin, env=env)
