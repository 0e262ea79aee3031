"""Programs in the place of bots that a sandbox left running."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.orphans import hold, remember

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    made: list[subprocess.Popen[bytes]] = []
    yield made
    for process in made:
        process.kill()
        process.wait()


def left_behind(home: Path, running: list[subprocess.Popen[bytes]], name: str = "bot-1") -> subprocess.Popen[bytes]:
    """As the sandbox starts its bots."""
    log = home / f"{name}.log"
    with log.open("ab") as opened:
        assert hold(opened.fileno())
        running.append(subprocess.Popen(SLEEPS, stdout=opened, stderr=opened))
    remember(log, running[-1].pid)
    return running[-1]
