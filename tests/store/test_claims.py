"""Claims on both databases: what one works on nobody else is given, until it is released."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.identity import ChangeId, ChannelId, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind, Recorded
from bot.domain.outgoing import Outgoing
from bot.domain.text import Text
from bot.ports_store import Claimed
from bot.store.claims import AGAIN, Claimable
from bot.store.store import SqlStore
from bot.store.tables import changes, inbound, outbox
from tests import examples
from tests.examples import CHANGE, MINUTE, NOW

Claim = Callable[..., Awaitable[Claimed[Any]]]


async def fill(store: SqlStore) -> None:
    """Three of each are due, a minute apart, and a fourth in a minute."""
    for number in range(4):
        at = NOW + (number - 2) * MINUTE if number < 3 else NOW + MINUTE
        change = examples.change(id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}"), environment=str(number), due_at=at)
        incoming = Incoming(id=f"t{number}", kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=None)
        entry = AuditEntry(at=at, actor="U0DEV1", action="received.click", outcome="done", text="…")
        await store.record(incoming, Ack(), entry, done=False)
        async with store.writing() as tx:
            await tx.changes.insert(change)
            await tx.outbox.notice(str(number), ChannelId(f"C{number}"), Text.of("x"), now=at)


@pytest.fixture(params=["changes", "inbound", "outbox"])
async def claim(request: pytest.FixtureRequest, store: SqlStore) -> Claim:
    await fill(store)
    found: Claim = getattr(store.claims, request.param)
    return found


def names(claimed: Claimed[Any]) -> list[str]:
    return [name_of(row) for row in claimed.rows]


def name_of(row: Claimable) -> str:
    match row:
        case Change():
            return row.environment
        case Recorded():
            return row.incoming.id.removeprefix("t")
        case Outgoing():
            return row.key.removeprefix("notice:")


async def test_what_is_due_is_given_once_and_in_order(claim: Claim) -> None:
    assert names(await claim(NOW, limit=2)) == ["0", "1"]
    assert names(await claim(NOW, limit=9)) == ["2"]
    assert names(await claim(NOW, limit=9)) == []


async def test_it_says_when_there_may_be_more(claim: Claim) -> None:
    assert (await claim(NOW, limit=9)).more_in == MINUTE
    assert (await claim(NOW + MINUTE, limit=9)).more_in is None


async def test_nothing_is_taken_when_nothing_is_wanted(claim: Claim) -> None:
    assert names(await claim(NOW, limit=0)) == []
    assert len(names(await claim(NOW, limit=9))) == 3


async def test_what_is_released_is_given_again(store: SqlStore, claim: Claim) -> None:
    [first] = (await claim(NOW, limit=1)).rows
    async with store.claims.working(first):
        assert names(await claim(NOW, limit=1)) == ["1"]
    assert names(await claim(NOW, limit=1)) == ["0"]


async def test_work_that_fails_lets_go_of_it(store: SqlStore, claim: Claim) -> None:
    [first] = (await claim(NOW, limit=1)).rows
    with pytest.raises(RuntimeError):
        async with store.claims.working(first):
            raise RuntimeError("out of paper")
    assert names(await claim(NOW, limit=1)) == ["0"]


async def test_a_row_that_cannot_be_read_is_in_nobodys_way(store: SqlStore, claim: Claim) -> None:
    """A newer version may have written it. A batch of nothing else does not hide those after it."""
    async with store.writing() as tx:
        for column in (changes.c.document, inbound.c.document, outbox.c.text):
            first = select(column.table.c.id).order_by(column.table.c.due_at).limit(1).scalar_subquery()
            newer = update(column.table).where(column.table.c.id == first).values({column: '["era 9"]'})
            await tx.connection.execute(newer)
    with capture_logs() as logs:
        found = await claim(NOW, limit=1)
    assert (names(found), found.more_in) == ([], AGAIN)
    [told] = logs
    assert (told["event"], told["log_level"]) == ("store.row_unreadable", "error")
    assert "9" not in told["why"]
    found = await claim(NOW, limit=9)
    assert (names(found), found.more_in) == (["1", "2"], MINUTE)
    assert names(await claim(NOW, limit=9)) == []


async def test_many_who_claim_at_once_get_different_ones(claim: Claim) -> None:
    found = await asyncio.gather(*(claim(NOW, limit=1) for _ in range(6)))
    given = [name for claimed in found for name in names(claimed)]
    assert len(given) == len(set(given))
    assert set(given) | set(names(await claim(NOW, limit=9))) == {"0", "1", "2"}


async def test_a_successor_of_a_process_that_was_killed_finds_everything_free(url: str, store: SqlStore) -> None:
    """On SQLite there is one process, on PostgreSQL one in its place: neither has to wait for its former self."""
    await fill(store)
    for claim in (store.claims.changes, store.claims.inbound, store.claims.outbox):
        assert len((await claim(NOW, limit=9)).rows) == 3
    successor = SqlStore(url, replica=store.replica)
    try:
        await successor.join(lambda _: None)
        for claim in (successor.claims.changes, successor.claims.inbound, successor.claims.outbox):
            assert len((await claim(NOW, limit=9)).rows) == 3
    finally:
        await successor.close()


async def test_an_attempt_is_counted_with_the_claim(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())
        await tx.outbox.touch_card(CHANGE, now=NOW)
    for attempt in (1, 2, 3):
        [item] = (await store.claims.outbox(NOW, limit=9)).rows
        assert item.attempts == attempt
        await store.claims.release(item)
    assert (await store.claims.outbox(NOW - timedelta(seconds=1), limit=9)).rows == ()
