"""A signed slash command over HTTP until its acknowledgement, with row and audit entry committed, against bare servers.

Goal: at most 1.5 times aiohttp that checks the signature by hand and commits one row to the same kind of database at
the median, twice at p99. Every server is a process of its own.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.feed import Feed
from bot.sandbox.ports import Ports
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from tests.bench.databases import KINDS, databases
from tests.bench.measuring import in_turn, times
from tests.bench.slack_over_http import People
from tests.bench.test_acknowledgement import GOAL, GOAL_P99, ROUNDS, WITH_COMMAND, tell
from tests.desk import TIPHYS_YAML, served

HAND, BOLT, OURS = "aiohttp, signature by hand", "bare Bolt, process_before_response", "Tiphys, recording"


@asynccontextmanager
async def server(folder: Path, *command: str, **more: str) -> AsyncIterator[People]:
    """A server on a port of its own, and people who talk with it."""
    folder.mkdir()
    (folder / "tiphys.yaml").write_text(TIPHYS_YAML)
    port = Ports(folder).reserve("server")
    filled = [part.format(folder=folder, port=port) for part in command]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *filled, env={**os.environ, **more}, stdout=log, stderr=log
        )
    people = People(port)
    try:
        async with asyncio.timeout(30):
            while not await _is_there(people):
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.02)
        yield people
    finally:
        people.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_there(people: People) -> bool:
    try:
        await people.round(acts=1, at_once=1)
    except (OSError, AssertionError):  # not listening yet, or not ready: it answers 503
        people.close()
        people.lines.clear()
        return False
    return True


@pytest.mark.bench
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("at_once", "acts"), [(1, 200), (10, 500), (50, 1000)])
async def test_acknowledging_over_http(tmp_path: Path, at_once: int, acts: int, kind: str) -> None:
    slack = SlackService(Traffic(), Feed(), "http")
    slack.install(WITH_COMMAND)
    async with AsyncExitStack() as stack:
        places = stack.enter_context(databases(kind))
        api = f"{await stack.enter_async_context(served(slack.app()))}/api/"
        commands = {
            HAND: ("tests.bench.bare_http", "hand", "{folder}", "{port}"),
            OURS: ("tests.bench.front_desk", api, "{folder}", "{port}"),
            BOLT: ("tests.bench.bare_http", "bolt", "{folder}", "{port}"),
        }
        people = {
            name: await stack.enter_async_context(
                server(tmp_path / str(number), *command, **places.environ(tmp_path / str(number)))
            )
            for number, (name, command) in enumerate(commands.items())
        }
        begin = {name: partial(some.round, acts=acts, at_once=at_once) for name, some in people.items()}
        measured = await in_turn(begin, ROUNDS)
        for table in ("inbound", "audit_entries"):
            assert places.rows_in(tmp_path / "1", table) == acts * (ROUNDS + 1) + 1
    tell(f"Acknowledging a slash command over HTTP, {at_once} at once, {kind}", measured, measured[HAND],
         f"goal: p50 at most {times(GOAL)} the one by hand, p99 at most {times(GOAL_P99)}")  # fmt: skip
