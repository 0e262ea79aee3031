"""From the start of the process until `/healthz` answers, and the memory of a bot that has nothing to do.

Goals: at most 1 s and at most 120 MiB with everything loaded. The floor is a process with Bolt and aiohttp alone, which
took 0.26 s where the goal was set: on another machine the goal is 3.85 times what the floor takes there. One
contestant has SQLite and a token for GitHub; the other one all that can be configured and weighs most: PostgreSQL, and
an App's key, with which it signs. Both run with the variables of the image.
"""

import asyncio
import os
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.feed import Feed
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.acts.say import Say, say
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from bot.store.migrate import upgrade
from tests.bench.databases import Databases, databases
from tests.bench.measuring import in_turn, milliseconds, show, times
from tests.desk import ENVIRON, MANIFEST, TIPHYS_YAML, served

ROUNDS = 9
GOAL_SECONDS, GOAL_MIB, FLOOR_THERE = 1.0, 120, 0.26
BARE, OURS, EVERYTHING = "bare Bolt and aiohttp", "Tiphys", "Tiphys, PostgreSQL and a GitHub App"
OF_THE_IMAGE = {"PYTHONUNBUFFERED": "1", "PYTHONNODEBUGRANGES": "1"}
BY_APP = TIPHYS_YAML.replace("token: {env: GITHUB_TOKEN}", "app: {id: 12345, private_key: {env: GITHUB_APP_KEY}}")
IS_THERE = {OURS: ("libsqlite3",), EVERYTHING: ("_psycopg", "cryptography")}
"""What each has loaded in the end, or it is not what its name says."""


@dataclass(slots=True)
class Contestant:
    """What is started over and over; `mib` are the resident memories that were seen while it had nothing to do."""

    command: Sequence[str]
    slack: SlackService
    variables: Mapping[str, str] = field(default_factory=dict)
    is_there: Sequence[str] = ()
    mib: list[float] = field(default_factory=list)

    async def round(self) -> Sequence[float]:
        """Start it, let it do one thing, look at it when all is quiet, and end it."""
        port = free_port()
        environment = {**os.environ, **self.variables, "TIPHYS_LISTEN": f"127.0.0.1:{port}"}
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *(part.format(port=port) for part in self.command), env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await answers(port, "/healthz")
            taken = time.perf_counter() - started
            await answers(port, "/readyz")
            while not self.slack.parts.socket_mode.connections:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)
            said = await say(self.slack.parts, Say(user="developer", channel="deployments", text="/gitops help"))
            assert said["ack"] is not None
            await asyncio.sleep(1)
            mapped = Path(f"/proc/{process.pid}/maps").read_text()
            assert all(library in mapped for library in self.is_there)
            self.mib.append(resident_mib(process.pid))
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        return [taken]


@asynccontextmanager
async def contestants(folder: Path, places: Databases) -> AsyncIterator[Mapping[str, Contestant]]:
    slack = SlackService(Traffic(), Feed())
    slack.install(MANIFEST)
    async with served(slack.app()) as address:
        slack.base_url = address
        given = {
            "SLACK_BOT_TOKEN": TOKENS.slack_bot, "SLACK_APP_TOKEN": TOKENS.slack_app,
            "SLACK_API_URL": f"{address}/api/", **ENVIRON, **OF_THE_IMAGE,
        }  # fmt: skip

        async def tiphys(name: str, configuration: str, **more: str) -> Contestant:
            home = folder / name
            home.mkdir()
            (home / "tiphys.yaml").write_text(configuration)
            here = {"TIPHYS_CONFIG": str(home / "tiphys.yaml"), "TIPHYS_DATA": str(home)}
            await upgrade(more.get("DATABASE_URL", f"sqlite+aiosqlite:///{home}/tiphys.db"))
            return Contestant(("-m", "bot", "run"), slack, {**given, **here, **more}, IS_THERE[name])

        who = (TEAM_ID, BOT_ID, BOT_USER_ID, TOKENS.slack_bot, TOKENS.slack_app)
        yield {
            BARE: Contestant(("-m", "tests.bench.bare_web", f"{address}/api/", "{port}", *who), slack, OF_THE_IMAGE),
            OURS: await tiphys(OURS, TIPHYS_YAML),
            EVERYTHING: await tiphys(EVERYTHING, BY_APP, GITHUB_APP_KEY=new_key(), **places.environ(folder)),
        }
        await slack.close()


def new_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*kept).decode()


@pytest.mark.bench
async def test_starting_and_having_nothing_to_do(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        places = stack.enter_context(databases("postgresql"))
        all_of_them = await stack.enter_async_context(contestants(tmp_path, places))
        rounds = {name: partial(each.round) for name, each in all_of_them.items()}
        measured = await in_turn(rounds, ROUNDS)
        floor = measured[BARE]
        show(
            "Starting, and having nothing to do",
            ("", "until /healthz answers", "slowest", "ratio", "resident memory"),
            [
                (name, milliseconds(taken.percentile(0.5)), milliseconds(max(map(max, taken.rounds))),
                 times(taken.ratio(floor, 0.5)), f"{median(all_of_them[name].mib):.0f} MiB")
                for name, taken in measured.items()
            ],
            f"goal: at most {GOAL_SECONDS:.0f} s where the floor takes {FLOOR_THERE} s, so "
            f"{times(GOAL_SECONDS / FLOOR_THERE)}; and {GOAL_MIB} MiB with everything loaded",
            "the first start of each is not measured",
        )  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def answers(port: int, path: str) -> None:
    """Wait until it says 200."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            first = await reader.readline()
            writer.close()
            if b" 200 " in first:
                return
        await asyncio.sleep(0.005)


def resident_mib(pid: int) -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
