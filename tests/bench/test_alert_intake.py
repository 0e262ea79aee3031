"""A webhook of alerts until it is answered, with its row committed, against a bare receiver that commits a row.

Goal: p99 at most three times aiohttp that parses JSON and commits one row, at half its throughput at least. Both write
SQLite with synchronous FULL. Every receiver is a process of its own; a last one, without a goal, absorbs meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.ports import Ports
from bot.web.alert_webhooks import PATH
from tests.bench.alert_desk import TOKEN
from tests.bench.measuring import in_turn, milliseconds, show, times
from tests.bench.over_http import Callers, serving
from tests.bench.test_acknowledgement import ROUNDS, rows_in
from tests.services.alerts.room import body

GOAL, GOAL_THROUGHPUT = 3.0, 0.5
BARE, STORING, ABSORBING = "aiohttp that parses and commits", "Tiphys, storing", "Tiphys, all absorbed meanwhile"
KINDS = {BARE: "bare", STORING: "storing", ABSORBING: "absorbing"}
GROUPS = 500


def _request(number: int) -> bytes:
    """A group of five alerts that fire."""
    alerts = [(f"service-{number}-{one}", "firing") for one in range(5)]
    content = body(*alerts, groupKey=f'{{}}:{{alertname="Bench{number}"}}').encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


REQUESTS = [_request(number) for number in range(GROUPS)]


@asynccontextmanager
async def receiver(folder: Path, kind: str) -> AsyncIterator[Callers]:
    folder.mkdir()
    senders = Callers(Ports(folder).reserve("receiver"), lambda number: REQUESTS[number % GROUPS], status=202)
    async with serving(folder, "tests.bench.alert_desk", kind, str(folder), str(senders.port), callers=senders):
        yield senders


async def absorbed(database: Path) -> None:
    async with asyncio.timeout(120):
        while rows_in(database, "alert_intake"):  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.02)


@pytest.mark.bench
@pytest.mark.parametrize(("at_once", "acts"), [(1, 200), (10, 500), (50, 1000)])
async def test_taking_in_webhooks_of_alerts(tmp_path: Path, at_once: int, acts: int) -> None:
    async with AsyncExitStack() as stack:
        senders = {
            name: await stack.enter_async_context(receiver(tmp_path / kind, kind)) for name, kind in KINDS.items()
        }

        async def all_absorbed() -> Sequence[float]:
            taken = await senders[ABSORBING].round(acts=acts, at_once=at_once)
            await absorbed(tmp_path / "absorbing" / "tiphys.db")
            return taken

        begin = {name: partial(some.round, acts=acts, at_once=at_once) for name, some in senders.items()}
        measured = await in_turn({**begin, ABSORBING: all_absorbed}, ROUNDS)
        assert rows_in(tmp_path / "storing" / "tiphys.db", "alert_intake") == acts * (ROUNDS + 1) + 1
        assert rows_in(tmp_path / "absorbing" / "tiphys.db", "alert_groups") == min(GROUPS, acts * (ROUNDS + 1) + 1)
    floor = measured[BARE]
    rows = [
        [name, milliseconds(taken.percentile(0.5)), milliseconds(taken.percentile(0.99)), f"{taken.per_second:.0f}",
         times(taken.ratio(floor, 0.5)), times(taken.ratio(floor, 0.99)), times(taken.per_second / floor.per_second)]
        for name, taken in measured.items()
    ]  # fmt: skip
    show(
        f"Taking in a webhook of alerts, {at_once} at once",
        ("", "p50", "p99", "per second", "p50 to floor", "p99 to floor", "throughput to floor"), rows,
        f"goal of storing: p99 at most {times(GOAL)}, throughput at least {times(GOAL_THROUGHPUT)}",
        "per second of the last: until all is absorbed",
    )  # fmt: skip
