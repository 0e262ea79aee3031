"""One seeded world for all checks, and for each test servers in front of it whose answers can be bent."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.sandbox.ports import Ports
from bot.sandbox.surroundings import bot_environment
from tests.checks.bent import Bent
from tests.checks.scene import Scene, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The servers alone; a process of its own, so that it outlives the tests' loops."""
    home = tmp_path_factory.mktemp("checks") / "home"
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--port", "0", "--home", str(home), "--no-bot", "--speed", "20"],
        stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Sandbox ready: "), line
    environ = bot_environment(home, Ports(home), "bot-1", database=None, config=home / "tiphys.yaml", slack="socket")
    running = World(line.removeprefix("Sandbox ready: ").strip(), environ)
    try:
        yield running
    finally:
        running.close()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
async def scene(world: World, tmp_path: Path) -> AsyncIterator[Scene]:
    def address(name: str) -> str:
        return "/".join(world.environ[name].split("/")[:3])

    async with (
        Bent(address("SLACK_API_URL")) as slack,
        Bent(address("ARGOCD_SERVER")) as argocd,
        Bent(address("GITHUB_API_URL")) as github,
        Bent(address("ALERTMANAGER_URL")) as alertmanager,
    ):
        environ = {
            **world.environ,
            "SLACK_API_URL": f"{slack.url}/api/", "ARGOCD_SERVER": argocd.url,
            "GITHUB_API_URL": f"{github.url}/api/v3", "ALERTMANAGER_URL": alertmanager.url,
            "TIPHYS_DATA": str(tmp_path / "data"), "DATABASE_URL": f"sqlite:///{tmp_path}/tiphys.db",
        }  # fmt: skip
        made = Scene(
            world=world, folder=tmp_path, slack=slack, argocd=argocd, github=github, alertmanager=alertmanager,
            environ=environ,
        )  # fmt: skip
        yield made
        made.put_back()
