"""What a database that has grown costs: commands and steps with 10², 10⁴ and 10⁶ finished changes in it; and a sweep
over 1,000 open ones.

Goal: a command and a step of the reconciler cost at 10⁶ at most 1.2 times what they cost at 10². Finished changes come
with what they leave behind: audit entries, approvals, acts, messages, placements. Everything is SQLite.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog

from bot import logs
from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.domain.outgoing import CardPlacement
from bot.metrics import read_waiting
from bot.redaction import Redaction
from bot.services.reconciler import Reconciler
from tests import examples
from tests.bench.measuring import in_turn, milliseconds, show, times
from tests.desk import TIPHYS_YAML, Desk, open_office
from tests.examples import HOUR, NOW
from tests.services.test_reconciler import reconciler_of

SIZES = (100, 10_000, 1_000_000)
AT_ONCE = 100_000
ROUNDS, ACTS = 7, 30
GOAL = 1.2
OPEN, FEW = 1_000, 10
ONE = "    stages:\n      development: {}\n      staging: {from: development}\n      production: {from: staging}\n"
NUMBERS = "WITH RECURSIVE copies(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM copies WHERE n < ?)"
COPIES = {
    # table: (column, what makes a copy of its rows different) …
    "changes": {
        "id": "printf('%026d', n)", "number": "n + 1",
        "environment": "CASE n % 3 WHEN 0 THEN 'development' WHEN 1 THEN 'staging' ELSE environment END",
        "document": f"replace(document, '{examples.CHANGE}', printf('%026d', n))",
    },
    "approvals": {"id": "NULL", "change_id": "printf('%026d', n)"},
    "audit_entries": {"id": "NULL", "change_id": "printf('%026d', n)"},
    "inbound": {"id": "id || '-' || n"},
    "outbox": {"id": "NULL", "key": "key || '-' || n", "change_id": "printf('%026d', n)"},
    "placements": {"change_id": "printf('%026d', n)"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def logged_as_in_the_product() -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere:
        logs.configure(Redaction([]), format="json", stream=nowhere)
        yield
        structlog.reset_defaults()


async def finish_one(desk: Desk) -> None:
    """A change that is over, with all that it left in the tables."""
    change = await desk.put(examples.merged_change(State.SUCCEEDED, due_at=None))
    for words in ("promote", "approve"):
        await desk.front.take(desk.command("U0DEV2", f"{words} nothing"))  # refused at once: worked off
    async with desk.store.writing() as tx:
        await tx.approvals.add(examples.approval(), after=NOW - HOUR)
        for event in ("proposed", "quorum-reached", "merged", "soaked"):
            entry = AuditEntry(
                at=NOW, actor="system", action=f"change.{event}", outcome="done", change=change.id,
                application=change.application, environment=change.environment, text="3 of 3 gates are open", detail={},
            )  # fmt: skip
            await tx.audit.add(entry)
        await tx.outbox.touch_card(change.id, now=NOW)
        placement = CardPlacement(change=change.id, channel=change.channel, ts="1.0", digest="d" * 64)  # type: ignore[arg-type]
        await tx.outbox.set_placement(placement)
        for item in await tx.outbox.list_due(NOW, limit=100):
            await tx.outbox.mark_sent(item)


def fill(file: Path, size: int) -> None:
    """Copy the rows of the one finished change until there are `size` of them."""
    with sqlite3.connect(file, isolation_level=None) as database:
        database.execute("PRAGMA synchronous=OFF")
        for table, changed in COPIES.items():
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            database.execute(f"CREATE TEMP TABLE one AS SELECT * FROM {table}")  # noqa: S608
            shown = ", ".join(changed.get(name, name) for name in names)
            for first in range(1, size, AT_ONCE):
                last = min(first + AT_ONCE, size) - 1
                rows = f"INSERT INTO {table} ({', '.join(names)}) SELECT {shown} FROM copies, one"  # noqa: S608
                database.execute(f"{NUMBERS} {rows}", (first, last))
            database.execute("DROP TABLE one")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


class Grown:
    """A desk over a database with so many finished changes, and one open one."""

    def __init__(self, desk: Desk, reconciler: Reconciler) -> None:
        self.desk, self._reconciler = desk, reconciler

    async def commands(self) -> Sequence[float]:
        """Two that look: how a stage stands, and a change by its number. Recorded, worked off and answered."""
        taken = []
        for act in range(ACTS):
            incoming = self.desk.command("U0DEV1", "status apm-stack prod" if act % 2 else "abort #1")
            started = time.perf_counter()
            await self.desk.take(incoming)
            await self.desk.inbox.sweep()
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("inbox.")))
            taken.append(time.perf_counter() - started)
        return taken

    async def steps(self) -> Sequence[float]:
        """One step of the open change: found due, read, decided, stored."""
        taken = []
        for _ in range(ACTS):
            self.desk.clock.at += timedelta(minutes=1)
            started = time.perf_counter()
            await self._reconciler.sweep()
            stepping = [task for task in asyncio.all_tasks() if task.get_name().startswith("reconciler.")]
            assert len(stepping) == 1
            await asyncio.gather(*stepping)
            taken.append(time.perf_counter() - started)
        return taken

    async def scrapes(self) -> Sequence[float]:
        """What /metrics asks of the database."""
        taken = []
        for _ in range(ACTS):
            started = time.perf_counter()
            async with self.desk.store.reading() as tx:
                await read_waiting(tx, self.desk.clock.now())
            taken.append(time.perf_counter() - started)
        return taken


@asynccontextmanager
async def grown(home: Path, size: int) -> AsyncIterator[Grown]:
    home.mkdir()
    try:
        async with open_office(home) as office, AsyncExitStack() as closing:
            desk = office.desk
            await finish_one(desk)
            await asyncio.to_thread(fill, home / "tiphys.db", size)
            assert await desk.count("changes") == size
            waiting = examples.change(State.APPROVALS_VOID, proposal=None, id=ChangeId("7" * 26), due_at=NOW)
            await desk.put(waiting)
            reconciler = reconciler_of(desk)
            closing.push_async_callback(reconciler.close)
            yield Grown(desk, reconciler)
    finally:
        shutil.rmtree(home)  # gigabytes, which pytest would keep


@pytest.mark.bench
async def test_finished_changes_cost_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        found = {size: await stack.enter_async_context(grown(tmp_path / str(size), size)) for size in SIZES}
        deeds: dict[str, Callable[[Grown], Callable[[], Awaitable[Sequence[float]]]]] = {
            "a command": lambda each: each.commands, "a step": lambda each: each.steps,
            "a scrape": lambda each: each.scrapes,
        }  # fmt: skip
        rows = []
        for deed, of in deeds.items():
            measured = await in_turn({str(size): of(each) for size, each in found.items()}, ROUNDS)
            floor = measured[str(SIZES[0])]
            rows.append([deed, *(milliseconds(taken.percentile(0.5)) for taken in measured.values()),
                         times(measured[str(SIZES[-1])].ratio(floor, 0.5))])  # fmt: skip
        size = (tmp_path / str(SIZES[-1]) / "tiphys.db").stat().st_size
        show("With so many finished changes, p50", ("", *(f"{size:,}" for size in SIZES), "ratio"), rows,
             f"goal: a command and a step cost with {SIZES[-1]:,} at most {times(GOAL)} what they cost with {SIZES[0]}",
             f"the largest database has {size / 1e9:.1f} GB")  # fmt: skip


def many_stages(applications: int) -> str:
    """The configuration with that many applications of three stages each."""
    head, rest = TIPHYS_YAML.split("  apm-stack:\n")
    one, tail = rest.split("permissions:\n")
    one = one.replace("deployments/", "app-NUMBER/").replace("apm-stack-", "app-NUMBER-")
    all_of_them = "".join(f"  app-NUMBER:\n{one}".replace("NUMBER", str(number)) for number in range(applications))
    return f"{head}{all_of_them}permissions:\n{tail}"


@asynccontextmanager
async def opened(home: Path, number: int) -> AsyncIterator[Grown]:
    """So many open changes, each in a stage of its own."""
    home.mkdir()
    async with open_office(home, many_stages(-(-number // 3))) as office:
        stages = office.desk.source.current.stages()[:number]
        async with office.desk.store.writing() as tx:
            for at, stage in enumerate(stages):
                change = examples.change(
                    State.APPROVALS_VOID, proposal=None, id=ChangeId(f"{at:026d}"), application=stage.application,
                    environment=stage.environment, due_at=NOW,
                )  # fmt: skip
                await tx.changes.insert(replace(change, number=0))
        reconciler = reconciler_of(office.desk)
        try:
            yield Grown(office.desk, reconciler)
        finally:
            await reconciler.close()


async def swept(world: Grown, number: int) -> Sequence[float]:
    """All that are open, from due to stored; answers the time per change."""
    desk = world.desk
    desk.clock.at += timedelta(minutes=1)
    started = time.perf_counter()
    while await due(desk):
        await world._reconciler.sweep()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("reconciler.")))
    return [(time.perf_counter() - started) / number]


async def due(desk: Desk) -> int:
    async with desk.store.reading() as tx:
        return await tx.changes.count_due(desk.clock.now())


@pytest.mark.bench
async def test_a_sweep_over_many_open_changes(tmp_path: Path) -> None:
    async with opened(tmp_path / "few", FEW) as few, opened(tmp_path / "many", OPEN) as many:
        rounds = {f"{FEW}": partial(swept, few, FEW), f"{OPEN:,}": partial(swept, many, OPEN)}
        measured = await in_turn(rounds, ROUNDS)
        floor = measured[f"{FEW}"]
        show("A sweep over open changes that wait, time per change", ("open changes", "per change", "ratio"),
             [(name, milliseconds(taken.percentile(0.5)), times(taken.ratio(floor, 0.5)))
              for name, taken in measured.items()],
             "the database's and our own share: nothing outside is asked")  # fmt: skip
