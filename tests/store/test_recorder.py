"""Acts are committed before they are answered, each once, and those that arrive together together."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import StatementError

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId, ChannelId, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.outgoing import OutgoingKind
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.store.store import SqlStore
from bot.store.threaded import ThreadedCommits
from bot.tasks import TaskSet

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANGE = ChangeId("01JNB0QRS0000000000000000A")


def act(name: str) -> Incoming:
    return Incoming(
        id=name, kind=IncomingKind.COMMAND, user=UserId("U0DEV1"), channel=ChannelId("C0DEPLOY"), action="promote"
    )


def entry(at: datetime = NOW) -> AuditEntry:
    return AuditEntry(at=at, actor="U0DEV1", action="received.command", outcome="done", text="promote")


async def counts(store: SqlStore) -> tuple[int, int, int]:
    """Acts that are due, audit entries, rows that wait to be shown."""
    async with store.reading() as tx:
        return await tx.inbound.count_due(NOW), len(await tx.audit.list()), await tx.outbox.count_due(NOW)


def commits_of(store: SqlStore) -> Callable[[], Awaitable[int]]:
    """Answers how many transactions wrote the acts that are recorded from now on."""
    made: list[object] = []
    if isinstance(commits := store._recorder._commits, ThreadedCommits):
        event.listen(commits.engine, "commit", made.append)

    async def count() -> int:
        async with store.reading() as tx:
            if tx.connection.dialect.name == "sqlite":
                return len(made)
            found = await tx.connection.execute(text("SELECT count(DISTINCT xmin::text) FROM inbound"))
            return int(found.scalar_one())

    return count


async def test_an_act_is_there_with_its_audit_entry_when_it_is_answered(store: SqlStore) -> None:
    assert await store.record(act("a"), Ack(), entry(), done=False) is None
    assert await counts(store) == (1, 1, 0)
    async with store.reading() as tx:
        [recorded] = await tx.inbound.list_due(NOW, limit=9)
    assert (recorded.incoming, recorded.received_at, recorded.attempts) == (act("a"), NOW, 1)


async def test_a_second_delivery_gets_the_first_ones_ack_and_leaves_no_trace(store: SqlStore) -> None:
    first = Ack(text=Text.of("no"))
    assert await store.record(act("a"), first, entry(), done=True) is None
    assert await store.record(act("a"), Ack(), entry(), done=False) == first
    assert await counts(store) == (0, 1, 0)


async def test_what_is_to_be_shown_is_committed_with_it(store: SqlStore) -> None:
    answer = Answer.refusal("unknown-button", Text.of("no such button"))
    await store.record(act("a"), Ack(), entry(), done=True, answer=answer, touch=CHANGE)
    async with store.writing() as tx:
        shown = await tx.outbox.list_due(NOW, limit=9)
    assert [(item.kind, item.key) for item in shown] == [
        (OutgoingKind.ANSWER, "answer:a"), (OutgoingKind.CARD, f"card:{CHANGE}"),
    ]  # fmt: skip


async def test_an_answer_without_words_is_not_shown(store: SqlStore) -> None:
    await store.record(act("a"), Ack(), entry(), done=True, answer=Answer.done(Text()))
    assert await counts(store) == (0, 1, 0)


async def test_a_burst_shares_commits_and_repeats_in_it_count_once(store: SqlStore) -> None:
    commits = commits_of(store)
    acts = [act(str(number % 40)) for number in range(60)]
    answers = await asyncio.gather(*(store.record(one, Ack(), entry(), done=False) for one in acts))
    assert (answers.count(None), answers.count(Ack())) == (40, 20)
    assert await counts(store) == (40, 40, 0)
    assert await commits() < 5


async def test_recording_and_other_writers_take_turns(store: SqlStore) -> None:
    async def write(number: int) -> None:
        async with store.writing() as tx:
            await tx.outbox.notice(str(number), ChannelId("C0DEPLOY"), Text.of("x"), now=NOW)

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(write(number))
            group.create_task(store.record(act(str(number)), Ack(), entry(), done=False))
    assert await counts(store) == (40, 40, 40)


async def test_one_bad_act_takes_no_others_with_it(store: SqlStore) -> None:
    bad = entry(at=datetime(2026, 3, 2, 9))  # noqa: DTZ001
    first, second, third = await asyncio.gather(
        store.record(act("a"), Ack(), entry(), done=False),
        store.record(act("b"), Ack(), bad, done=False),
        store.record(act("c"), Ack(), entry(), done=False),
        return_exceptions=True,
    )
    assert (first, third) == (None, None)
    assert isinstance(second, ValueError | StatementError)
    assert await counts(store) == (2, 2, 0)


async def test_who_no_longer_waits_hinders_nobody(store: SqlStore) -> None:
    tasks = TaskSet("test")
    async with store.writing():
        gone = tasks.start(store.record(act("a"), Ack(), entry(), done=False), name="gone")
        stays = tasks.start(store.record(act("b"), Ack(), entry(), done=False), name="stays")
        await asyncio.sleep(0)
        gone.cancel()
    assert await stays is None
    assert gone.cancelled()
    assert await store.record(act("c"), Ack(), entry(), done=False) is None


async def test_closing_lets_nobody_wait_for_ever(store: SqlStore) -> None:
    tasks = TaskSet("test")
    async with store.writing():
        waiting = tasks.start(store.record(act("a"), Ack(), entry(), done=False), name="waiting")
        await asyncio.sleep(0)
        await store._recorder.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
