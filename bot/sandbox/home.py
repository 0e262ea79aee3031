"""The folder in which a world keeps everything: one world at a time, and no folder of somebody else's."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

import structlog

from bot.sandbox.orphans import end_orphans

log = structlog.get_logger(__name__)

LOCK = "sandbox.lock"
MARKS = ("ports.json", LOCK)
"""Either says that the folder is a sandbox's; the lock is there first."""


class ForeignHome(Exception):
    """The folder holds something that is not a sandbox's; it is not touched."""


class HomeInUse(Exception):
    """Another sandbox runs on the folder; it is not touched."""


class HomeLock:
    """This process has the folder, until `release` or its own end, however that comes."""

    def __init__(self, file: int) -> None:
        self._file: int | None = file

    def release(self) -> None:
        """May be called again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def occupy(home: Path, *, fresh: bool) -> HomeLock:
    """Make the folder and take it: bots that the last one left running are ended, and `fresh` empties it.

    Raises `ForeignHome` and `HomeInUse`, and has touched nothing then.
    """
    if home.exists() and any(home.iterdir()) and not any((home / mark).is_file() for mark in MARKS):
        raise ForeignHome(f"{home} holds other things than a sandbox: give --home a folder of its own")
    home.mkdir(parents=True, exist_ok=True)
    file = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise HomeInUse(f"another sandbox runs on {home}: end it, or give --home another folder") from None
    for pid in end_orphans(home):
        log.warning("sandbox.orphan_ended", pid=pid)
    if fresh:
        _empty(home)
    return HomeLock(file)


def _empty(home: Path) -> None:
    """All but the lock: who waits for another file of that name would have a lock of his own."""
    for path in home.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            with suppress(FileNotFoundError):
                path.unlink()
