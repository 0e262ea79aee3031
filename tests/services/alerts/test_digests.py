"""Digests of a channel: written when due, once, whoever writes them; with what Alertmanager says of silences."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from structlog.testing import capture_logs

from bot.domain.alerts.group import AlertGroup, AlertGroupId, GroupState, Tie, TiedBy
from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.policy import AlertRoute, DigestPlan
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId
from bot.domain.outgoing import Outgoing, OutgoingKind, Urgency
from bot.ports_store import StoreUnavailable
from bot.services.alerts.digest_times import LATEST, DueDigest, due_digests
from bot.services.alerts.digests import AlertDigests
from bot.store.store import SqlStore
from tests.alert_examples import ALERTS, group
from tests.databases import BOTH
from tests.examples import NOW
from tests.services.alerts.room import Room, fingerprint, labels

both = pytest.mark.parametrize("address", BOTH, indirect=True)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OTHER = ChannelId("C0OTHER")
AT = time(15, 0)
DUE = NOW.replace(hour=15, minute=0)


def plan(channel: ChannelId = ALERTS) -> DigestPlan:
    return DigestPlan(channel=channel, at=AT, days=frozenset(range(7)), zone="UTC")


def digests(room: Room, store: SqlStore | None = None) -> AlertDigests:
    """One process's; another one is another replica, or the same after a restart."""
    return AlertDigests(store or room.store, room.clients, room.source, room.clock, room.bells)


async def all_of_it(tie: Tie | None) -> bool:
    return True


async def put(room: Room, name: str, at: datetime, number: int, **facts: object) -> AlertGroup:
    made = group(id=AlertGroupId(f"{number:026}"), group_key=f"key-{number}", group_labels={"alertname": name},
                 opened_at=at, **facts)  # fmt: skip
    async with room.store.writing() as tx:
        return await tx.alerts.insert(made)


async def written(room: Room) -> list[Outgoing]:
    return [row for row in await room.outgoing() if row.kind is OutgoingKind.DIGEST]


async def told(room: Room) -> str:
    [row] = await written(room)
    assert row.text is not None
    return row.text.plain


@both
async def test_what_is_due_is_written_once_by_whoever_comes_first(room: Room, address: str) -> None:
    room.configure(digests=(plan(),))
    await put(room, "Yesterday", NOW - DAY, 1)
    await put(room, "Before", NOW - 2 * DAY, 2, state=GroupState.RESOLVED, resolved_at=NOW - DAY)
    one = digests(room)
    await one.look()
    assert await written(room) == [], "it is not three yet"
    room.clock.at = DUE + MINUTE
    await one.look()
    [row] = await written(room)
    assert (row.key, row.channel, row.urgency) == ("digest:C0ALERTS:2026-03-04", ALERTS, Urgency.DIGEST)
    text = await told(room)
    assert "Alerts from 2026-03-03 15:00 UTC until 2026-03-04 15:00 UTC" in text
    assert "Before" not in text
    other = SqlStore(address)
    try:
        await put(room, "SinceThen", room.clock.at, 3)
        for again in (one, digests(room), digests(room, other)):
            await again.look()
    finally:
        await other.close()
    assert await told(room) == text
    room.clock.at += DAY
    await one.look()
    assert [row.key for row in await written(room)] == ["digest:C0ALERTS:2026-03-04", "digest:C0ALERTS:2026-03-05"]


async def test_one_that_was_missed_comes_late_and_not_the_next_day(room: Room) -> None:
    room.configure(digests=(plan(),))
    room.clock.at = DUE + LATEST
    await digests(room).look()
    assert len(await written(room)) == 1
    room.clock.at = DUE + 2 * DAY + LATEST + MINUTE
    await digests(room).look()
    assert len(await written(room)) == 1


async def test_each_channel_hears_of_its_own_groups(room: Room) -> None:
    room.configure(digests=(plan(), plan(OTHER)))
    await put(room, "Ours", NOW - HOUR, 1)
    await put(room, "Theirs", NOW - HOUR, 2, channel=OTHER, severity=Severity.INFO)
    room.clock.at = DUE
    await digests(room).look()
    texts = {row.channel: row.text.plain for row in await written(room) if row.text}
    assert "Ours" in texts[ALERTS]
    assert "Theirs" not in texts[ALERTS]
    assert "1 group began to fire: 1 info" in texts[OTHER]


