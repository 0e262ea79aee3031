"""Approvals as rows: one per person and fingerprint, renewed when the older one no longer stands."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain.approval import Approval
from bot.domain.identity import UserId
from bot.store.store import SqlStore
from tests import examples
from tests.examples import APPROVER_2, CHANGE, HOUR, NOW, OTHER_KEY, approval


@pytest.fixture(autouse=True)
async def _a_change(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())


async def add(store: SqlStore, given: Approval, *, after: timedelta = -4 * HOUR) -> bool:
    async with store.writing() as tx:
        return await tx.approvals.add(given, after=NOW + after)


async def given(store: SqlStore) -> tuple[Approval, ...]:
    async with store.reading() as tx:
        return await tx.approvals.list(CHANGE)


async def test_approvals_come_back_in_their_order(store: SqlStore) -> None:
    first, second, other = approval(), approval(APPROVER_2), approval(fingerprint=OTHER_KEY.fingerprint)
    assert [await add(store, each) for each in (first, second, other)] == [True, True, True]
    assert await given(store) == (first, second, other)


async def test_a_yes_that_stands_is_not_stored_again(store: SqlStore) -> None:
    await add(store, approval())
    assert not await add(store, approval(at=NOW + HOUR))
    assert await given(store) == (approval(),)


async def test_two_accounts_of_a_person_are_one_yes(store: SqlStore) -> None:
    await add(store, approval(person="somebody"))
    assert not await add(store, approval(UserId("U0OTHER"), person="somebody"))
    assert len(await given(store)) == 1


async def test_a_yes_that_lapsed_or_is_void_may_be_given_anew(store: SqlStore) -> None:
    await add(store, approval())
    await add(store, approval(APPROVER_2))
    again = approval(at=NOW + HOUR)
    assert await add(store, again, after=timedelta(0))
    assert await given(store) == (approval(APPROVER_2), again)


async def test_an_approval_belongs_to_a_change(store: SqlStore) -> None:
    with pytest.raises(IntegrityError):
        await add(store, approval(change="01HZX3K6Q4T8V2M5N7P9R1S3WB"))
