"""What people did, as rows: recorded once, worked off in order."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.audit import AuditEntry
from bot.domain.dialog import ReasonDialog
from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.request import Answer
from bot.domain.text import Code, Mention, Text
from bot.ports_store import DoneElsewhere
from bot.store.store import SqlStore
from tests import examples
from tests.examples import CHANGE, MINUTE, NOW

PLAIN = Ack()


def act(key: str, **facts: object) -> Incoming:
    known: dict[str, object] = {
        "id": key, "kind": IncomingKind.CLICK, "user": UserId("U0DEV1"), "channel": ChannelId("C0DEPLOY"),
        "action": "change.reject", "value": "{}", "fields": {"reason": "no"}, "thread": MessageTs("1.2"),
        "message": MessageTs("1.1"), "respond_to": "https://example.com/respond",
    }  # fmt: skip
    return Incoming(**(known | facts))  # type: ignore[arg-type]


def entry(minutes: int = 0) -> AuditEntry:
    return AuditEntry(at=NOW + minutes * MINUTE, actor="U0DEV1", action="received.click", outcome="done", text="…")


async def record(store: SqlStore, key: str, minutes: int = 0, *, ack: Ack = PLAIN, done: bool = False) -> Ack | None:
    return await store.record(act(key), ack, entry(minutes), done=done)


async def test_an_act_comes_back_as_it_was_with_its_first_attempt(store: SqlStore) -> None:
    assert await record(store, "t1") is None
    async with store.reading() as tx:
        [recorded] = await tx.inbound.list_due(NOW, limit=9)
    assert (recorded.incoming, recorded.received_at, recorded.attempts) == (act("t1"), NOW, 1)


async def test_a_second_delivery_gets_the_first_ones_answer_and_leaves_no_trace(store: SqlStore) -> None:
    dialog = ReasonDialog(
        change=CHANGE, fingerprint="f" * 64, title="Reject #42", explanation=Text.of("Say why, ", Code("please"))
    )
    ack = Ack(text=Text.of(Mention(UserId("U0DEV1")), " hello"), dialog=dialog, errors={"reason": "Say why"})
    assert await record(store, "t1", ack=ack, done=True) is None
    assert await record(store, "t1", minutes=1) == ack
    async with store.reading() as tx:
        assert await tx.inbound.count_due(NOW + MINUTE) == 0
        assert len(await tx.audit.list()) == 1


async def test_deliveries_at_the_same_moment_are_one_act(store: SqlStore) -> None:
    acks = [Ack(text=Text.of(str(number))) for number in range(8)]
    found = await asyncio.gather(*(record(store, "t1", ack=ack) for ack in acks))
    assert found.count(None) == 1
    first = acks[found.index(None)]
    assert all(ack in (None, first) for ack in found)
    async with store.reading() as tx:
        assert await tx.inbound.count_due(NOW) == 1
        assert len(await tx.audit.list()) == 1


async def test_the_answer_and_the_card_are_shown_with_it(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())
    answer = Answer.refusal("unknown-button", Text.of("This button is no longer known."))
    await store.record(act("t1"), PLAIN, entry(), done=True, answer=answer, touch=CHANGE)
    async with store.writing() as tx:
        found = {item.key: item for item in await tx.outbox.list_due(NOW, limit=9)}
    assert set(found) == {"answer:t1", f"card:{CHANGE}"}
    assert found["answer:t1"].text == answer.text


async def test_what_is_due_comes_oldest_first(store: SqlStore) -> None:
    for minutes, key in ((2, "c"), (0, "a"), (1, "b")):
        await record(store, key, minutes)
    async with store.reading() as tx:
        assert [r.incoming.id for r in await tx.inbound.list_due(NOW + MINUTE, limit=9)] == ["a", "b"]
        assert [r.incoming.id for r in await tx.inbound.list_due(NOW + 9 * MINUTE, limit=2)] == ["a", "b"]
        assert await tx.inbound.count_due(NOW) == 1
        assert await tx.inbound.next_due(NOW) == NOW + MINUTE


async def test_what_is_put_off_comes_again_with_its_attempts_counted(store: SqlStore) -> None:
    await record(store, "t1")
    async with store.writing() as tx:
        await tx.inbound.postpone("t1", until=NOW + MINUTE, error="argocd: HTTP 503")
        assert await tx.inbound.list_due(NOW, limit=9) == []
        [again] = await tx.inbound.list_due(NOW + MINUTE, limit=9)
    assert again.attempts == 2


async def test_who_takes_an_act_over_knows_that_it_was_begun_or_put_off(store: SqlStore) -> None:
    for key in ("fresh", "begun", "put off"):
        await record(store, key)
    async with store.writing() as tx:
        await tx.inbound.begin("begun")
        await tx.inbound.begin("begun")
        await tx.inbound.postpone("put off", until=NOW, error="HTTP 503")
        assert [await tx.inbound.begun(key) for key in ("fresh", "begun", "put off")] == [None, NOW, NOW]
        assert await tx.inbound.begun("unknown") is None
        assert {r.incoming.id: r.attempts for r in await tx.inbound.list_due(NOW, limit=9)} == {
            "fresh": 1, "begun": 2, "put off": 2,
        }  # fmt: skip


async def test_what_is_done_stays_done(store: SqlStore) -> None:
    await record(store, "t1")
    async with store.writing() as tx:
        await tx.inbound.finish("t1")
        await tx.inbound.finish("t1")
        await tx.inbound.postpone("t1", until=NOW, error="too late")
        assert await tx.inbound.count_due(NOW + timedelta(days=9)) == 0
        assert await tx.inbound.next_due(NOW - MINUTE) is None


async def test_what_somebody_else_has_done_meanwhile_is_not_done_again(store: SqlStore) -> None:
    """Two work on it, because one has lost its claim: what the second one writes is written not at all."""
    await record(store, "t1")
    async with store.writing() as tx:
        await tx.inbound.conclude("t1")

    async def late() -> None:
        async with store.writing() as tx:
            await tx.audit.add(entry())
            await tx.inbound.conclude("t1")

    with pytest.raises(DoneElsewhere):
        await late()
    async with store.writing() as tx:
        assert len(await tx.audit.list()) == 1
        await tx.inbound.conclude("an act that was never recorded")


async def test_hostile_text_is_recorded(store: SqlStore) -> None:
    """PostgreSQL has no NUL in text, and no halves of surrogate pairs."""
    words = "a\0b\ud800c"
    odd = AuditEntry(at=NOW, actor="U0DEV1", action="received.command", outcome="done", text=words)
    assert await store.record(act("t1", text=words.replace("\ud800", "")), PLAIN, odd, done=False) is None
    async with store.reading() as tx:
        [found] = await tx.audit.list()
        [recorded] = await tx.inbound.list_due(NOW, limit=9)
    assert found.text == "a\ufffdb?c"
    assert recorded.incoming.text == "a\0bc"
