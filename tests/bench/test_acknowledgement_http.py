"""A signed slash command over HTTP until its acknowledgement, with row and audit entry committed, against bare servers.

Goal: at most 1.5 times a bare Bolt app that commits one row to the same kind of database, at the median, and twice at
p99, as over Socket Mode: the app that answers as soon as its listener has (`process_before_response`). A remark has us
against a server without any SDK too, which checks the signature by hand. Every server is a process of its own.
"""

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
from tests.bench.over_http import Callers, serving
from tests.bench.slack_over_http import people
from tests.bench.test_acknowledgement import GOAL, GOAL_P99, ROUNDS, WITH_COMMAND, tell
from tests.desk import TIPHYS_YAML, served

HAND, BOLT, OURS = "aiohttp, signature by hand", "bare Bolt, process_before_response", "Tiphys, recording"


@asynccontextmanager
async def server(folder: Path, *command: str, **more: str) -> AsyncIterator[Callers]:
    """A server on a port of its own, and people who talk with it."""
    folder.mkdir()
    (folder / "tiphys.yaml").write_text(TIPHYS_YAML)
    port = Ports(folder).reserve("server")
    filled = [part.format(folder=folder, port=port) for part in command]
    talking = people(port)
    async with serving(folder, *filled, callers=talking, **more):
        yield talking


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
        talking = {
            name: await stack.enter_async_context(
                server(tmp_path / str(number), *command, **places.environ(tmp_path / str(number)))
            )
            for number, (name, command) in enumerate(commands.items())
        }
        begin = {name: partial(some.round, acts=acts, at_once=at_once) for name, some in talking.items()}
        measured = await in_turn(begin, ROUNDS)
        for table in ("inbound", "audit_entries"):
            assert places.rows_in(tmp_path / "1", table) == acts * (ROUNDS + 1) + 1
    ours, by_hand = measured[OURS], measured[HAND]
    tell(
        f"Acknowledging a slash command over HTTP, {at_once} at once, {kind}", measured, measured[BOLT],
        f"goal: p50 at most {times(GOAL)} bare Bolt, p99 at most {times(GOAL_P99)}",
        f"to the one by hand: p50 {times(ours.ratio(by_hand, 0.5))}, p99 {times(ours.ratio(by_hand, 0.99))}",
    )  # fmt: skip
