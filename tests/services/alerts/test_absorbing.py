"""Webhooks change their groups once: in whatever batches, by however many processes, and however they die."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.group import AlertGroup, AlertPlacement, GroupState
from bot.domain.alerts.policy import AlertMention, Hours
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.snapshot import Snapshot
from bot.domain.identity import GroupId, UserId
from bot.integrations.alertmanager.webhook import read_snapshot
from bot.services.alerts.routing import called
from bot.store.store import SqlStore, StoreTransaction
from tests.alert_examples import ALERTS
from tests.databases import BOTH
from tests.examples import DEVELOPER
from tests.services.alerts.room import Room, body, fingerprint, labels

both = pytest.mark.parametrize("address", BOTH, indirect=True)
MINUTE = timedelta(minutes=1)
NIGHT = Hours(days=frozenset(range(7)), start=time(22), end=time(6), zone="UTC")


@both
async def test_a_webhook_becomes_a_group_with_its_card(room: Room) -> None:
    await room.hear(body(("a", "firing"), ("b", "firing")))
    group = await room.group()
    assert (group.number, group.version, group.state, group.channel) == (1, 1, GroupState.FIRING, ALERTS)
    assert [alert.labels["service"] for alert in group.firing] == ["a", "b"]
    assert [row.key for row in await room.outgoing()] == [f"alert:{group.id}"]
    assert await room.waiting() == 0


@both
async def test_a_batch_is_applied_in_order_and_written_once(room: Room) -> None:
    for heard in (
        body(("a", "firing")), body(("a", "firing"), ("b", "firing")), body(("a", "resolved"), ("b", "firing")),
        body(("x", "firing"), groupKey="{}:other", groupLabels={"alertname": "Other"}),
    ):  # fmt: skip
        assert await room.post(heard) == 202
    await room.absorbing().sweep()
    first, other = await room.groups()
    assert (first.version, other.version) == (1, 1)
    assert [alert.state for alert in first.alerts] == [AlertState.RESOLVED, AlertState.FIRING]
    assert await room.notes() == ["Fires too: b.", "Over: a."]


@both
async def test_what_is_sent_twice_changes_nothing(room: Room) -> None:
    await room.hear(*[body(("a", "firing"))] * 3)
    assert (await room.shown(), await room.notes()) == (1, [])
    await room.hear(*[body(("a", "resolved"), status="resolved")] * 2)
    group = await room.group()
    assert group.is_over
    assert (await room.shown(), await room.notes()) == (2, ["Resolved after 2 min."])


async def test_siblings_and_sources_are_told_apart(room: Room) -> None:
    await room.hear(body(("a", "firing")), body(("a", "firing"), receiver="pager"))
    await room.hear(body(("a", "firing")), source="eu")
    assert [(group.source, group.receiver) for group in await room.groups()] == [
        ("default", "tiphys"), ("default", "pager"), ("eu", "tiphys"),
    ]  # fmt: skip


async def test_what_fires_again_soon_goes_on_in_its_card_and_later_in_another(room: Room) -> None:
    await room.hear(body(("a", "firing")), body(("a", "resolved")))
    again = body(("a", "firing")).replace("2026-03-04T14:02:00Z", "2026-03-04T14:20:00Z")
    room.clock.at += 20 * MINUTE
    await room.hear(again)
    group = await room.group()
    assert (group.state, len(group.flips)) == (GroupState.FIRING, 3)
    assert (await room.notes())[-1] == "Fires again: HighErrorRate."
    await room.hear(again.replace("firing", "resolved").replace("0001-01-01T00:00:00Z", "2026-03-04T14:21:00Z"))
    room.clock.at += 60 * MINUTE
    await room.hear(again.replace("14:20", "15:20"))
    old, new = await room.groups()
    assert (old.is_over, new.is_over, new.number) == (True, False, 2)


@both
async def test_a_row_that_cannot_be_absorbed_waits_alone_and_is_given_up_at_last(room: Room) -> None:
    def read(source: str, text: str) -> Snapshot:
        if "poison" in text:
            raise ZeroDivisionError("an error of ours")
        return read_snapshot(source, text)

    for heard in (body(("a", "firing")), body(("poison", "firing")), body(("b", "firing"), groupKey="other")):
        await room.post(heard)
    worker = room.absorbing(read=read)
    await worker.sweep()
    assert len(await room.groups()) == 2
    assert await room.waiting() == 1
    for _ in range(6):
        room.clock.at += 11 * MINUTE
        await worker.sweep()
    assert await room.waiting() == 0, "its row stays, and is not tried any more"


@both
async def test_two_replicas_that_absorb_at_once_end_the_same(room: Room, address: str) -> None:
    others = [SqlStore(address) for _ in range(2)]
    for number in range(30):
        heard = body(*((name, "firing") for name in "abc"[: number % 3 + 1]), groupKey=f"{{}}:{number % 5}")
        await room.post(heard)
    await asyncio.gather(*(room.absorbing(store).sweep() for store in (room.store, *others)))
    for other in others:
        await other.close()
    groups = await room.groups()
    assert len(groups) == 5
    assert await room.waiting() == 0
    for number, group in enumerate(groups):
        last = max(one for one in range(30) if one % 5 == int(group.group_key[-1]))
        assert len(group.firing) == last % 3 + 1, number


class KilledHere(BaseException):
    """As the process ends."""


class DyingStore(SqlStore):
    """Dies when all of a transaction is written but its commit."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StoreTransaction]:
        async with super().writing() as tx:
            yield tx
            raise KilledHere


