"""The pinned connection: one replica leads, wake-ups reach the others, and all tell the database's time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bot.domain.audit import AuditEntry
from bot.domain.identity import UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.store.engine import close_engine, open_engine
from bot.store.pinned import DatabaseClock
from bot.store.store import SqlStore
from tests import examples
from tests.examples import CHANGE, NOW
from tests.postgresql import Cluster
from tests.store.conftest import eventually

pytestmark = pytest.mark.postgresql


class Replicas:
    """Two that have joined, with what rang at each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stores = (SqlStore(url), SqlStore(url))
        self.rung: tuple[list[str], list[str]] = ([], [])

    async def join(self) -> None:
        for store, rung in zip(self.stores, self.rung, strict=True):
            await store.join(rung.append)

    async def close(self) -> None:
        for store in self.stores:
            await store.close()

    @property
    def leads(self) -> list[bool]:
        return [store.leads for store in self.stores]


@pytest.fixture
async def replicas(postgresql: str) -> AsyncIterator[Replicas]:
    made = Replicas(postgresql)
    await made.join()
    yield made
    await made.close()


async def test_one_of_them_leads_and_another_one_after_it(replicas: Replicas) -> None:
    first, second = replicas.stores
    assert replicas.leads == [True, False]
    await first.close()
    await eventually(lambda: second.leads)


async def test_a_lost_connection_is_a_lost_lock(replicas: Replicas, cluster: Cluster) -> None:
    """Whoever is back first leads; never both, and never nobody for long."""
    database = replicas.url.partition("@/")[2].partition("?")[0]
    cluster.drop_connections(database)
    await eventually(lambda: replicas.leads == [False, False])
    await eventually(lambda: sum(replicas.leads) == 1)


async def test_a_commit_rings_the_bells_of_the_others(replicas: Replicas) -> None:
    first, second = replicas.stores
    async with first.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW))
        await tx.outbox.touch_card(CHANGE, now=NOW)
    await eventually(lambda: sorted(replicas.rung[1]) == ["changes", "outbox"])
    act = Incoming(id="t1", kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=None)
    entry = AuditEntry(at=NOW, actor="U0DEV1", action="received.click", outcome="done", text="…")
    await second.record(act, Ack(), entry, done=False)
    await eventually(lambda: sorted(replicas.rung[0]) == ["inbox", "outbox"])
    assert sorted(replicas.rung[1]) == ["changes", "outbox"], "whoever wrote has rung already"


async def test_what_is_handed_back_at_the_end_rings_the_bells_of_the_others(replicas: Replicas) -> None:
    first, second = replicas.stores
    async with first.writing() as tx:
        await tx.changes.insert(examples.change(due_at=NOW))
    await first.claims.changes(NOW, limit=1)
    await eventually(lambda: replicas.rung[1] == ["changes"])
    assert (await second.claims.changes(NOW, limit=1)).rows == ()
    await first.close()
    await eventually(lambda: sorted(replicas.rung[1]) == ["alerts", "changes", "changes", "inbox", "outbox"])
    assert len((await second.claims.changes(NOW, limit=1)).rows) == 1


async def test_what_is_rolled_back_rings_nothing(replicas: Replicas) -> None:
    first = replicas.stores[0]

    async def fail() -> None:
        async with first.writing() as tx:
            await tx.changes.insert(examples.change(due_at=NOW))
            raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError):
        await fail()
    async with first.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)
    await eventually(lambda: bool(replicas.rung[1]))
    assert replicas.rung[1] == ["outbox"]


async def test_all_tell_the_databases_time(replicas: Replicas) -> None:
    engine = open_engine(replicas.url)
    async with engine.connect() as connection:
        [seconds] = (await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())"))).scalars()
    await close_engine(engine)
    at = datetime.fromtimestamp(float(seconds), UTC)
    for store in replicas.stores:
        assert abs(store.clock.now() - at) < timedelta(seconds=2)


@pytest.mark.parametrize("skew", [-5, 0, 5])
def test_a_machine_whose_clock_is_wrong_tells_the_databases_time(skew: int) -> None:
    monotonic = [1000.0 + skew]
    clock = DatabaseClock(lambda: monotonic[0])
    clock.set(1_000_000 * 60, asked=monotonic[0] - 0.25, answered=monotonic[0] + 0.25)
    assert clock.now() == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    monotonic[0] += 90
    assert clock.now() == datetime(1970, 1, 1, 0, 2, 30, tzinfo=UTC)
