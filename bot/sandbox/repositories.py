"""The bare Git repositories that the sandbox's forge serves and its Argo CD follows."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

GIT_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
SERVED_AS = {
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.hideRefs": "refs/pull",  # the forge's own refs: seen by everybody, pushed by nobody
    "receive.autogc": "false",
    "gc.auto": "0",
}
ABSENT = "0" * 40
UNFINISHED = "unfinished"

PushHook = Callable[[str, str, str | None], None]


class GitFailed(Exception):
    """A git command of the sandbox ended with an error; the message is what git said."""


class BranchMoved(Exception):
    """A branch was not where it was expected; nothing was changed."""


class Repositories:
    """Bare repositories below one folder, by `owner/name`. `base_url` is set once the forge's port is known.

    `on_push` is told (repository, branch, new SHA or None when deleted) after every branch update, whoever made it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_url = ""
        self.on_push: list[PushHook] = []

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.git"

    def clone_url(self, name: str) -> str:
        return f"{self.base_url}/{name}.git"

    def names(self) -> list[str]:
        return sorted(str(p.relative_to(self.folder))[: -len(".git")] for p in self.folder.glob("*/*.git"))

    def named_by(self, url: str) -> str | None:
        """The repository that a clone URL of any port names, or None."""
        path = url.split("://", 1)[-1].partition("/")[2].removesuffix("/").removesuffix(".git")
        return path if path in self.names() else None

    async def create(self, name: str, *, default_branch: str = "main") -> None:
        """An empty bare repository, set up to be served. One that exists keeps what it has."""
        config = self.path(name) / "config"
        is_new = not config.is_file()
        self.path(name).mkdir(parents=True, exist_ok=True)
        await self.git(name, "init", "--quiet", "--bare", f"--initial-branch={default_branch}", "--template=")
        if is_new:  # what `git config` would write, without a process for each
            pairs = ((*key.split("."), value) for key, value in SERVED_AS.items())
            lines = (f"[{section}]\n\t{variable} = {value}\n" for section, variable, value in pairs)
            config.write_text(config.read_text() + "".join(lines))

    async def ensure(self, name: str, history: Callable[[], bytes], *, default_branch: str = "main") -> bool:
        """One with a history, as `git fast-import` reads it: whole, or not there. False when it was there already."""
        if name in self.names():
            return False
        unfinished = Repositories(self.folder / UNFINISHED)
        shutil.rmtree(unfinished.path(name), ignore_errors=True)  # of a start that was cut off
        await unfinished.create(name, default_branch=default_branch)
        await unfinished.git(name, "fast-import", "--quiet", stdin=history())
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        unfinished.path(name).rename(self.path(name))
        return True

    async def git(self, name: str, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git in that repository and return what it printed. Raises `GitFailed`."""
        code, out, err = await self.run(name, *arguments, stdin=stdin, env=env)
        if code != 0:
            raise GitFailed(f"git {arguments[0]}: {err.decode('utf-8', 'replace').strip()}")
        return out

    async def run(
        self, name: str, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run git where a failure is an answer: exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            "git", "-C", str(self.path(name)), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **GIT_ENVIRONMENT, **(env or {})},
        )  # fmt: skip
        try:
            out, err = await process.communicate(stdin)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return process.returncode or 0, out, err

    async def find_commit(self, name: str, revision: str) -> str | None:
        """The full SHA of the commit that `revision` (branch, tag, SHA) names, or None."""
        try:
            out = await self.git(name, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitFailed:
            return None
        return out.decode().strip()

    async def branches(self, name: str) -> dict[str, str]:
        out = await self.git(name, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
        return dict(line.split(" ", 1) for line in out.decode().splitlines())

    def tips(self, name: str) -> dict[str, str]:
        """What `branches` gives, read from the files of the refs: for callers that cannot wait."""
        root = self.path(name)
        found: dict[str, str] = {}
        packed = root / "packed-refs"
        if packed.is_file():
            for line in packed.read_text().splitlines():
                sha, _, ref = line.partition(" ")
                if ref.startswith("refs/heads/"):
                    found[ref.removeprefix("refs/heads/")] = sha
        heads = root / "refs" / "heads"
        for folder, _, files in os.walk(heads):  # which passes over folders that git removed just now
            for path in (Path(folder) / file for file in files if not file.endswith(".lock")):
                with contextlib.suppress(FileNotFoundError):  # deleted by a push just now
                    found[path.relative_to(heads).as_posix()] = path.read_text().strip()
        return dict(sorted(found.items()))

    def default_branch(self, name: str) -> str:
        return (self.path(name) / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")

    async def move_branch(self, name: str, branch: str, new: str | None, *, expected: str | None) -> None:
        """Point a branch at `new` (None: delete it) if it is at `expected` (None: absent), and tell `on_push`.

        Raises `BranchMoved`.
        """
        ref = f"refs/heads/{branch}"
        code, _, err = await self.run(name, "update-ref", ref, new or ABSENT, expected or ABSENT)
        if code != 0:
            raise BranchMoved(f"{branch}: {err.decode('utf-8', 'replace').strip()}")
        self.announce(name, branch, new)

    def announce(self, name: str, branch: str, sha: str | None) -> None:
        """Tell `on_push` of an update that git itself made (a push over HTTP)."""
        for hook in self.on_push:
            hook(name, branch, sha)