async def test_a_silence_that_hides_nothing_is_named_with_who_made_it(room: Room) -> None:
    room.configure(digests=(plan(),))
    room.alertmanager.fires(labels("a"), fingerprint("a"), silenced_by="works")
    for name, by in (("works", "U0DEV1"), ("idle", "U0DEV1"), ("other", "U0NOBODY")):
        room.alertmanager.silence(name, NOW + 9 * DAY, by)
    room.clock.at = DUE + DAY
    await digests(room).look()
    lines = (await told(room)).split("\n")
    start = lines.index("Silences that hide nothing")
    assert lines[start + 1 :] == [
        '• alertname="x" until 2026-03-13 14:05 UTC by developer: known (default); ends by /gitops silence expire idle',
        '• alertname="x" until 2026-03-13 14:05 UTC by U0NOBODY: known (default); ends by /gitops silence expire other',
    ]


async def test_a_source_that_gives_no_answer_holds_nothing_up_and_is_named(room: Room) -> None:
    room.configure(digests=(plan(),))
    room.alertmanager.down = True
    room.clock.at = DUE
    await digests(room).look()
    assert (await told(room)).endswith("Silences are not known: no answer from default.")


async def test_a_silence_is_named_where_its_alerts_go_and_everywhere_if_that_has_no_digest(room: Room) -> None:
    matchers = (Matcher("alertname", Operator.EQUAL, "x"),)
    room.configure(digests=(plan(), plan(OTHER)), routes=(AlertRoute(matchers=matchers, channel=OTHER),))
    room.alertmanager.silence("idle", NOW + 9 * DAY)
    room.clock.at = DUE + DAY
    await digests(room).look()
    assert {row.channel for row in await written(room) if row.text and "idle" in row.text.plain} == {OTHER}
    nowhere = ChannelId("C0NOWHERE")
    room.configure(routes=(AlertRoute(matchers=matchers, channel=nowhere),))
    room.clock.at += DAY
    await digests(room).look()
    newest = [row for row in await written(room) if row.key.endswith("2026-03-06")]
    assert [row.channel for row in newest if row.text and "idle" in row.text.plain] == [ALERTS, OTHER]


async def test_a_database_that_is_away_puts_it_off(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.configure(digests=(plan(),))
    room.clock.at = DUE
    one = digests(room)

    def gone(self: object) -> None:
        raise StoreUnavailable("the server is gone")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(SqlStore, "writing", gone)
        await one.look()
    assert [line["event"] for line in logs] == ["digests.no_database"]
    await one.look()
    assert len(await written(room)) == 1


async def test_whoever_asks_gets_the_same_words_for_what_he_may_see(room: Room) -> None:
    tie = Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
    await put(room, "Ours", NOW - 3 * HOUR, 1, tie=tie)
    await put(room, "Other", NOW - HOUR, 2)

    async def ours(one: Tie | None) -> bool:
        return one == tie

    text = await digests(room).text(NOW - DAY, NOW, sees=ours)
    assert "1 group began to fire: 1 critical" in text.plain
    assert "apm-stack · production 1" in text.plain
    assert "Other" not in text.plain
    everything = await digests(room).text(NOW - 2 * HOUR, NOW, sees=all_of_it)
    assert "1 group began" in everything.plain
    assert "Still open: 2" in everything.plain


async def test_what_a_day_had_is_read_in_pieces_and_nothing_falls_between_them(room: Room) -> None:
    for number in range(8):
        await put(room, f"Name{number}", NOW - DAY + number * HOUR, number)
    text = await digests(room).text(NOW - DAY, NOW - DAY + 7 * HOUR, sees=all_of_it)
    assert "7 groups began" in text.plain
    assert "Name7" not in text.plain.split("Still open")[0]


async def test_the_clock_of_the_plan_is_that_of_its_zone(room: Room) -> None:
    zoned = replace(plan(), zone="Asia/Kathmandu")
    [due] = due_digests((zoned,), DUE - timedelta(hours=5, minutes=45))
    assert due == DueDigest(
        channel=ALERTS, day=date(2026, 3, 4), since=due.at - DAY, at=DUE - timedelta(hours=5, minutes=45)
    )
