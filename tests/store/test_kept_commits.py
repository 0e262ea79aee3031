"""Acts in PostgreSQL: shared commits, each once, and none of those that somebody was told have not happened."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import make_url, text

from bot.domain.incoming import Ack
from bot.domain.text import Text
from bot.ports_store import StoreUnavailable
from bot.store import kept_commits
from bot.store.acts import PATIENCE_SECONDS
from bot.store.commits import CLOSE_SECONDS
from bot.store.kept_commits import KeptCommits
from bot.store.notices import CHANNEL
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests.examples import CHANGE
from tests.postgresql import Cluster
from tests.store.conftest import eventually
from tests.store.test_recorder import NOW, act, counts, entry

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def store(postgresql: str, cluster: Cluster) -> AsyncIterator[SqlStore]:
    opened = SqlStore(postgresql)
    yield opened
    cluster.thaw()
    await opened.close()


@pytest.fixture
async def other(postgresql: str) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    """Somebody else at the same database, in a transaction."""
    address = make_url(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await psycopg.AsyncConnection.connect(address)
    yield connection
    await connection.close()


async def record(store: SqlStore, name: str, ack: Ack | None = None) -> Ack | None:
    return await store.record(act(name), ack or Ack(), entry(), done=False)


async def recorded(store: SqlStore) -> set[str]:
    async with store.reading() as tx:
        return {found.incoming.id for found in await tx.inbound.list_due(NOW, limit=999)}


async def writers(store: SqlStore) -> int:
    """How many connections the store's acts are written on."""
    async with store.reading() as tx:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND query LIKE '%pg_notify%'"
        )
        return int((await tx.connection.execute(text(query))).scalar_one())


async def waits_for_a_lock(store: SqlStore) -> bool:
    async with store.reading() as tx:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool((await tx.connection.execute(text(query))).scalar_one())


async def until_it_waits(store: SqlStore) -> None:
    async with asyncio.timeout(10):
        while not await waits_for_a_lock(store):
            pass


INSERT = "INSERT INTO inbound (id, kind, received_at, document, ack, attempts) VALUES ('a', 'x', 1, '{}', '{}', 0)"


async def test_acts_that_come_while_one_is_written_are_written_at_once_up_to_a_number(store: SqlStore) -> None:
    await record(store, "first")
    assert await writers(store) == 1
    await asyncio.gather(*(later(store, turns) for turns in range(60)))
    assert await counts(store) == (61, 61, 0)
    assert 1 < await writers(store) <= kept_commits.MOST_CONNECTIONS


async def later(store: SqlStore, turns: int) -> None:
    """Somebody who comes so many turns of the loop later."""
    for _ in range(turns):
        await asyncio.sleep(0)
    await record(store, f"n{turns}")


async def test_an_act_that_comes_again_while_it_is_written_waits_for_the_first_ones_ack(store: SqlStore) -> None:
    await record(store, "first")
    acks = [Ack(text=Text.of("one")), Ack(text=Text.of("two"))]

    async def twice(name: str, ack: Ack, turns: int) -> Ack | None:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await record(store, name, ack)

    for number in range(10):
        found = await asyncio.gather(twice(f"{number}", acks[0], 0), twice(f"{number}", acks[1], number))
        assert sorted(map(bool, found)) == [False, True]
        assert found[1 - found.index(None)] == acks[found.index(None)]
    assert await counts(store) == (11, 11, 0)


