"""Storms as rows, and what they see of the outbox."""

from asyncio import TaskGroup
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.budget import Backlog
from bot.domain.alerts.group import AlertGroup, AlertPlacement, GroupState
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm, StormGroup
from bot.domain.identity import ChannelId
from bot.domain.outgoing import OutgoingKind, Pick, Urgency
from bot.domain.text import Text
from bot.store.store import SqlStore
from tests.alert_examples import ALERTS, group
from tests.databases import until_one_waits_for_a_lock
from tests.examples import MINUTE, NOW

ADMIN = ChannelId("C0ADMIN")


async def touched(store: SqlStore, name: str, *, minutes: int = 0, has_card: bool = False, **facts: Any) -> AlertGroup:
    async with store.writing() as tx:
        made = await tx.alerts.insert(group(id=name.ljust(26, "X"), group_key=name, **facts))
        if has_card:
            await tx.alerts.set_placement(AlertPlacement(group=made.id, channel=ALERTS, ts="1.1", digest=None))
        await tx.outbox.touch_alert(made, now=NOW + minutes * MINUTE)
    return made


async def test_a_backlog_is_counted_by_channel(store: SqlStore) -> None:
    await touched(store, "NEW", minutes=-2)
    await touched(store, "FRESH")
    await touched(store, "STALE", has_card=True)
    await touched(store, "ELSEWHERE", channel=ADMIN, severity=Severity.INFO)
    await touched(store, "LATER", minutes=5)
    async with store.writing() as tx:
        await tx.storms.touch(ALERTS, now=NOW)
        found = await tx.storms.backlogs(NOW, fresh_since=NOW - MINUTE)
    assert sorted(found, key=lambda backlog: backlog.channel) == [
        Backlog(channel=ADMIN, new=1, fresh=1, since=NOW),
        Backlog(channel=ALERTS, new=2, stale=1, fresh=2, since=NOW - 2 * MINUTE),
    ]  # fmt: skip


async def test_one_storm_is_open_in_a_channel_until_it_is_closed(store: SqlStore) -> None:
    async with store.writing() as tx:
        assert await tx.storms.find_newest(ALERTS) is None
        await tx.storms.begin(ALERTS, since=NOW)
        await tx.storms.begin(ALERTS, since=NOW + MINUTE)
        await tx.storms.begin(ADMIN, since=NOW)
        [storm] = [row for row in await tx.storms.list_open() if row.channel == ALERTS]
        await tx.storms.place(storm.id, ts="1.1", digest="d")
    line = StormGroup.of(group())
    told = Storm(channel=ALERTS, since=NOW, at=NOW, groups=(line,), changed=7, following=1, closed_at=NOW + MINUTE)
    async with store.writing() as tx:
        await tx.storms.close(storm.id, told)
        closed = await tx.storms.find_newest(ALERTS)
    assert closed is not None
    assert (closed.since, closed.closed_at, closed.told) == (NOW, NOW + MINUTE, told)
    assert (closed.ts, closed.digest) == ("1.1", "d")
    async with store.writing() as tx:
        await tx.storms.resume(storm.id)
        assert len(await tx.storms.list_open()) == 2
        await tx.storms.close(storm.id, told)
        await tx.storms.begin(ALERTS, since=NOW + 2 * MINUTE)
        newest = await tx.storms.find_newest(ALERTS)
    assert newest is not None
    assert (newest.since, newest.told, newest.ts) == (NOW + 2 * MINUTE, None, None)


async def test_a_storms_card_is_one_row_that_coalesces_and_goes_first(store: SqlStore) -> None:
    await touched(store, "GRAVE")
    async with store.writing() as tx:
        assert await tx.storms.is_shown(ALERTS)
        for _ in range(2):
            await tx.storms.touch(ALERTS, now=NOW)
        assert not await tx.storms.is_shown(ALERTS)
    item, _ = (await store.claims.outbox(NOW, limit=9, pick=Pick.of(Urgency.STORM, Urgency.ALERT_NEW_CRITICAL))).rows
    assert (item.kind, item.channel, item.version) == (OutgoingKind.STORM, ALERTS, 2)
    async with store.writing() as tx:
        await tx.outbox.mark_sent(item)
        assert await tx.storms.is_shown(ALERTS)


