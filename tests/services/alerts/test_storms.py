"""Storms: when one begins, what its card stands for, and when it is over; all of it from rows."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.budget import Budget
from bot.domain.alerts.group import AlertGroup, AlertPlacement, GroupState
from bot.domain.alerts.severity import Severity
from bot.ports_alerts import StormRow, Weather
from bot.services.alerts.storms import Storms
from bot.store.store import SqlStore
from tests.alert_examples import ALERTS, group
from tests.databases import sqlite_in
from tests.examples import NOW

MANY = [f"MANY{number}" for number in range(35)]
HERE = frozenset({ALERTS})
RAGING, CALM, NONE = Weather(stormy=HERE, raging=HERE), Weather(stormy=HERE), Weather()


class Sky:
    """A store and a clock; each look is a new process's first one, which has only the rows to go by."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.at = store, NOW

    def now(self) -> Any:
        return self.at

    async def look(self) -> Weather:
        return await Storms(self.store, self).look(Budget())

    async def put(self, *names: str, **facts: Any) -> None:
        known: dict[str, Any] = {"severity": Severity.WARNING}
        async with self.store.writing() as tx:
            for name in names:
                made = group(id=name.ljust(26, "X"), group_key=name, **known | facts)
                found = await tx.alerts.find(made.id)
                stored = await _write(tx, made, found)
                await tx.outbox.touch_alert(stored, now=self.at)

    async def shown(self, *names: str) -> None:
        """Their cards stand as they are now."""
        async with self.store.writing() as tx:
            for item in await tx.outbox.list_due(self.at, limit=999):
                if item.group and item.group.rstrip("X") in names:
                    await tx.alerts.set_placement(AlertPlacement(group=item.group, channel=ALERTS, ts="1", digest="d"))
                    await tx.outbox.mark_sent(item)

    async def storm_shown(self) -> None:
        async with self.store.writing() as tx:
            [item] = [item for item in await tx.outbox.list_due(self.at, limit=999) if item.key.startswith("storm:")]
            await tx.outbox.mark_sent(item)

    async def storm(self) -> StormRow:
        async with self.store.reading() as tx:
            found = await tx.storms.find_newest(ALERTS)
        assert found is not None
        return found

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def _write(tx: Any, made: AlertGroup, found: AlertGroup | None) -> AlertGroup:
    if found is None:
        return await tx.alerts.insert(made)  # type: ignore[no-any-return]
    return await tx.alerts.swap(replace(made, number=found.number, version=found.version))  # type: ignore[no-any-return]


@pytest.fixture
async def sky(tmp_path: Any) -> Any:
    store = SqlStore(await sqlite_in(tmp_path))
    yield Sky(store)
    await store.close()


async def test_as_much_as_half_a_minute_shows_is_no_storm(sky: Sky) -> None:
    assert await sky.look() == NONE
    await sky.put(*MANY[:30])
    assert await sky.look() == NONE
    await sky.put(MANY[30])
    assert await sky.look() == RAGING


async def test_a_storm_rages_until_little_changes_and_is_over_when_the_backlog_is_gone(sky: Sky) -> None:
    await sky.put(*MANY)
    assert await sky.look() == RAGING
    sky.later(31)
    await sky.put(MANY[0])
    assert await sky.look() == CALM
    await sky.shown(*MANY[:33])
    assert await sky.look() == NONE
    storm = await sky.storm()
    assert (storm.since, storm.closed_at) == (NOW, sky.at)
    assert storm.told is not None
    assert (storm.told.changed, len(storm.told.firing), storm.told.following) == (35, 35, 2)


async def test_a_long_backlog_without_news_is_a_storm_that_does_not_rage(sky: Sky) -> None:
    """As after an hour in which Slack gave no answer."""
    await sky.put(*MANY)
    sky.later(3600)
    assert await sky.look() == CALM


async def test_groups_that_are_over_and_have_no_card_get_none(sky: Sky) -> None:
    await sky.put(*MANY)
    await sky.look()
    await sky.put(*MANY, state=GroupState.RESOLVED)
    sky.later(31)
    assert await sky.look() == NONE
    async with sky.store.reading() as tx:
        assert [item.key for item in await tx.outbox.list_due(sky.at, limit=9)] == [f"storm:{ALERTS}"]


async def test_while_it_rages_nothing_is_dropped(sky: Sky) -> None:
    await sky.put(*MANY)
    await sky.look()
    await sky.put(*MANY, state=GroupState.RESOLVED)
    assert await sky.look() == RAGING
    async with sky.store.reading() as tx:
        assert await tx.outbox.count_due(sky.at) == 36


