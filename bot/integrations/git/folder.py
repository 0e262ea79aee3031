"""The mirror's folder on disk: made, locked against other writers, cleaned after a crash, thrown away when damaged."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.failures import SYSTEM, Corrupt
from bot.integrations.git.remote import fetch_branches
from bot.ports import Unavailable

log = structlog.get_logger(__name__)

_LOCK_POLL_SECONDS = 0.02
_REPLACE_PAUSE_SECONDS = 60.0
_LEFTOVER_SECONDS = 3600

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = true
[remote "origin"]
\turl = {url}
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""


class MirrorFolder:
    """One bare mirror. It exists under its name only once its first fetch has succeeded.

    `generation` counts how often it was replaced: a reader that met damage asks for a new one by the generation that
    it saw, so that many readers cause one replacement.
    """

    def __init__(self, path: Path, url: str, commands: GitCommands) -> None:
        self.path, self._url, self._commands = path, url, commands
        self.generation = 0
        self._turn = asyncio.Lock()
        self._descriptor: int | None = None
        self._prepared = False
        self._replaced_at: float | None = None
        self._unclean = True  # a writer may have ended badly: lock files may lie around

    async def prepare(self) -> None:
        """Make the mirror usable, once per process: first fetch, clean-up, a changed address."""
        if not self._prepared:
            async with self.writing() as descriptor:
                await self._prepare(descriptor)

    async def replace(self, seen: int, because: str) -> None:
        """Throw the mirror away and fetch anew, unless that has happened since generation `seen`.

        Raises `Unavailable` when that was tried a moment ago: what looks like damage then comes from elsewhere.
        """
        async with self.writing() as descriptor:
            if self.generation != seen:
                return
            now = asyncio.get_running_loop().time()
            if self._replaced_at is not None and now - self._replaced_at < _REPLACE_PAUSE_SECONDS:
                raise Unavailable(SYSTEM, f"the mirror seems damaged: {because}")
            self._replaced_at = now
            log.warning("git.mirror_replaced", mirror=self.path.name, because=because)
            await self._replace(descriptor)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[int]:
        """The right to write refs, alone on this machine. Yields the lock's descriptor, for children to keep open:
        when we are killed, the lock lasts until they have ended too. Raises `Unavailable` when it cannot be had."""
        async with self._turn:
            descriptor = await self._lock()
            try:
                if self._unclean:
                    self._remove_leftovers(descriptor)
                self._unclean = True
                yield descriptor
                self._unclean = False
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def _prepare(self, descriptor: int) -> None:
        if self._prepared:  # by whoever had the turn before us
            return
        config = _CONFIG.format(url=self._url)
        if not (self.path / "HEAD").is_file() or not (self.path / "config").is_file():
            await self._replace(descriptor)
        elif (self.path / "config").read_text(errors="replace") != config:
            await self._follow(config, descriptor)
        self._prepared = True

    async def _follow(self, config: str, descriptor: int) -> None:
        """Go over to a new address. Until a fetch from there succeeds, the branches still tell of the old one, and the
        unfinished file makes the next start try again."""
        try:
            _write(self.path / "config", f"{config}# to be fetched\n")
            await fetch_branches(self._commands, timeout=self._commands.timeouts.first_fetch, keep_open=(descriptor,))
            _write(self.path / "config", config)
        except Corrupt:
            await self._replace(descriptor)

    async def _lock(self) -> int:
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(self._commands.timeouts.lock):
                while True:
                    try:
                        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        await asyncio.sleep(_LOCK_POLL_SECONDS)
                    else:
                        return self._descriptor
        except TimeoutError:
            raise Unavailable(SYSTEM, "another process holds the mirror") from None

    def _remove_leftovers(self, descriptor: int) -> None:
        """Remove what killed writers left. We hold the lock and no child of anybody's is alive: no lock file is in use.

        Objects may be written without the lock, so their temporary files must be old as well.
        """
        os.utime(descriptor)
        now = os.fstat(descriptor).st_mtime
        shutil.rmtree(f"{self.path}.new", ignore_errors=True)
        shutil.rmtree(f"{self.path}.old", ignore_errors=True)
        found = [*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock"), *self.path.glob("objects/**/*.lock")]
        for file in [*self.path.glob("objects/*/tmp_*"), *self.path.glob("objects/pack/.tmp-*")]:
            if now - file.stat().st_mtime > _LEFTOVER_SECONDS:
                found.append(file)
        for file in found:
            file.unlink(missing_ok=True)

    async def _replace(self, descriptor: int) -> None:
        fresh, old = Path(f"{self.path}.new"), Path(f"{self.path}.old")
        for folder in (fresh, old):
            shutil.rmtree(folder, ignore_errors=True)
        there = {"GIT_DIR": str(fresh)}
        await self._commands.local("init", "--quiet", "--bare", "--template=", "--initial-branch=main", extra=there)
        _write(fresh / "config", _CONFIG.format(url=self._url))
        await fetch_branches(
            self._commands, timeout=self._commands.timeouts.first_fetch, extra=there, keep_open=(descriptor,)
        )
        if self.path.exists():
            self.path.rename(old)
        fresh.rename(self.path)
        self.generation += 1
        shutil.rmtree(old, ignore_errors=True)


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(text)
    draft.replace(file)
