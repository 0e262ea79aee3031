"""The bare Git repositories that the sandbox's forge serves and its Argo CD follows."""

import asyncio
import os
from pathlib import Path

GIT_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitFailed(Exception):
    """A git command of the sandbox ended with an error; the message is what git said."""


class Repositories:
    """Bare repositories below one folder, by `owner/name`. `base_url` is set once the forge's port is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_url = ""

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

    async def git(self, name: str, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> bytes:
        """Run git in that repository and return what it printed. Raises `GitFailed`."""
        process = await asyncio.create_subprocess_exec(
            "git", "-C", str(self.path(name)), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **GIT_ENVIRONMENT, **(env or {})},
        )  # fmt: skip
        out, err = await process.communicate(stdin)
        if process.returncode != 0:
            raise GitFailed(f"git {arguments[0]}: {err.decode('utf-8', 'replace').strip()}")
        return out

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
