"""The world saves what it is while it runs and when it ends, whatever gets in the way."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.sandbox import world as worlds
from bot.sandbox.command import control_app
from bot.sandbox.home import occupy
from bot.sandbox.world import World, WorldOptions


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(worlds, "SAVE_EVERY", 0.01)
    made = World(WorldOptions(home=tmp_path / "home", port=0, bots=False))
    await made.start(control_app(made))
    yield made
    await made.close()


async def saved(world: World) -> None:
    """Wait until what is the world now has been written."""
    async with asyncio.timeout(10):
        while not (world.home / "world.json").is_file():  # noqa: ASYNC110  # written by another task
            await asyncio.sleep(0.01)


async def test_a_save_that_fails_is_tried_again(world: World) -> None:
    await saved(world)
    (world.home / "world.json").unlink()
    (world.home / "world.json.partial").mkdir()  # as good as a full disk
    world.feed.touch()
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            while not logs:  # noqa: ASYNC110  # told by another task
                await asyncio.sleep(0.01)
    assert logs[0]["event"] == "sandbox.not_saved"
    (world.home / "world.json.partial").rmdir()
    await saved(world)
    assert "slack" in json.loads((world.home / "world.json").read_text())


async def test_everything_ends_also_when_the_last_save_fails(world: World) -> None:
    port = int(world.urls()["argocd"].rpartition(":")[2])
    (world.home / "world.json.partial").mkdir()
    with pytest.raises(OSError, match=r"world\.json\.partial"):
        await world.close()
    with socket.socket() as left, pytest.raises(ConnectionRefusedError):
        left.connect(("127.0.0.1", port))
    occupy(world.home, fresh=False).release()
    (world.home / "world.json.partial").rmdir()


async def test_a_start_that_was_cut_off_leaves_no_half_world(tmp_path: Path) -> None:
    """The next one on the home begins where nothing was."""
    for seconds in (0.01, 0.05, 0.1):
        cut_off = World(WorldOptions(home=tmp_path / "home", port=0, bots=False))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cut_off.start(control_app(cut_off)), seconds)
        await cut_off.close()
    whole = World(WorldOptions(home=tmp_path / "home", port=0, bots=False))
    await whole.start(control_app(whole))
    applications = whole.argocd.state()["applications"]
    assert [(app["sync"], app["health"]) for app in applications] == [("Synced", "Healthy")] * 6
    branches = {found["name"]: len(found["branches"]) for found in whole.github.state()["repositories"]}
    assert branches == {"example/apm": 1, "example/gateway": 3}
    await whole.close()
