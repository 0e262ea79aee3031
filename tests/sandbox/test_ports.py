"""Ports for processes that bind them later: nobody else gets them meanwhile, and the same home has them again."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox.ports import RESERVED, Ports

RESERVES = "import sys; from pathlib import Path; from bot.sandbox.ports import Ports; "


def test_two_sandboxes_that_draw_the_same_number_get_two_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has bound nothing yet: its bot does, a moment later."""
    drawn = random.sample(RESERVED, 50)
    monkeypatch.setattr(random, "sample", lambda population, k: drawn)
    first = _reserve(tmp_path / "first")
    second = _reserve(tmp_path / "second")
    assert first in drawn
    assert second in drawn
    assert first != second


def test_another_process_does_not_get_it_either(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    mine = _reserve(tmp_path / "mine")
    script = f"{RESERVES}import random; random.sample = lambda *_: [{mine}]; Ports(Path(sys.argv[1])).reserve('bot-1')"
    other = subprocess.run([sys.executable, "-c", script, str(tmp_path / "other")], capture_output=True, text=True)
    assert other.returncode == 1
    assert "no port is free" in other.stderr


def test_the_same_home_gets_the_same_port_again(tmp_path: Path) -> None:
    first = _reserve(tmp_path)
    assert Ports(tmp_path).reserve("bot-1") == first
    assert Ports(tmp_path).find("bot-1") == first


def _reserve(home: Path) -> int:
    home.mkdir(exist_ok=True)
    return Ports(home).reserve("bot-1")
