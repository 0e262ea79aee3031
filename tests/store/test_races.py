"""Two replicas write the same thing at the same moment: it is there once, and nothing of either is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId, ChannelId, MessageTs, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.outgoing import CardPlacement
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.store.store import SqlStore
from tests import examples
from tests.examples import CHANGE, DEPLOYMENTS, HOUR, NOW

pytestmark = pytest.mark.postgresql
ROUNDS = 8


@pytest.fixture
async def stores(postgresql: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    pair = (SqlStore(postgresql), SqlStore(postgresql))
    async with pair[0].writing() as tx:
        await tx.changes.insert(examples.change())
    yield pair
    for store in pair:
        await store.close()


async def test_an_act_that_is_delivered_to_both_is_recorded_once(stores: tuple[SqlStore, SqlStore]) -> None:
    acks = (Ack(text=Text.of("first")), Ack(text=Text.of("second")))
    for number in range(ROUNDS):
        act = Incoming(id=f"t{number}", kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=DEPLOYMENTS)
        entry = AuditEntry(at=NOW, actor="U0DEV1", action="received.click", outcome="done", text="…")
        answer = Answer.done(Text.of("done"))
        found = await asyncio.gather(
            *(
                store.record(act, ack, entry, done=True, answer=answer, touch=CHANGE)
                for store, ack in zip(stores, acks, strict=True)
            )
        )
        assert found.count(None) == 1
        assert found[1 - found.index(None)] == acks[found.index(None)], "the second one got the first one's answer"
    async with stores[0].reading() as tx:
        assert len(await tx.audit.list()) == ROUNDS
        due = await tx.outbox.list_due(NOW, limit=99)
    assert len(due) == ROUNDS + 1
    assert next(item.version for item in due if item.key == f"card:{CHANGE}") == ROUNDS


async def test_no_touch_of_a_card_is_lost(stores: tuple[SqlStore, SqlStore]) -> None:
    async def touch(store: SqlStore) -> None:
        async with store.writing() as tx:
            await tx.outbox.touch_card(CHANGE, now=NOW)
            await tx.outbox.note(CHANGE, "ready", Text.of("waits for approval"), now=NOW)
            await tx.outbox.notice("reload", ChannelId("C0ADMIN"), Text.of("changed"), now=NOW)

    await asyncio.gather(*(touch(store) for store in stores * ROUNDS))
    async with stores[0].reading() as tx:
        versions = {item.kind.value: item.version for item in await tx.outbox.list_due(NOW, limit=99)}
    assert versions == {"card": 2 * ROUNDS, "note": 1, "notice": 1}


async def test_one_yes_of_a_person_counts_once(stores: tuple[SqlStore, SqlStore]) -> None:
    async def approve(store: SqlStore) -> bool:
        async with store.writing() as tx:
            return await tx.approvals.add(examples.approval(), after=NOW - 4 * HOUR)

    assert sorted(await asyncio.gather(*(approve(store) for store in stores * ROUNDS))) == [False] * 15 + [True]
    async with stores[1].reading() as tx:
        assert len(await tx.approvals.list(CHANGE)) == 1


async def test_one_of_two_opens_the_change_of_a_stage(stores: tuple[SqlStore, SqlStore]) -> None:
    async def open_one(store: SqlStore, number: int) -> str:
        change = examples.change(id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}"), environment="staging")
        async with store.writing() as tx:
            return (await tx.changes.insert(change)).id

    found = await asyncio.gather(*(open_one(s, n) for n, s in enumerate(stores)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in found) == 1
    async with stores[0].reading() as tx:
        assert [change.number for change in await tx.changes.list_open()] == [1, 2]


async def test_a_card_has_one_place(stores: tuple[SqlStore, SqlStore]) -> None:
    async def place(store: SqlStore, ts: str) -> None:
        async with store.writing() as tx:
            await tx.outbox.set_placement(
                CardPlacement(change=CHANGE, channel=DEPLOYMENTS, ts=MessageTs(ts), digest=None)
            )

    await asyncio.gather(*(place(store, ts) for store, ts in zip(stores, ("1.1", "2.2"), strict=True)))
    async with stores[0].reading() as tx:
        found = await tx.outbox.find_placement(CHANGE)
    assert found is not None
    assert found.ts in ("1.1", "2.2")


async def test_who_decides_about_a_change_is_alone_with_it(stores: tuple[SqlStore, SqlStore]) -> None:
    order: list[str] = []

    async def decide(store: SqlStore, name: str) -> None:
        async with store.writing() as tx:
            await tx.changes.get_to_write(CHANGE)
            order.append(f"{name} begins")
            await tx.changes.make_due(CHANGE, NOW)
            order.append(f"{name} ends")

    await asyncio.gather(decide(stores[0], "first"), decide(stores[1], "second"))
    assert [line.split()[1] for line in order] == ["begins", "ends", "begins", "ends"]
    async with stores[0].reading() as tx:
        assert (await tx.changes.get(CHANGE)).version == 3
