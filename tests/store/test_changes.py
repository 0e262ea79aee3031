"""Changes as rows: numbers, compare-and-swap, one open per stage, what is due."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from bot.domain.change import Change
from bot.domain.identity import ChangeId, Revision, UserId
from bot.domain.lifecycle import TERMINAL, State
from bot.ports_store import AlreadyOpen, Conflict
from bot.store.engine import close_engine, open_engine
from bot.store.store import SqlStore
from bot.store.tables import changes as table
from tests import examples
from tests.examples import HOUR, MINUTE, NOW


def change(number: int, state: State = State.WAITING_FOR_APPROVAL, **facts: Any) -> Change:
    return examples.change(state, id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}"), number=0, **facts)


async def insert(store: SqlStore, *changes: Change) -> list[Change]:
    async with store.writing() as tx:
        return [await tx.changes.insert(each) for each in changes]


async def test_everything_known_of_a_change_comes_back_as_it_was(store: SqlStore) -> None:
    full = examples.syncing_change(
        approvals=examples.quorum(), gates=examples.OPEN_GATES, progress=examples.progress("Deployment/apm-api"),
        due_at=NOW, approved_by=(examples.APPROVER,), foreign_head=Revision("9" * 40), voided_at=NOW,
        healthy_since=NOW, ended_by=UserId("U0APPR1"),
    )  # fmt: skip
    [stored] = await insert(store, full)
    assert stored == replace(full, number=1, version=1)
    async with store.reading() as tx:
        assert await tx.changes.get(full.id) == stored
        assert await tx.changes.find_number(1) == stored


async def test_numbers_count_up_and_are_never_used_again(store: SqlStore) -> None:
    first, second = await insert(store, change(1, State.EXPIRED), change(2, State.ABORTED))
    assert (first.number, second.number) == (1, 2)
    [third] = await insert(store, change(3))
    assert third.number == 3


async def test_what_is_not_there(store: SqlStore) -> None:
    async with store.reading() as tx:
        assert await tx.changes.find(examples.CHANGE) is None
        assert await tx.changes.find_number(1) is None
        assert await tx.changes.find_open("apm-stack", "production") is None
        with pytest.raises(KeyError):
            await tx.changes.get(examples.CHANGE)


async def test_one_open_change_per_stage(store: SqlStore) -> None:
    [open_one] = await insert(store, change(1))
    with pytest.raises(AlreadyOpen):
        await insert(store, change(2))
    await insert(store, change(3, environment="staging"), change(4, application="other"))
    async with store.writing() as tx:
        await tx.changes.swap(replace(open_one, state=State.EXPIRED))
        await tx.changes.insert(change(2))
    async with store.reading() as tx:
        found = await tx.changes.find_open("apm-stack", "production")
        assert found is not None
        assert found.id == change(2).id
        assert [each.number for each in await tx.changes.list_open()] == [2, 3, 4]


async def test_one_that_cannot_be_read_hides_no_other(store: SqlStore) -> None:
    """A newer version may have written it, beside us or before it was taken back."""
    await insert(store, change(1), change(2, environment="staging"))
    async with store.writing() as tx:
        newer = update(table).where(table.c.number == 1).values(document='{"era": 9}')
        await tx.connection.execute(newer)
    with capture_logs() as logs:
        async with store.reading() as tx:
            assert [each.number for each in await tx.changes.list_open()] == [2]
            assert await tx.changes.list_newest("apm-stack", "production", limit=9) == []
    assert [(line["event"], line["log_level"]) for line in logs] == [("store.row_unreadable", "error")] * 2


async def test_two_at_once_do_not_open_two(store: SqlStore) -> None:
    results = await asyncio.gather(*(insert(store, change(n)) for n in range(1, 5)), return_exceptions=True)
    assert sum(isinstance(result, AlreadyOpen) for result in results) == 3
    async with store.reading() as tx:
        assert len(await tx.changes.list_open()) == 1


@pytest.mark.parametrize("state", list(State))
async def test_a_change_is_open_until_its_end(store: SqlStore, state: State) -> None:
    await insert(store, change(1, state))
    async with store.reading() as tx:
        assert (await tx.changes.find_open("apm-stack", "production") is None) == (state in TERMINAL)


async def test_a_swap_moves_the_version_and_refuses_an_old_one(store: SqlStore) -> None:
    [stored] = await insert(store, change(1))
    async with store.writing() as tx:
        moved = await tx.changes.swap(replace(stored, reason="first"))
    assert (moved.version, moved.reason) == (2, "first")
    async with store.writing() as tx:
        with pytest.raises(Conflict) as conflict:
            await tx.changes.swap(replace(stored, reason="second"))
    assert conflict.value.newest == moved
    async with store.reading() as tx:
        assert await tx.changes.get(stored.id) == moved


async def test_a_swap_of_nothing_is_a_key_error(store: SqlStore) -> None:
    async with store.writing() as tx:
        with pytest.raises(KeyError):
            await tx.changes.swap(change(1))


async def test_only_one_of_many_swaps_at_once_wins(store: SqlStore) -> None:
    [stored] = await insert(store, change(1))

    async def swap(number: int) -> bool:
        try:
            async with store.writing() as tx:
                await tx.changes.swap(replace(stored, reason=str(number)))
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(swap(number) for number in range(8)))) == 1


async def test_what_is_due_comes_longest_due_first(store: SqlStore) -> None:
    await insert(
        store, change(1, environment="a", due_at=NOW), change(2, environment="b", due_at=NOW - HOUR),
        change(3, environment="c", due_at=NOW + MINUTE), change(4, environment="d", due_at=None),
        change(5, State.ABORTED, environment="e", due_at=NOW - MINUTE),
    )  # fmt: skip
    async with store.reading() as tx:
        assert [each.number for each in await tx.changes.list_due(NOW, limit=9)] == [2, 5, 1]
        assert [each.number for each in await tx.changes.list_due(NOW, limit=1)] == [2]
        assert await tx.changes.count_due(NOW) == 3
        assert await tx.changes.next_due(NOW) == NOW + MINUTE
        assert await tx.changes.next_due(NOW + MINUTE) is None


@pytest.mark.parametrize(
    ("due", "at", "then"),
    [(None, NOW, NOW), (NOW + HOUR, NOW, NOW), (NOW - HOUR, NOW, NOW - HOUR)],
)
async def test_made_due_is_never_later_and_a_look_under_way_is_taken_again(
    store: SqlStore, due: datetime | None, at: datetime, then: datetime
) -> None:
    [stored] = await insert(store, change(1, due_at=due))
    async with store.writing() as tx:
        await tx.changes.make_due(stored.id, at)
        found = await tx.changes.get(stored.id)
        with pytest.raises(Conflict):
            await tx.changes.swap(stored)
    assert (found.due_at, found.version) == (then, stored.version + 1)


async def test_the_newest_changes_of_a_stage(store: SqlStore) -> None:
    await insert(store, *(change(n, State.SUCCEEDED) for n in (1, 2, 3)), change(4, environment="staging"))
    async with store.reading() as tx:
        assert [each.number for each in await tx.changes.list_newest("apm-stack", "production", limit=2)] == [3, 2]


OPTIONAL = (
    "voided_at", "degraded_since", "unhealthy_since", "healthy_since", "trouble_since", "foreign_head", "cause",
    "still_runs", "closing", "ended_by", "notify", "progress", "rebuilds", "void_because",
)  # fmt: skip


async def test_a_document_of_an_older_shape_loads(store: SqlStore, url: str) -> None:
    """What this version knows more is filled in by its defaults; what it knows no longer is left out."""
    [stored] = await insert(store, examples.merged_change())
    engine = open_engine(url)
    async with engine.begin() as connection:
        document = json.loads((await connection.execute(text("SELECT document FROM changes"))).scalar_one())
        for field in OPTIONAL:
            document.pop(field)
        document["proposal"].pop("auto_sync")
        document["proposal"].pop("prune")
        for field in ("base", "auto_sync", "shipped"):
            document["merge"].pop(field)
        document["forgotten"] = {"by": "a newer version"}
        await connection.execute(text("UPDATE changes SET document = :it"), {"it": json.dumps(document)})
    await close_engine(engine)
    async with store.reading() as tx:
        assert await tx.changes.get(stored.id) == stored
