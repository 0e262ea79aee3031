"""Bots that outlived their sandbox, which was killed: the next one on the home ends them.

A bot's log is locked, and its standard output is the very file that was locked: so the lock is held as long as the bot
lives, whoever started it. That is how one is told from a process that only has its number by now.
"""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

END_SECONDS = 5.0
LOOK_EVERY = 0.02


def hold(log: int) -> bool:
    """Lock the log, open as this file descriptor, for whoever gets it as standard output. False: it is held already."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remember(log: Path, pid: int) -> None:
    """Whose log it is from now on."""
    _number(log).write_text(f"{pid}\n")


def end_orphans(home: Path) -> list[int]:
    """SIGKILL to every bot that a sandbox on this home left behind, and wait for its end. Answers whom it was sent to.

    Only for who has the home to himself: bots of a sandbox that runs are none.
    """
    ended = []
    for log in sorted(home.glob("bot-*.log")):
        with log.open("ab") as opened:
            pid = _find_number(log)
            if hold(opened.fileno()) or pid is None or not _has_open(pid, log):
                continue
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended.append(pid)
            deadline = time.monotonic() + END_SECONDS
            while not hold(opened.fileno()) and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY)
    return ended


def _number(log: Path) -> Path:
    return log.with_suffix(".pid")


def _find_number(log: Path) -> int | None:
    try:
        return int(_number(log).read_text())
    except (OSError, ValueError):
        return None


def _has_open(pid: int, log: Path) -> bool:
    """Whether the process has the file open; where the system does not tell, the lock has to do."""
    if not Path("/proc/self/fd").is_dir():
        return True
    with suppress(OSError):
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if opened.samefile(log):
                    return True
    return False
