"""Two replicas on one PostgreSQL: leases by its clock, renewed, handed back, taken over; lanes in one pair of hands."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.outgoing import Outgoing
from bot.domain.text import Text
from bot.ports_store import Conflict
from bot.store.engine import close_engine, open_engine
from bot.store.leases import Leases
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests import examples
from tests.examples import CHANGE, HOUR, NOW
from tests.postgresql import Cluster

pytestmark = pytest.mark.postgresql


class Pair:
    """Two replicas, whose leases can be ended as if their time had gone by."""

    def __init__(self, url: str) -> None:
        self.url, self.first, self.second = url, SqlStore(url), SqlStore(url)

    async def expire(self) -> None:
        await self._execute("UPDATE changes SET leased_until = 1")
        await self._execute("UPDATE outbox SET leased_until = 1")

    async def lease_of(self, change: ChangeId = CHANGE) -> tuple[str | None, float]:
        """Whose it is, and the seconds until it is over."""
        query = (
            "SELECT leased_by, (leased_until - extract(epoch FROM clock_timestamp()) * 1000000) / 1000000 FROM changes "
            "WHERE id = :id"
        )
        [(owner, seconds)] = await self._execute(query, id=change)
        return owner, float(seconds or 0)

    async def _execute(self, statement: str, **values: Any) -> list[Any]:
        engine = open_engine(self.url)
        try:
            async with engine.begin() as connection:
                found = await connection.execute(text(statement), values)
                return list(found.all()) if found.returns_rows else []
        finally:
            await close_engine(engine)


@pytest.fixture
async def pair(postgresql: str) -> AsyncIterator[Pair]:
    made = Pair(postgresql)
    async with made.first.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW))
    yield made
    await made.first.close()
    await made.second.close()


async def changes(store: SqlStore) -> list[Change]:
    return list((await store.claims.changes(NOW, limit=9)).rows)


async def rows(store: SqlStore) -> list[str]:
    return [item.key for item in await items(store)]


async def items(store: SqlStore) -> list[Outgoing]:
    return list((await store.claims.outbox(NOW, limit=9)).rows)


async def test_a_lease_lasts_by_the_databases_clock(pair: Pair) -> None:
    [change] = await changes(pair.first)
    owner, seconds = await pair.lease_of()
    assert owner == pair.first.owner
    assert 8 < seconds <= 12
    claimed = await pair.second.claims.changes(NOW + 99 * HOUR, limit=9)
    assert claimed.rows == (), "what a replica's own clock says ends no lease"
    assert claimed.more_in is not None
    assert timedelta(seconds=6) < claimed.more_in <= timedelta(seconds=12)
    await pair.first.claims.release(change)
    assert len(await changes(pair.second)) == 1


async def test_a_lease_that_is_over_is_taken_over(pair: Pair) -> None:
    await changes(pair.first)
    await pair.expire()
    assert len(await changes(pair.second)) == 1
    assert (await pair.lease_of())[0] == pair.second.owner


async def test_whoever_lost_a_lease_writes_nothing_over_his_successor(pair: Pair) -> None:
    [late] = await changes(pair.first)
    await pair.expire()
    [change] = await changes(pair.second)
    async with pair.second.writing() as tx:
        await tx.changes.swap(replace(change, reason="taken over"))
    with pytest.raises(Conflict):
        async with pair.first.writing() as tx:
            await tx.changes.swap(replace(late, reason="too late"))
    await pair.first.claims.release(late)
    assert (await pair.lease_of())[0] == pair.second.owner, "it released only what was its own"


async def test_it_is_renewed_while_the_work_goes_on(pair: Pair) -> None:
    short = Leases(pair.first.writing, "short:1", lease=timedelta(seconds=0.8))
    [change] = (await short.changes(NOW, limit=9)).rows
    async with short.working(change):
        began = (await pair.lease_of())[1]
        for _ in range(100):
            if (await pair.lease_of())[1] > began:
                break
            began = (await pair.lease_of())[1]
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("it was never renewed")
        assert await changes(pair.second) == []
    assert len(await changes(pair.second)) == 1
    await short.close()


async def test_work_whose_lease_somebody_else_has_is_cancelled(pair: Pair) -> None:
    store, tasks, began = pair.first, TaskSet("test"), asyncio.Event()
    [change] = await changes(store)

    async def work() -> None:
        async with store.claims.working(change):
            began.set()
            await asyncio.Event().wait()

    task = tasks.start(work(), name="work")
    await began.wait()
    await pair.expire()
    await changes(pair.second)
    leases = store.claims
    assert isinstance(leases, Leases)
    await leases.renew()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    assert (await pair.lease_of())[0] == pair.second.owner


async def endless_work(leases: Leases) -> asyncio.Task[None]:
    """On the one change that is due; it has begun."""
    began = asyncio.Event()
    [change] = (await leases.changes(NOW, limit=9)).rows

    async def work() -> None:
        async with leases.working(change):
            began.set()
            await asyncio.Event().wait()

    task = TaskSet("test").start(work(), name="work")
    await began.wait()
    return task


async def test_work_whose_lease_cannot_be_renewed_is_cancelled_before_it_is_over(pair: Pair, cluster: Cluster) -> None:
    short = Leases(pair.first.writing, "short:1", lease=timedelta(seconds=1))
    task = await endless_work(short)
    cluster.stop()
    try:
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()
    finally:
        cluster.start()
    await short.close()


async def test_work_is_cancelled_in_time_whatever_is_in_the_way_of_the_renewal(pair: Pair) -> None:
    short = Leases(pair.first.writing, "short:1", lease=timedelta(seconds=1))
    task = await endless_work(short)
    await pair._execute("ALTER TABLE changes RENAME COLUMN leased_until TO until")
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    await short.close(hand_back=False)


async def test_what_is_released_while_it_is_renewed_is_not_lost_later(pair: Pair) -> None:
    """A renewal that is on its way keeps nothing alive: neither the claim nor a later one of the same row."""
    leases = pair.first.claims
    assert isinstance(leases, Leases)
    [change] = await changes(pair.first)
    await asyncio.gather(leases.renew(), leases.release(change))
    assert leases._held == {}
    [again] = await changes(pair.first)
    await leases.renew()
    async with leases.working(again):
        assert await changes(pair.second) == []


async def test_closing_hands_everything_back_also_what_was_interrupted(pair: Pair) -> None:
    tasks, began = TaskSet("test"), asyncio.Event()
    async with pair.first.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    [change] = await changes(pair.first)
    assert len(await rows(pair.first)) == 1

    async def work() -> None:
        async with pair.first.claims.working(change):
            began.set()
            await asyncio.Event().wait()

    tasks.start(work(), name="work")
    await began.wait()
    await tasks.close()
    assert await changes(pair.second) == [], "what was interrupted may still arrive outside"
    await pair.first.close()
    assert len(await changes(pair.second)) == 1
    assert len(await rows(pair.second)) == 1


async def test_only_the_same_replica_takes_over_from_a_living_lease(pair: Pair) -> None:
    await changes(pair.first)
    stranger = SqlStore(pair.url, replica=f"{pair.first.replica}%")
    await stranger.join(lambda _: None)
    assert await changes(stranger) == []
    await stranger.close()


async def test_a_card_and_its_notes_are_in_one_pair_of_hands(pair: Pair) -> None:
    async with pair.first.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    [card] = await items(pair.first)
    async with pair.first.writing() as tx:
        await tx.outbox.note(CHANGE, "ready", Text.of("waits for approval"), now=NOW)
    assert await rows(pair.second) == [], "the card is not there yet"
    assert await rows(pair.first) == [f"note:{CHANGE}:ready"], "its own lane goes on"
    await pair.first.claims.release(card)
    assert await rows(pair.second) == [], "the note is on its way"


async def test_lanes_hold_when_both_claim_at_the_same_moment(pair: Pair) -> None:
    """Row by row the second would pass by the locked card and take its note."""
    others = [ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}") for number in range(6)]
    async with pair.first.writing() as tx:
        for change in others:
            await tx.outbox.touch_card(change, now=NOW)
            for what in ("a", "b"):
                await tx.outbox.note(change, what, Text.of(what), now=NOW)
    hands: dict[str, set[str]] = {}

    async def claim(store: SqlStore) -> None:
        for item in (await store.claims.outbox(NOW, limit=2)).rows:
            hands.setdefault(item.lane, set()).add(store.owner)

    for _ in range(12):
        await asyncio.gather(claim(pair.first), claim(pair.second))
    assert len(hands) == len(others)
    assert [owners for owners in hands.values() if len(owners) != 1] == []


async def test_what_was_touched_while_it_was_sent_comes_again(pair: Pair) -> None:
    async with pair.first.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    [card] = await items(pair.first)
    async with pair.second.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    async with pair.first.claims.working(card), pair.first.writing() as tx:
        await tx.outbox.mark_sent(card)
    [again] = await items(pair.second)
    assert (again.version, again.attempts) == (2, 1)


async def test_a_row_whose_holder_died_counts_as_tried(pair: Pair) -> None:
    async with pair.first.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    await items(pair.first)
    await pair.expire()
    [card] = await items(pair.second)
    assert card.attempts == 2


async def test_numbers_are_right_when_many_open_changes_at_once(pair: Pair) -> None:
    async def open_one(store: SqlStore, number: int) -> Change:
        async with store.writing() as tx:
            id = ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3{number:02}")
            return await tx.changes.insert(examples.change(id=id, environment=str(number)))

    stores = (pair.first, pair.second)
    opened = await asyncio.gather(*(open_one(stores[number % 2], number) for number in range(16)))
    assert sorted(change.number for change in opened) == list(range(2, 18))