async def test_a_storm_knows_what_changed_since_it_began_and_what_of_it_waits_or_has_a_card(store: SqlStore) -> None:
    await touched(store, "BEFORE", minutes=-9)
    gone = await touched(store, "DROPPED", severity=Severity.INFO, state=GroupState.RESOLVED)
    stale = await touched(store, "STALE", has_card=True, severity=Severity.WARNING)
    shown = await touched(store, "SHOWN", has_card=True)
    grave = await touched(store, "GRAVE")
    await touched(store, "ELSEWHERE", channel=ADMIN)
    async with store.writing() as tx:
        assert await tx.storms.drop_over(ALERTS) == 1
        for item in await tx.outbox.list_due(NOW, limit=9):
            if item.group == shown.id:
                await tx.outbox.mark_sent(item)
    async with store.reading() as tx:
        found = await tx.storms.list_stormed(ALERTS, NOW - MINUTE, limit=9)
        assert [(each.group, each.waits, each.has_card) for each in found] == [
            (grave.id, True, False), (shown.id, False, True), (stale.id, True, True), (gone.id, False, False),
        ]  # fmt: skip
        assert [each.group for each in await tx.storms.list_stormed(ALERTS, NOW - MINUTE, limit=1)] == [grave.id]
        assert await tx.storms.count_changed(ALERTS, NOW - MINUTE) == 4
        assert {read.id for read in await tx.storms.read_groups([grave.id, gone.id])} == {grave.id, gone.id}


async def test_only_what_is_over_and_was_never_tried_and_is_not_critical_is_dropped(store: SqlStore) -> None:
    over: dict[str, Any] = {"state": GroupState.RESOLVED, "severity": Severity.WARNING}
    tried = await touched(store, "TRIED", minutes=-1, **over)
    [item] = (await store.claims.outbox(NOW, limit=9)).rows
    kept = [
        tried,
        await touched(store, "CARD", has_card=True, **over),
        await touched(store, "FIRES", severity=Severity.INFO),
        await touched(store, "GRAVE", state=GroupState.RESOLVED),
        await touched(store, "ELSEWHERE", channel=ADMIN, **over),
    ]
    await touched(store, "DROPPED", **over)
    await store.claims.release(item)
    async with store.writing() as tx:
        assert await tx.storms.drop_over(ALERTS) == 1
    async with store.reading() as tx:
        left = {item.group for item in await tx.outbox.list_due(NOW + timedelta(hours=1), limit=9)}
    assert left == {each.id for each in kept}


async def test_notes_go_with_the_card_that_will_not_come(store: SqlStore) -> None:
    gone = await touched(store, "DROPPED", severity=Severity.INFO, state=GroupState.RESOLVED)
    fires = await touched(store, "FIRES", severity=Severity.INFO)
    async with store.writing() as tx:
        for each in (gone, fires):
            await tx.outbox.alert_note(each, "flapping", Text.of("It flaps."), now=NOW)
        await tx.storms.drop_over(ALERTS)
        for each in (gone, fires):
            await tx.outbox.drop_notes(each.id)
        left = [item.key for item in await tx.outbox.list_due(NOW, limit=9)]
        assert left == [f"alert:{fires.id}", f"alert-note:{fires.id}:flapping"]
        [card, _] = await tx.outbox.list_due(NOW, limit=9)
        await tx.outbox.give_up(card, error="channel_not_found")
        await tx.outbox.drop_notes(fires.id)
        assert await tx.outbox.list_due(NOW, limit=9) == []


async def test_what_was_dropped_is_shown_when_it_fires_again(store: SqlStore) -> None:
    gone = await touched(store, "DROPPED", severity=Severity.INFO, state=GroupState.RESOLVED)
    async with store.writing() as tx:
        await tx.storms.drop_over(ALERTS)
        await tx.outbox.touch_alert(gone, now=NOW)
        [item] = await tx.outbox.list_due(NOW, limit=9)
    assert (item.group, item.attempts) == (gone.id, 1)


@pytest.mark.postgresql
async def test_what_fires_again_while_it_is_dropped_keeps_its_card_and_its_notes(postgresql: str) -> None:
    """The webhook's transaction holds the row when the storm has chosen it."""
    store = SqlStore(postgresql)
    group = await touched(store, "AGAIN", severity=Severity.INFO, state=GroupState.RESOLVED)
    await touched(store, "OVER", severity=Severity.INFO, state=GroupState.RESOLVED)

    async def drop() -> int:
        async with store.writing() as tx:
            return await tx.storms.drop_over(ALERTS)

    async with TaskGroup() as tasks, store.writing() as tx:
        again = await tx.alerts.swap(replace(group, state=GroupState.FIRING, resolved_at=None))
        await tx.outbox.touch_alert(again, now=NOW)
        await tx.outbox.alert_note(again, "again", Text.of("It fires again."), now=NOW)
        dropping = tasks.create_task(drop())
        await until_one_waits_for_a_lock(store)
    assert dropping.result() == 1
    async with store.reading() as tx:
        left = [item.key for item in await tx.outbox.list_due(NOW, limit=9)]
    assert left == [f"alert:{group.id}", f"alert-note:{group.id}:again"]
    await store.close()
