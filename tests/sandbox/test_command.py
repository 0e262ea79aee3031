"""The command's start and end, with a process in the bot's place that does as it is told."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import structlog

from bot.sandbox import bots, command
from bot.sandbox.bots import Process
from bot.sandbox.home import occupy
from bot.sandbox.world import World, WorldOptions
from tests.sandbox.conftest import left_behind

NEVER_READY = "import time; time.sleep(60)"
ENDS_AT_ONCE = "print('Interrupted')"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def run(home: Path, *, port: int = 0, fresh: bool = False, no_bot: bool = False) -> int:
    return command.run(
        port=port, home=home, fresh=fresh, config=None, database=None, slack="socket", no_bot=no_bot, replicas=1,
        speed=10,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", [NEVER_READY, ENDS_AT_ONCE])
def test_a_signal_while_the_bot_starts_ends_it_with_every_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, program: str
) -> None:
    """Whether the bot heard the signal too (Ctrl-C reaches it) or not."""
    children: list[Process] = []

    async def launch(environment: Mapping[str, str], *, folder: Path, log: int) -> Process:
        os.kill(os.getpid(), number)
        children.append(await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=log, stderr=log))
        return children[0]

    monkeypatch.setattr(bots, "launch", launch)
    monkeypatch.setattr(bots, "READY_SECONDS", 5.0)
    assert run(tmp_path / "home") == 0
    assert [child.returncode is not None for child in children] == [True]
    out, err = capsys.readouterr()
    assert out == ""
    assert "did not start" not in err


def test_what_it_logs_is_not_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    running: list[subprocess.Popen[bytes]],
) -> None:  # fmt: skip
    """Scripts take its first line for the address."""
    home = tmp_path / "home"
    occupy(home, fresh=False).release()
    orphan = left_behind(home, running)

    async def launch(environment: Mapping[str, str], *, folder: Path, log: int) -> Process:
        os.kill(os.getpid(), signal.SIGTERM)
        return await asyncio.create_subprocess_exec(sys.executable, "-c", ENDS_AT_ONCE, stdout=log, stderr=log)

    monkeypatch.setattr(bots, "launch", launch)
    assert run(home) == 0
    assert orphan.wait(10) == -9
    out, err = capsys.readouterr()
    assert out == ""
    assert "sandbox.orphan_ended" in err


def test_a_running_world_is_not_started_again_nor_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    running = World(WorldOptions(home=home, port=0, bots=False, database="sqlite:///elsewhere.db"))
    before = {path.name for path in home.iterdir()}
    for fresh in (False, True):
        assert run(home, fresh=fresh, no_bot=True) == 1
        assert "another sandbox runs" in capsys.readouterr().err
    assert {path.name for path in home.iterdir()} == before
    asyncio.run(running.close())
