"""PostgreSQL goes away and comes back: what cannot be done is said so in one word, and the next try does it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from bot.domain.audit import AuditEntry
from bot.domain.identity import UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.ports_store import StoreUnavailable
from bot.store.silence import LONG_SECONDS
from bot.store.store import SqlStore
from tests import examples
from tests.examples import CHANGE, NOW
from tests.postgresql import Cluster
from tests.store.conftest import eventually

pytestmark = pytest.mark.postgresql
DRIVERS_SECONDS = 10.0
"""As long as the driver itself waits for a statement that it cancels, before it lets go."""


@pytest.fixture
async def store(postgresql: str, cluster: Cluster) -> AsyncIterator[SqlStore]:
    opened = SqlStore(postgresql)
    await opened.join(lambda _: None)
    yield opened
    cluster.thaw()
    cluster.start()
    await opened.close()


async def record(store: SqlStore, key: str) -> Ack | None:
    act = Incoming(id=key, kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=None)
    entry = AuditEntry(at=NOW, actor="U0DEV1", action="received.click", outcome="done", text="…")
    return await store.record(act, Ack(), entry, done=False)


async def count(store: SqlStore) -> int:
    async with store.reading() as tx:
        return await tx.inbound.count_due(NOW)


async def test_while_it_is_down_everything_says_so_and_afterwards_everything_goes_on(
    store: SqlStore, cluster: Cluster
) -> None:
    assert await record(store, "before") is None
    async with store.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW))
    cluster.stop()
    with pytest.raises(StoreUnavailable):
        await record(store, "meanwhile")
    with pytest.raises(StoreUnavailable):
        await count(store)
    with pytest.raises(StoreUnavailable):
        async with store.writing() as tx:
            await tx.outbox.touch_card(CHANGE, now=NOW)
    with pytest.raises(StoreUnavailable):
        await store.claims.changes(NOW, limit=9)
    cluster.start()
    assert await count(store) == 1
    assert await record(store, "meanwhile") is None
    assert await record(store, "before") == Ack()
    assert len((await store.claims.changes(NOW, limit=9)).rows) == 1


async def test_a_restart_between_two_uses_is_not_noticed(store: SqlStore, cluster: Cluster) -> None:
    for key in ("a", "b"):
        assert await record(store, key) is None
        async with store.writing() as tx:
            await tx.outbox.touch_card(CHANGE, now=NOW)
        assert await count(store) == (1 if key == "a" else 2)
        cluster.stop()
        cluster.start()
    async with store.reading() as tx:
        [card] = await tx.outbox.list_due(NOW, limit=9)
    assert card.version == 2


async def test_a_transaction_that_is_interrupted_writes_nothing(store: SqlStore, cluster: Cluster) -> None:
    async def interrupted() -> None:
        async with store.writing() as tx:
            await tx.changes.insert(examples.change(due_at=NOW))
            cluster.stop()

    with pytest.raises(StoreUnavailable):
        await interrupted()
    cluster.start()
    async with store.reading() as tx:
        assert await tx.changes.list_open() == []


async def test_who_waits_for_each_other_is_told_to_try_again(store: SqlStore) -> None:
    """PostgreSQL ends one of two transactions that hold what the other one wants."""
    one, other = (examples.change(id=f"01HZX3K6Q4T8V2M5N7P9R1S3W{n}", environment=str(n)) for n in (1, 2))
    async with store.writing() as tx:
        await tx.changes.insert(one)
        await tx.changes.insert(other)
    have_one = asyncio.Barrier(2)

    async def touch(first: str, second: str) -> bool:
        try:
            async with store.writing() as tx:
                await tx.changes.get_to_write(first)  # type: ignore[arg-type]
                await have_one.wait()
                await tx.changes.get_to_write(second)  # type: ignore[arg-type]
        except StoreUnavailable:
            return False
        return True

    assert sorted(await asyncio.gather(touch(one.id, other.id), touch(other.id, one.id))) == [False, True]


async def test_a_server_that_only_reads_gives_no_answer_and_its_connections_are_let_go_of(
    store: SqlStore, cluster: Cluster
) -> None:
    """After a failover the same address may lead to another server: it is asked anew, by a connection of its own."""

    async def write() -> None:
        async with store.writing() as tx:
            asked = await tx.connection.execute(text("SELECT pg_backend_pid()"))
            servers.append(asked.scalar_one())
            await tx.outbox.touch_card(CHANGE, now=NOW)

    servers: list[int] = []
    with cluster.in_recovery():
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="read-only transaction"):
                await write()
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            await record(store, "meanwhile")
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            await store.take_in("default", "{}", NOW)
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            await store.claims.changes(NOW, limit=9)
    await write()
    assert len(set(servers)) == 3
    assert await record(store, "meanwhile") is None
    await store.take_in("default", "{}", NOW)


async def test_the_pinned_connection_comes_back_and_leads_again(store: SqlStore, cluster: Cluster) -> None:
    await eventually(lambda: store.leads)
    cluster.stop()
    await eventually(lambda: not store.leads)
    cluster.start()
    await eventually(lambda: store.leads)


async def test_an_act_that_was_refused_because_nobody_answered_does_not_happen_later(
    store: SqlStore, cluster: Cluster
) -> None:
    assert await record(store, "before") is None
    cluster.freeze()
    with pytest.raises(StoreUnavailable, match="does not answer in time"):
        await record(store, "meanwhile")
    cluster.thaw()
    assert await record(store, "after") is None
    assert await count(store) == 2
    assert await record(store, "meanwhile") is None
    assert await count(store) == 3


async def test_a_database_that_is_silent_holds_nobody_up(store: SqlStore, cluster: Cluster) -> None:
    """Who lets go of a statement has let go of it, and the end hands nothing back to nobody."""
    async with store.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW))
    assert len((await store.claims.changes(NOW, limit=9)).rows) == 1
    assert await count(store) == 0
    cluster.freeze()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(count(store), LONG_SECONDS)
    assert store.is_silent
    await store.close()
    assert time.monotonic() - began < DRIVERS_SECONDS
