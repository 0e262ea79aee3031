"""A slash command until its acknowledgement, with row and audit entry committed, against a bare Bolt app.

Goal: at most 1.5 times the faster of two Bolt apps that commit one row to the same kind of database, at the median, and
twice at p99: one at a time, 10 and 50 at once. A second table, without a goal, has the whole bot, which works each
command off while the next ones come. Every bot is a process of its own with a Slack of its own, so that none shares its
loop with who asks.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.feed import Feed
from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.acts.say import Say, say
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from tests.bench.databases import KINDS, databases
from tests.bench.measuring import Measured, in_turn, milliseconds, show, times
from tests.desk import ENVIRON, MANIFEST, TIPHYS_YAML, served

GOAL, GOAL_P99 = 1.5, 2.0
ROUNDS = 7
BARE, QUICK = "bare Bolt", "bare Bolt, process_before_response"
FRONT, WHOLE = "Tiphys, recording", "Tiphys, all worked off meanwhile"
FOR_BARE = {
    name: ("tests.bench.bare_bolt", kind, "{api}", "{folder}") for name, kind in ((QUICK, "quick"), (BARE, "default"))
}
FOR_WHOLE = {
    "SLACK_BOT_TOKEN": TOKENS.slack_bot, "SLACK_APP_TOKEN": TOKENS.slack_app, "SLACK_API_URL": "{api}",
    "TIPHYS_CONFIG": "{folder}/tiphys.yaml", "TIPHYS_DATA": "{folder}", "TIPHYS_LISTEN": "127.0.0.1:0", **ENVIRON,
}  # fmt: skip
WITH_COMMAND = {
    **MANIFEST,
    "features": {"slash_commands": [{"command": name, "description": "x"} for name in ("/gitops", "/promote")]},
}


@dataclass(frozen=True)
class Contestant:
    """A bot, and the Slack that it alone is connected to."""

    slack: SlackService
    process: asyncio.subprocess.Process
    folder: Path

    async def round(self, *, words: str, acts: int, at_once: int) -> Sequence[float]:
        """So many commands, each person beginning the next when the last is acknowledged."""
        taken: list[float] = []

        async def person(number: int) -> None:
            body = Say(user="developer", channel="deployments", text=words)
            for _ in range(number):
                started = time.perf_counter()
                answer = await say(self.slack.parts, body)
                taken.append(time.perf_counter() - started)
                assert answer["ack"] is not None

        await asyncio.gather(*(person(acts // at_once) for _ in range(at_once)))
        return taken


@asynccontextmanager
async def contestant(folder: Path, *command: str, connections: int, **more: str) -> AsyncIterator[Contestant]:
    folder.mkdir()
    (folder / "tiphys.yaml").write_text(TIPHYS_YAML)
    slack = SlackService(Traffic(), Feed())
    slack.install(WITH_COMMAND)
    async with served(slack.app()) as address:
        slack.base_url = address
        filled = [part.format(api=f"{address}/api/", folder=folder) for part in command]
        more = {name: value.format(api=f"{address}/api/", folder=folder) for name, value in more.items()}
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *filled, env={**os.environ, **more}, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(30):
                while slack.parts.socket_mode.connections < connections:
                    assert process.returncode is None, (folder / "log").read_text()
                    await asyncio.sleep(0.02)
            yield Contestant(slack, process, folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            await slack.close()


@pytest.mark.bench
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("at_once", "acts"), [(1, 200), (10, 500), (50, 1000)])
async def test_acknowledging_a_slash_command(tmp_path: Path, at_once: int, acts: int, kind: str) -> None:
    async with AsyncExitStack() as stack:
        places = stack.enter_context(databases(kind))
        bots = {
            name: await stack.enter_async_context(
                contestant(
                    tmp_path / str(number), *command, connections=connections, **places.environ(tmp_path / str(number))
                )
            )
            for number, (name, command, connections) in enumerate([
                (QUICK, FOR_BARE[QUICK], 1), (FRONT, ("tests.bench.front_desk", "{api}", "{folder}"), 2),
                (BARE, FOR_BARE[BARE], 1),
            ])
        }  # fmt: skip
        begin = {
            name: partial(bot.round, words="/promote apm-stack prod", acts=acts, at_once=at_once)
            for name, bot in bots.items()
        }
        measured = await in_turn(begin, ROUNDS)
        everything = acts * (ROUNDS + 1)
        for table in ("inbound", "audit_entries"):
            assert places.rows_in(bots[FRONT].folder, table) == everything
    floor = min((measured[name] for name in (BARE, QUICK)), key=lambda taken: taken.percentile(0.5))
    tell(f"Acknowledging a slash command, {at_once} at once, {kind}", measured, floor,
         f"goal: p50 at most {times(GOAL)} the faster bare one, p99 at most {times(GOAL_P99)}")  # fmt: skip


@pytest.mark.bench
@pytest.mark.parametrize(("at_once", "acts"), [(1, 100), (50, 500)])
async def test_acknowledging_while_all_is_worked_off(tmp_path: Path, at_once: int, acts: int) -> None:
    async with (
        contestant(tmp_path / "floor", *FOR_BARE[QUICK], connections=1) as floor,
        contestant(tmp_path / "whole", "bot", "run", connections=2, **FOR_WHOLE) as whole,
    ):
        database = whole.folder / "tiphys.db"

        async def ours() -> Sequence[float]:
            taken = await whole.round(words="/gitops help", acts=acts, at_once=at_once)
            await all_worked_off(database)
            return taken

        theirs = partial(floor.round, words="/promote x", acts=acts, at_once=at_once)
        measured = await in_turn({QUICK: theirs, WHOLE: ours}, ROUNDS)
        assert rows_in(database, "inbound") == acts * (ROUNDS + 1)
    tell(f"Acknowledging a slash command while all is worked off, {at_once} at once", measured, measured[QUICK],
         "no goal: what follows the acknowledgement takes its share of the processor",
         "per second: until all is worked off")  # fmt: skip


def tell(title: str, measured: Mapping[str, Measured], floor: Measured, *remarks: str) -> None:
    rows = [
        [name, milliseconds(taken.percentile(0.5)), milliseconds(taken.percentile(0.99)), f"{taken.per_second:.0f}",
         times(taken.ratio(floor, 0.5)), times(taken.ratio(floor, 0.99))]
        for name, taken in measured.items()
    ]  # fmt: skip
    show(title, ("", "p50", "p99", "per second", "p50 to floor", "p99 to floor"), rows, *remarks)


async def all_worked_off(database: Path) -> None:
    deadline = time.monotonic() + 60
    while rows_in(database, "inbound", due=True) or rows_in(database, "outbox", due=True):
        assert time.monotonic() < deadline, "it is not worked off"
        await asyncio.sleep(0.02)


def rows_in(file: Path, table: str, *, due: bool = False) -> int:
    """How many rows; with `due` only those that wait to be worked off."""
    which = "WHERE due_at IS NOT NULL" if due else ""
    with contextlib.closing(sqlite3.connect(file)) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {table} {which}").fetchone()  # noqa: S608
    return int(count)
