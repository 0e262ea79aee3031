"""What a sandbox that was killed left running, and what only looks so."""

import subprocess
from pathlib import Path

import pytest

from bot.sandbox.home import occupy
from bot.sandbox.orphans import end_orphans, remember
from tests.sandbox.conftest import SLEEPS, left_behind


def test_every_bot_that_was_left_behind_is_ended(tmp_path: Path, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = (left_behind(tmp_path, running, name) for name in ("bot-1", "bot-2"))
    assert end_orphans(tmp_path) == [first.pid, second.pid]
    assert (first.wait(), second.wait()) == (-9, -9)
    assert end_orphans(tmp_path) == []


def test_who_only_has_the_number_by_now_is_left_alone(tmp_path: Path, running: list[subprocess.Popen[bytes]]) -> None:
    left_behind(tmp_path, running).kill()
    running[0].wait()
    running.append(subprocess.Popen(SLEEPS))
    remember(tmp_path / "bot-1.log", running[-1].pid)
    assert end_orphans(tmp_path) == []
    left_behind(tmp_path, running, "bot-2")  # the log is held, and by somebody else
    remember(tmp_path / "bot-2.log", running[1].pid)
    assert end_orphans(tmp_path) == []
    assert running[1].poll() is None


@pytest.mark.parametrize("number", ["", "x\n", "99999999\n"])
def test_a_number_that_is_none(tmp_path: Path, running: list[subprocess.Popen[bytes]], number: str) -> None:
    left_behind(tmp_path, running)
    (tmp_path / "bot-1.pid").write_text(number)
    assert end_orphans(tmp_path) == []
    (tmp_path / "bot-1.pid").unlink()
    assert end_orphans(tmp_path) == []


@pytest.mark.parametrize("fresh", [False, True])
def test_whoever_takes_the_home_ends_them(tmp_path: Path, running: list[subprocess.Popen[bytes]], fresh: bool) -> None:
    occupy(tmp_path / "home", fresh=False).release()
    orphan = left_behind(tmp_path / "home", running)
    occupy(tmp_path / "home", fresh=fresh).release()
    assert orphan.wait(10) == -9
