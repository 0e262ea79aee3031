"""Alert groups as rows, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alerts.group import AlertGroup, AlertGroupId, AlertPlacement, GroupState, Tie, TiedBy
from bot.domain.alerts.keys import key_of_group, labels_key_of
from bot.domain.alerts.severity import Severity
from bot.ports_alerts import GroupConflict
from bot.store.store import SqlStore
from tests.alert_examples import ALERTS, GROUP, group
from tests.examples import NOW

OTHER = AlertGroupId(GROUP[::-1])
MINUTE = timedelta(minutes=1)


async def stored(store: SqlStore, found: AlertGroup) -> AlertGroup:
    async with store.writing() as tx:
        return await tx.alerts.insert(found)


async def test_it_is_found_as_it_was_stored(store: SqlStore) -> None:
    first = await stored(store, group())
    second = await stored(store, replace(group(), id=OTHER, group_key="other", severity=Severity.WARNING))
    async with store.reading() as tx:
        assert (first.number, second.number) == (1, 2)
        assert await tx.alerts.find(GROUP) == first
        assert await tx.alerts.find_number(2) == second
        assert await tx.alerts.find_open(key_of_group(first)) == first
        assert await tx.alerts.list_open() == [first, second]
        assert await tx.alerts.list_open(source="edge") == []
        labels_key = labels_key_of("default", "tiphys", first.group_labels)
        assert await tx.alerts.list_open_by_labels(labels_key) == [first, second]
        assert await tx.alerts.count_open() == {ALERTS: 2}
        assert await tx.alerts.list_opened(NOW, NOW + MINUTE) == [first, second]
        assert await tx.alerts.list_opened(NOW - MINUTE, NOW) == []


async def test_one_of_a_key_is_open_and_the_next_begins_when_it_is_over(store: SqlStore) -> None:
    first = await stored(store, group())
    with pytest.raises(GroupConflict):
        await stored(store, replace(group(), id=OTHER))
    async with store.writing() as tx:
        over = await tx.alerts.swap(replace(first, state=GroupState.RESOLVED, resolved_at=NOW))
    again = await stored(store, replace(group(), id=OTHER))
    async with store.reading() as tx:
        assert await tx.alerts.find(GROUP) == over
        assert (
            await tx.alerts.find_newest(key_of_group(first)) == again == await tx.alerts.find_open(key_of_group(first))
        )


async def test_a_write_on_an_old_version_is_none(store: SqlStore) -> None:
    first = await stored(store, group())
    async with store.writing() as tx:
        await tx.alerts.swap(replace(first, truncated=3))
    with pytest.raises(GroupConflict):
        async with store.writing() as tx:
            await tx.alerts.swap(replace(first, truncated=5))
    async with store.reading() as tx:
        found = await tx.alerts.find(GROUP)
    assert found is not None
    assert (found.truncated, found.version) == (3, 2)


async def test_those_of_an_application_and_those_to_be_looked_at(store: SqlStore) -> None:
    tie = Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
    tied = await stored(store, replace(group(), tie=tie, check_at=NOW + MINUTE))
    await stored(store, replace(group(), id=OTHER, group_key="other"))
    async with store.reading() as tx:
        assert await tx.alerts.list_open(application="apm-stack", environment="production") == [tied]
        assert await tx.alerts.list_open(application="apm-stack", environment="staging") == []
        assert await tx.alerts.list_due(NOW, limit=9) == []
        assert await tx.alerts.list_due(NOW + MINUTE, limit=9) == [tied]
        assert await tx.alerts.next_due(NOW) == NOW + MINUTE


async def test_where_its_card_stands(store: SqlStore) -> None:
    await stored(store, group())
    placement = AlertPlacement(group=GROUP, channel=ALERTS, ts="1.0", digest="d")
    async with store.writing() as tx:
        assert await tx.alerts.find_placement(GROUP) is None
        await tx.alerts.set_placement(placement)
        await tx.alerts.set_placement(replace(placement, digest="e"))
    async with store.writing() as tx:
        assert await tx.alerts.list_placements([GROUP, OTHER]) == {GROUP: replace(placement, digest="e")}
        await tx.alerts.forget_placement(GROUP)
    async with store.reading() as tx:
        assert await tx.alerts.find_placement(GROUP) is None


async def test_what_is_over_is_forgotten_but_the_newest(store: SqlStore) -> None:
    over = {"state": GroupState.RESOLVED, "resolved_at": NOW}
    for number, facts in enumerate((over, {}, over)):
        await stored(store, replace(group(**facts), id=AlertGroupId(f"{GROUP[:-1]}{number}"), group_key=str(number)))
    async with store.writing() as tx:
        page = await tx.alerts.forget(NOW + MINUTE, after=None, limit=2)
        rest = await tx.alerts.forget(NOW + MINUTE, after=page.last, limit=2)
        assert ((page.removed, rest.removed), rest.last) == ((1, 0), None)
        assert [one.number for one in await tx.alerts.list_opened(NOW, NOW + MINUTE)] == [2, 3]
        assert await tx.alerts.list_sources() == ["default"]
        assert (await tx.intake.forget(NOW, after=None, limit=2)).removed == 0
        assert (await tx.storms.forget(NOW, after=None, limit=2)).removed == 0