class RacingStore(SqlStore):
    """Somebody assigns the group in the moment before we write it."""

    other: SqlStore | None = None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StoreTransaction]:
        async with super().writing() as tx:
            swap = tx.alerts.swap

            async def raced(group: AlertGroup) -> AlertGroup:
                other, self.other = self.other, None
                if other is not None:
                    async with other.writing() as theirs:
                        found = await theirs.alerts.find(group.id)
                        assert found is not None
                        await theirs.alerts.swap(replace(found, assigned_to=DEVELOPER))
                return await swap(group)

            tx.alerts.swap = raced  # type: ignore[method-assign]
            yield tx


@both
async def test_killed_before_the_commit_nothing_is_half_done(room: Room, address: str) -> None:
    await room.post(body(("a", "firing")))
    await room.post(body(("x", "firing"), groupKey="other"))
    dying = DyingStore(address)
    with pytest.raises(KilledHere):
        await room.absorbing(dying).sweep()
    await dying.close()
    assert (await room.groups(), await room.outgoing(), await room.waiting()) == ([], [], 2)
    await room.absorbing().sweep()
    assert (len(await room.groups()), len(await room.outgoing()), await room.waiting()) == (2, 2, 0)


@both
async def test_killed_after_the_answer_it_is_absorbed_by_the_next(room: Room, address: str) -> None:
    await room.post(body(("a", "firing")))
    await room.store.close()
    next_one = SqlStore(address)
    await room.absorbing(next_one).sweep()
    async with next_one.reading() as tx:
        assert len(await tx.alerts.list_open()) == 1
    await next_one.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_what_somebody_else_writes_meanwhile_is_not_lost(room: Room, address: str) -> None:
    await room.hear(body(("a", "firing")))
    await room.post(body(("a", "firing"), ("b", "firing")))
    racing = RacingStore(address)
    racing.other = room.store
    await room.absorbing(racing).sweep()
    await racing.close()
    group = await room.group()
    assert ([alert.labels["service"] for alert in group.firing], group.assigned_to) == (["a", "b"], DEVELOPER)


@both
async def test_what_becomes_graver_than_it_ever_was_pings_those_for_whom_it_was_not_grave_enough(room: Room) -> None:
    told = AlertMention(who=UserId("U0APPR1"), severity=Severity.WARNING)
    called, asleep = AlertMention(who=GroupId("S0ONCALL")), AlertMention(who=UserId("U0NIGHT1"), hours=NIGHT)
    room.configure(mentions=(told, called, asleep))

    async def hears(key: str, *severities: str) -> None:
        text = body(*((severity, "firing") for severity in severities), groupKey=key, groupLabels={"alertname": key})
        for severity in severities:
            text = text.replace(f'"critical", "service": "{severity}"', f'"{severity}", "service": "{severity}"')
        await room.hear(text)

    await hears("waits", "warning")
    await hears("waits", "warning", "critical")
    assert await room.notes() == ["Fires too: critical · critical."], "its first message is still to come, and does it"
    await hears("stands", "warning")
    group = (await room.groups())[-1]
    async with room.store.writing() as tx:
        await tx.alerts.set_placement(AlertPlacement(group=group.id, channel=ALERTS, ts="1.2", digest=None))
    for _ in range(2):  # graver, as it was, and so again
        await hears("stands", "warning", "critical")
        await hears("stands", "warning")
    assert [note for note in await room.notes() if "📣" in note] == ["📣 @S0ONCALL: it is critical now."]


async def test_who_has_it_need_not_be_pinged_and_a_webhook_pings_for_what_only_the_api_told(room: Room) -> None:
    room.configure(
        mentions=(AlertMention(who=GroupId("S0ONCALL")),),
        sources={"default": replace(room.source.current.alerts.sources["default"], receivers=("tiphys",))},
    )
    room.alertmanager.fires(labels("a"), fingerprint("a"))
    await room.reconciling().look()
    group = await room.group()
    async with room.store.writing() as tx:
        await tx.alerts.set_placement(AlertPlacement(group=group.id, channel=ALERTS, ts="1.2", digest=None))
    assert (
        called(group, replace(group, group_key="x", assigned_to=DEVELOPER), room.source.current.alerts, room.clock.at)
        == ()
    )
    await room.hear(body(("a", "firing")))
    assert await room.notes() == ["📣 @S0ONCALL: it is critical now."]
