"""Replicas on one PostgreSQL that claim, work, die, start again and lose their leases, in any order; and the laws.

A row is in one living process's hands, and so is a lane of the outbox; every step of a change counts once. The clocks
of the replicas differ by up to five seconds.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.outgoing import Outgoing
from bot.domain.text import Text
from bot.ports_store import Conflict
from bot.store.claims import Claimable, key_of
from bot.store.engine import close_engine, open_engine
from bot.store.store import SqlStore
from tests import examples
from tests.examples import HOUR, NOW

T = TypeVar("T")
REPLICAS = st.sampled_from([0, 1, 2])
CHANGES = st.sampled_from([0, 1, 2])
SKEW = st.sampled_from([timedelta(seconds=seconds) for seconds in (-5, 0, 5)])


def change_id(number: int) -> ChangeId:
    return ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}")


@dataclass
class Process:
    """One life of a replica, and what it believes to be at."""

    store: SqlStore
    hands: dict[tuple[str, str | int], Claimable] = field(default_factory=dict)


class Replicas(RuleBasedStateMachine):
    """`url`: a migrated database; every run begins with it empty."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._closing = ExitStack()
        self._runner = self._closing.enter_context(asyncio.Runner())
        self.processes: dict[int, Process] = {}
        self.has_begun = False
        self.steps = dict.fromkeys(range(3), 0)
        self.numbers = itertools.count(1)
        for number in range(3):
            self.start(number)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def teardown(self) -> None:
        for process in self.processes.values():
            self.run(process.store.close())
        self._closing.close()

    def start(self, number: int) -> None:
        store = SqlStore(self.url, replica=f"machine/{number}")
        self.run(store.claims.take_over(store.replica))  # type: ignore[attr-defined]
        self.processes[number] = Process(store)

    @initialize()
    def begin(self) -> None:
        self.run(self._execute("TRUNCATE changes, outbox, inbound, approvals, placements"))

        async def fill() -> None:
            async with self.processes[0].store.writing() as tx:
                for number in range(3):
                    await tx.changes.insert(
                        examples.change(id=change_id(number), environment=str(number), due_at=NOW - HOUR)
                    )

        self.run(fill())
        self.has_begun = True

    @rule(who=REPLICAS, skew=SKEW, limit=st.integers(1, 4))
    def claim_changes(self, who: int, skew: timedelta, limit: int) -> None:
        self._take(who, self.run(self.processes[who].store.claims.changes(NOW + skew, limit=limit)).rows)

    @rule(who=REPLICAS, skew=SKEW, limit=st.integers(1, 4))
    def claim_outbox(self, who: int, skew: timedelta, limit: int) -> None:
        self._take(who, self.run(self.processes[who].store.claims.outbox(NOW + skew, limit=limit)).rows)

    @rule(first=REPLICAS, second=REPLICAS)
    def claim_at_the_same_moment(self, first: int, second: int) -> None:
        async def both() -> list[Any]:
            stores = [self.processes[who].store for who in (first, second)]
            return list(await asyncio.gather(*(store.claims.outbox(NOW, limit=2) for store in stores)))

        for who, claimed in zip((first, second), self.run(both()), strict=True):
            self._take(who, claimed.rows)

    @rule(who=REPLICAS, number=CHANGES)
    def show(self, who: int, number: int) -> None:
        """The card is touched and a note added."""

        async def work() -> None:
            async with self.processes[who].store.writing() as tx:
                await tx.outbox.touch_card(change_id(number), now=NOW - HOUR)
                note = f"{next(self.numbers)}"
                await tx.outbox.note(change_id(number), note, Text.of(note), now=NOW - HOUR)

        self.run(work())

    @rule(who=REPLICAS)
    def finish(self, who: int) -> None:
        """Everything in hand is done: a change moves by one step, what was to be shown is shown."""
        process = self.processes[who]
        for key, item in list(process.hands.items()):
            del process.hands[key]
            self.run(self._finish(process.store, item))

    @rule(who=REPLICAS)
    def die_and_start_again(self, who: int) -> None:
        """Without a word; its successor in the same folder has everything again."""
        old = self.processes[who].store
        old._claims._held.clear()  # nobody renews, nobody hands back
        old._claims._has_claimed = False  # type: ignore[union-attr]
        self.run(old.close())
        self.start(who)

    @rule(who=REPLICAS)
    def stop_and_start_again(self, who: int) -> None:
        self.run(self.processes[who].store.close())
        self.start(who)

    @rule(who=REPLICAS)
    def be_away_for_too_long(self, who: int) -> None:
        """Its leases end; when it is back it learns so at the next renewal."""
        process = self.processes[who]
        for table in ("changes", "outbox"):
            over = f"UPDATE {table} SET leased_until = 1 WHERE leased_by = :owner"  # noqa: S608
            self.run(self._execute(over, owner=process.store.owner))
        process.hands.clear()

    @precondition(lambda self: self.has_begun)
    @invariant()
    def every_step_counts_once(self) -> None:
        for change in self.run(self._changes()):
            assert change.version - 1 == self.steps[int(change.environment)]

    def _take(self, who: int, rows: tuple[Claimable, ...]) -> None:
        for row in rows:
            key = key_of(row)
            holders = [other for other, process in self.processes.items() if key in process.hands]
            assert holders == [], f"{key} is in the hands of {holders}, and was given to {who}"
            if isinstance(row, Outgoing):
                for other, process in self.processes.items():
                    lanes = {item.lane for item in process.hands.values() if isinstance(item, Outgoing)}
                    assert other == who or row.lane not in lanes, f"{row.key} would overtake what {other} sends"
            self.processes[who].hands[key] = row

    async def _finish(self, store: SqlStore, item: Claimable) -> None:
        async with store.writing() as tx:
            if isinstance(item, Change):
                await tx.changes.swap(replace(item, reason="stepped"))
                self.steps[int(item.environment)] += 1
            elif isinstance(item, Outgoing):
                await tx.outbox.mark_sent(item)
        await store.claims.release(item)
        if isinstance(item, Change):
            await self._late(store, item)

    async def _late(self, store: SqlStore, item: Change) -> None:
        """A step that comes again, as after a lost lease, moves nothing."""
        try:
            async with store.writing() as tx:
                await tx.changes.swap(replace(item, reason="too late"))
        except Conflict:
            return
        raise AssertionError("a step was stored over its successor")

    async def _changes(self) -> list[Change]:
        async with self.processes[0].store.reading() as tx:
            return await tx.changes.list_open()

    async def _execute(self, statement: str, **values: Any) -> None:
        engine = open_engine(self.url)
        async with engine.begin() as connection:
            await connection.execute(text(statement), values)
        await close_engine(engine)
