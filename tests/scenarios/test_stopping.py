"""A signal in the middle of a promotion: what is under way ends or is cut off, and the next process goes on with it.

The bot is started by hand beside a sandbox without one, so that its exit code is seen.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.ports import Ports
from bot.sandbox.surroundings import FIRST_BOT, bot_environment
from tests.postgresql import Cluster
from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Workspace

PATIENCE = 20
"""With an end that takes at most ten seconds, on a busy machine."""


class Bot:
    """One process of the product, with what it logged."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, log: Path) -> None:
        self.process, self.address, self._log = process, address, log

    async def readiness(self) -> dict[str, Any] | None:
        async with httpx.AsyncClient(base_url=self.address, trust_env=False) as client:
            try:
                answer = await client.get("/readyz?verbose=1")
            except httpx.TransportError:
                return None
        return dict(answer.json()) | {"status": answer.status_code}

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    def events(self) -> dict[str, dict[str, Any]]:
        """The last log line of each event."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return {line["event"]: line for line in lines}


@asynccontextmanager
async def started(workspace: Workspace, home: Path, *, database: str | None = None) -> AsyncIterator[Bot]:
    environment = bot_environment(
        home, Ports(home), FIRST_BOT, database=database, config=home / "tiphys.yaml", slack="socket"
    )
    log = home / f"by-hand-{len(list(home.glob('by-hand-*')))}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", env={**os.environ, **environment}, stdout=sink, stderr=sink
        )
    bot = Bot(process, f"http://{environment['TIPHYS_LISTEN']}", log)
    try:
        await workspace.until(lambda: is_ready(bot), wants="the bot is ready")
        yield bot
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_ready(bot: Bot) -> bool:
    found = await bot.readiness()
    return found is not None and found["status"] == 200


@pytest.mark.long
async def test_a_call_that_answers_slowly_is_waited_for_and_what_came_of_it_is_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with sandbox(home, "--no-bot", "--speed", "20") as workspace, started(workspace, home) as bot:
        await workspace.fault("github", "slow", method="POST", path="/pulls$", seconds=1, times=1)
        await workspace.say("developer", "/promote apm-stack prod")
        await workspace.until(lambda: unanswered(workspace, "github", "/pulls"), wants="the request for a pull request")
        bot.process.send_signal(signal.SIGTERM)
        found = await bot.readiness()
        assert found is not None
        assert (found["status"], found["ready"], found["problems"]) == (503, False, ["stopping"])
        assert {"inbound", "due", "outbox"} <= set(found)
        assert await bot.ended() == 0
        assert bot.events()["bot.wound_down"]["all_shown"] is True
        assert bot.events()["bot.wound_down"]["cut_off"] is False
        assert "bot.stop_cut_short" not in bot.events()
        assert (await workspace.card()).state in ("proposing", "waiting for approval")
        assert len(await workspace.pulls()) == 1


async def test_a_call_that_hangs_is_cut_off_and_made_again_by_the_next_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with sandbox(home, "--no-bot", "--speed", "20") as workspace, started(workspace, home) as bot:
        await workspace.fault("git", "timeout", method="POST", path="/git-receive-pack$", seconds=600)
        await workspace.say("developer", "/promote apm-stack prod")
        await workspace.until(lambda: unanswered(workspace, "git", "/git-receive-pack"), wants="a push that hangs")
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == 0
        assert bot.events()["bot.wound_down"]["cut_off"] is True
        await workspace.end_faults()
        async with started(workspace, home):
            await workspace.card_is("waiting for approval")
        assert len(await workspace.pulls()) == 1
        assert len(await workspace.cards()) == 1


@pytest.mark.long
@pytest.mark.postgresql
async def test_a_database_that_is_frozen_does_not_use_up_the_time(
    tmp_path: Path, postgresql: str, cluster: Cluster
) -> None:
    """It neither answers nor goes away, with a step under way that waits for it."""
    home = tmp_path / "home"
    async with (
        sandbox(home, "--no-bot", "--speed", "20", "--database", postgresql) as workspace,
        started(workspace, home, database=postgresql) as bot,
    ):
        await workspace.fault("github", "slow", method="POST", path="/pulls$", seconds=1, times=1)
        await workspace.say("developer", "/promote apm-stack prod")
        await workspace.until(lambda: unanswered(workspace, "github", "/pulls"), wants="the request for a pull request")
        cluster.freeze()
        try:
            bot.process.send_signal(signal.SIGTERM)
            assert await bot.ended() == 0
        finally:
            cluster.thaw()
        told = bot.events()
        assert "bot.stop_cut_short" not in told
        assert told["bot.wound_down"]["cut_off"] is True
        assert "bot.stopped" in told
        async with started(workspace, home, database=postgresql):
            await workspace.card_is("waiting for approval")
        assert len(await workspace.pulls()) == 1


async def unanswered(workspace: Workspace, service: str, ending: str) -> bool:
    """Whether such a request waits for its answer now."""
    asked = await workspace.requests(service=service)
    return any(request["ms"] is None and request["path"].endswith(ending) for request in asked)