async def test_its_card_shows_the_newest_state_of_every_group(sky: Sky) -> None:
    storms = Storms(sky.store, sky)
    await sky.put(*MANY)
    await sky.put("GRAVE", severity=Severity.CRITICAL)
    await storms.look(Budget())
    await sky.put(*MANY[:10], state=GroupState.RESOLVED)
    sky.later(1)
    found = await storms.find(ALERTS)
    assert found is not None
    _, storm = found
    assert (len(storm.groups), len(storm.firing), storm.changed) == (36, 26, 36)
    assert (storm.following, storm.alone) == (1, 35)
    assert storm.groups[0].severity is Severity.CRITICAL
    await sky.put(MANY[0])
    found = await storms.find(ALERTS)
    assert found is not None
    assert len(found[1].firing) == 27


async def test_its_card_is_shown_anew_every_ten_seconds(sky: Sky) -> None:
    storms = Storms(sky.store, sky)
    await sky.put(*MANY)
    due = []
    for _ in range(4):
        await storms.look(Budget())
        storms._looked_at = None
        async with sky.store.reading() as tx:
            due.append(not await tx.storms.is_shown(ALERTS))
        if due[-1]:
            await sky.storm_shown()
        sky.later(4)
        await sky.put(*MANY)
    assert due == [True, False, False, True]


async def test_it_is_shown_less_often_where_others_rage_or_when_it_has_calmed_down(sky: Sky) -> None:
    """Three storms share what two would have: each card every 18 s. When nothing is new any more each says so, and
    is shown every three minutes from then on."""
    storms = Storms(sky.store, sky)
    elsewhere = {f"C{number}": [f"{name}C{number}" for name in MANY] for number in range(2)}
    due: list[float] = []
    for second in range(0, 300, 6):
        if second in (0, 24, 48):
            await sky.put(*MANY)
            for channel, names in elsewhere.items():
                await sky.put(*names, channel=channel)
        await storms.look(Budget())
        storms._looked_at = None
        async with sky.store.writing() as tx:
            rows = [item for item in await tx.outbox.list_due(sky.at, limit=999) if item.key.startswith("storm:")]
            assert len(rows) in (0, 3)
            for item in rows:
                await tx.outbox.mark_sent(item)
        if rows:
            due.append(second)
        sky.later(6)
    assert due == [0, 18, 36, 54, 72, 90, 270]


async def test_a_storm_that_begins_soon_after_another_is_the_same(sky: Sky) -> None:
    await sky.put(*MANY)
    await sky.look()
    first = await sky.storm()
    await sky.shown(*MANY)
    assert await sky.look() == NONE
    await sky.storm_shown()
    sky.later(299)
    await sky.put(*[f"MORE{name}" for name in MANY])
    assert await sky.look() == RAGING
    assert (await sky.storm()).id == first.id


async def test_a_storm_that_begins_later_is_another_one_once_the_end_of_the_first_is_shown(sky: Sky) -> None:
    await sky.put(*MANY)
    await sky.look()
    first = await sky.storm()
    await sky.shown(*MANY)
    await sky.look()
    sky.later(301)
    await sky.put(*[f"MORE{name}" for name in MANY])
    await sky.look()
    assert (await sky.storm()).id == first.id  # nobody has seen yet that it was over
    await sky.storm_shown()
    await sky.shown(*[f"MORE{name}" for name in MANY])
    await sky.look()
    await sky.storm_shown()
    sky.later(301)
    await sky.put(*[f"MOST{name}" for name in MANY])
    await sky.look()
    assert (await sky.storm()).id != first.id


async def test_where_no_storm_is_nothing_is_kept_in_memory(sky: Sky) -> None:
    storms = Storms(sky.store, sky)
    await sky.put(*MANY)
    await storms.look(Budget())
    await storms.find(ALERTS)
    assert len(storms._lines[ALERTS]) == 35
    await sky.shown(*MANY)
    storms._looked_at = None
    assert await storms.look(Budget()) == NONE
    assert (storms._lines, storms._touched) == ({}, {})


async def test_it_looks_once_in_a_while_however_often_it_is_asked(sky: Sky) -> None:
    storms, slowly = Storms(sky.store, sky), Budget(scale=0.01)
    assert await storms.look(slowly) == NONE
    await sky.put(*MANY)
    assert await storms.look(slowly) == NONE
    storms._looked_at = asyncio.get_running_loop().time() - 100
    assert await storms.look(slowly) == RAGING
