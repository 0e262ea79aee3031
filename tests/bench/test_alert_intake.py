"""A webhook of alerts until it is answered, with its row committed, against a bare receiver that commits a row.

Goal: p99 at most three times aiohttp that parses JSON and commits one row, at half its throughput at least. Both write
SQLite with synchronous FULL. Every receiver is a process of its own; a last one, without a goal, absorbs meanwhile.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.ports import Ports
from bot.web.alert_webhooks import PATH
from tests.bench.alert_desk import TOKEN
from tests.bench.measuring import in_turn, milliseconds, show, times
from tests.bench.test_acknowledgement import ROUNDS, rows_in
from tests.services.alerts.room import body

GOAL, GOAL_THROUGHPUT = 3.0, 0.5
BARE, STORING, ABSORBING = "aiohttp that parses and commits", "Tiphys, storing", "Tiphys, all absorbed meanwhile"
KINDS = {BARE: "bare", STORING: "storing", ABSORBING: "absorbing"}
GROUPS = 500


@dataclass
class Senders:
    """As many connections as there are senders at once, kept open as Alertmanager does."""

    port: int
    lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    sent: int = 0

    async def round(self, *, acts: int, at_once: int) -> Sequence[float]:
        while len(self.lines) < at_once:
            self.lines.append(await asyncio.open_connection("127.0.0.1", self.port))
        taken: list[float] = []

        async def sender(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(acts // at_once):
                request = REQUESTS[self.sent % GROUPS]
                self.sent += 1
                started = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                taken.append(time.perf_counter() - started)
                assert head.startswith(b"HTTP/1.1 202 "), head
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)

        await asyncio.gather(*(sender(*line) for line in self.lines[:at_once]))
        return taken

    def close(self) -> None:
        for _, writer in self.lines:
            writer.close()
        self.lines.clear()


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
async def receiver(folder: Path, kind: str) -> AsyncIterator[Senders]:
    folder.mkdir()
    port = Ports(folder).reserve("receiver")
    command = ("-m", "tests.bench.alert_desk", kind, str(folder), str(port))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=dict(os.environ), stdout=log, stderr=log
        )
    senders = Senders(port)
    try:
        async with asyncio.timeout(30):
            while not await _is_there(senders):
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.02)
        yield senders
    finally:
        senders.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_there(senders: Senders) -> bool:
    try:
        await senders.round(acts=1, at_once=1)
    except OSError:
        senders.close()
        return False
    return True


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