async def test_what_is_withdrawn_while_the_database_is_at_it_is_not_committed(
    store: SqlStore, other: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    """Its rows are written in the end, and its commit is not asked for."""
    await record(store, "first")
    await other.execute(INSERT)  # whoever inserts the same waits for what becomes of it
    tasks = TaskSet("test")
    gone = tasks.start(record(store, "a"), name="gone")
    stays = tasks.start(record(store, "b"), name="stays")
    await until_it_waits(store)
    gone.cancel()
    await asyncio.wait([gone])
    await other.rollback()
    assert await stays is None
    assert await recorded(store) == {"first", "b"}
    assert (await counts(store))[1] == 2


async def test_what_was_told_to_be_lost_stays_lost_when_a_frozen_database_wakes_up(
    store: SqlStore, cluster: Cluster
) -> None:
    """On every connection that is kept, and for those behind them."""
    await asyncio.gather(*(later(store, turns) for turns in range(40)))
    before = await recorded(store)
    cluster.freeze()
    lost = [record(store, f"lost{number}") for number in range(3)] + [later(store, turns) for turns in range(100, 140)]
    ends = await asyncio.gather(*lost, return_exceptions=True)
    assert {type(end) for end in ends} == {StoreUnavailable}
    cluster.thaw()
    assert await record(store, "after") is None
    await eventually_nobody_writes(store)
    assert await recorded(store) == before | {"after"}
    assert await record(store, "lost0") is None


async def eventually_nobody_writes(store: SqlStore) -> None:
    """Until the server has ended the sessions that we have closed."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND (state <> 'idle' OR query LIKE 'BEGIN%')"
    )
    async with asyncio.timeout(20):
        while True:
            async with store.reading() as tx:
                if (await tx.connection.execute(text(query))).scalar_one() == 0:
                    return


async def test_connections_that_are_dropped_between_two_acts_are_not_noticed(
    store: SqlStore, postgresql: str, cluster: Cluster
) -> None:
    for number in range(3):
        assert await record(store, str(number)) is None
        cluster.drop_connections(make_url(postgresql).database or "")
    assert await recorded(store) == {"0", "1", "2"}


async def test_an_act_whose_connection_is_dropped_is_written_on_another_one(
    store: SqlStore, postgresql: str, cluster: Cluster, other: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    await record(store, "first")
    await other.execute(INSERT)
    waiting = TaskSet("test").start(record(store, "a"), name="waiting")
    await until_it_waits(store)
    cluster.drop_connections(make_url(postgresql).database or "")
    assert await waiting is None
    assert await recorded(store) == {"first", "a"}
    assert (await counts(store))[1] == 2


async def test_one_bad_act_takes_no_others_with_it_also_where_the_database_refuses_it(store: SqlStore) -> None:
    await record(store, "first")
    bad = replace(entry(), actor="x" * 100)
    ends = await asyncio.gather(
        record(store, "a"), store.record(act("b"), Ack(), bad, done=False), record(store, "c"),
        return_exceptions=True,
    )  # fmt: skip
    assert [ends[0], ends[2]] == [None, None]
    assert isinstance(ends[1], Exception)
    assert not isinstance(ends[1], StoreUnavailable)
    assert await recorded(store) == {"first", "a", "c"}


async def test_the_others_are_told(store: SqlStore, other: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    await other.set_autocommit(True)
    await other.execute(f"LISTEN {CHANNEL}".encode())
    for name in ("first", "second"):
        await record(store, name)
        [heard] = [found async for found in other.notifies(timeout=20, stop_after=1)]
        assert heard.payload == f"{store.owner} inbox outbox"


async def test_cards_are_touched_with_it_and_once_for_an_act(store: SqlStore) -> None:
    for _ in range(2):
        await asyncio.gather(
            store.record(act("a"), Ack(), entry(), done=True, touch=CHANGE),
            store.record(act("b"), Ack(), entry(), done=True, touch=CHANGE),
        )
    async with store.reading() as tx:
        [card] = await tx.outbox.list_due(NOW, limit=9)
    assert (card.key, card.version) == (f"card:{CHANGE}", 1)
    await store.record(act("c"), Ack(), entry(), done=True, touch=CHANGE)
    async with store.reading() as tx:
        [card] = await tx.outbox.list_due(NOW, limit=9)
    assert card.version == 2


async def test_what_is_under_way_at_the_end_is_brought_to_its_end(
    store: SqlStore, other: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    await record(store, "first")
    await other.execute(INSERT)
    waiting = TaskSet("test").start(record(store, "a"), name="waiting")
    await until_it_waits(store)
    closing = TaskSet("test").start(store._recorder.close(), name="closing")
    await asyncio.sleep(0)
    await other.rollback()
    await closing
    assert await waiting is None
    assert await recorded(store) == {"first", "a"}


async def test_the_end_waits_for_no_database_that_is_frozen(store: SqlStore, cluster: Cluster) -> None:
    await record(store, "first")
    cluster.freeze()
    tasks = TaskSet("test")
    waiting = [tasks.start(later(store, turns), name="waiting") for turns in range(9)]
    for _ in range(20):
        await asyncio.sleep(0)
    began = time.monotonic()
    await store._recorder.close()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert time.monotonic() - began < CLOSE_SECONDS + PATIENCE_SECONDS
    assert {type(end) for end in ends} <= {StoreUnavailable, asyncio.CancelledError}
    commits = store._recorder._commits
    assert isinstance(commits, KeptCommits)
    await eventually(lambda: not commits._idle)
