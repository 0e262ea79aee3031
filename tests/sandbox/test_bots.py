"""Bots that are killed, stopped and come back, with a small program in the product's place."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from bot.sandbox import bots as bots_module
from bot.sandbox.bots import Bot, BotFailed, Bots, Process
from bot.sandbox.ports import Ports

READY = """
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"ready": True}).encode())

host, port = sys.argv[1].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""


class Launches:
    """Starts the program instead of the product; `gate` lets each launch go on."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.made: list[Process] = []
        self.environments: list[dict[str, str]] = []

    async def __call__(self, environment: Mapping[str, str], *, folder: Path, log: int) -> Process:
        self.begun.set()
        self.environments.append(dict(environment))
        await self.gate.wait()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", READY, environment["TIPHYS_LISTEN"], stdout=log, stderr=log
        )
        self.made.append(process)
        return process

    def hold(self) -> None:
        self.begun.clear()
        self.gate.clear()


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> Launches:
    made = Launches()
    monkeypatch.setattr(bots_module, "launch", made)
    return made


@pytest.fixture
async def bots(tmp_path: Path, launches: Launches) -> AsyncIterator[Bots]:
    listen = f"127.0.0.1:{Ports(tmp_path).reserve('bot-1')}"
    made = Bots({"bot-1": Bot("bot-1", tmp_path, lambda: {"TIPHYS_LISTEN": listen})})
    await made.start()
    yield made
    launches.gate.set()
    await made.close()


ENDS: list[Callable[[Bot], Awaitable[None]]] = [Bot.kill, Bot.stop]


@pytest.mark.parametrize("end", ENDS)
async def test_who_is_ended_while_he_comes_back_stays_down(
    bots: Bots, launches: Launches, end: Callable[[Bot], Awaitable[None]]
) -> None:
    bot = bots.by_name["bot-1"]
    launches.hold()
    await bots.kill_and_restart("bot-1")
    await launches.begun.wait()

    async def let_go_on() -> None:
        launches.gate.set()

    await asyncio.gather(end(bot), let_go_on())
    assert bot.pid is None
    assert [process.returncode is not None for process in launches.made] == [True, True]
    await bot.start()
    assert bot.pid is not None


@pytest.mark.parametrize("end", ENDS)
async def test_who_was_ended_does_not_come_back_by_a_fault(
    bots: Bots, launches: Launches, end: Callable[[Bot], Awaitable[None]]
) -> None:
    """A request that he still sent before his end is met by one."""
    await end(bots.by_name["bot-1"])
    launches.begun.clear()
    await bots.kill_and_restart("bot-1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(launches.begun.wait(), 0.3)
    assert bots.by_name["bot-1"].pid is None


async def test_a_fault_lets_him_come_back(bots: Bots, launches: Launches) -> None:
    bot = bots.by_name["bot-1"]
    before = bot.pid
    await bots.kill_and_restart("bot-1")
    async with asyncio.timeout(30):
        while bot.pid in (None, before) or await bot.readiness() is None:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)
    assert len(launches.made) == 2


async def test_a_start_that_is_ended_says_so(bots: Bots, launches: Launches) -> None:
    bot = bots.by_name["bot-1"]
    await bot.kill()
    launches.hold()

    async def end() -> None:
        await launches.begun.wait()
        launches.gate.set()
        await bot.kill()

    results = await asyncio.gather(bot.start(), end(), return_exceptions=True)
    assert isinstance(results[0], BotFailed)
    assert bot.pid is None
