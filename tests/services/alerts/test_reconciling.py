"""What the API knows and webhooks do not: silences, what ended under them, what was never told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.group import GroupState
from bot.domain.alerts.reconcile import rest
from bot.domain.alerts.standing import UNHEARD
from bot.store.store import SqlStore
from tests.alert_examples import alert, group
from tests.databases import BOTH, until_one_waits_for_a_lock
from tests.examples import DEVELOPER, NOW
from tests.services.alerts.room import Room, body, fingerprint, labels, rfc3339

both = pytest.mark.parametrize("address", BOTH, indirect=True)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


async def states(room: Room) -> dict[str, AlertState]:
    return {alert.labels["service"]: alert.state for alert in (await room.group()).alerts}


def fires(room: Room, *services: str, **facts: Any) -> None:
    room.alertmanager.alerts.clear()
    for service in services:
        room.alertmanager.fires(labels(service), fingerprint(service), **facts)


@both
async def test_what_a_webhook_made_doubtful_is_asked_about_soon(room: Room) -> None:
    await room.hear(body(("a", "firing"), ("b", "firing")), body(("a", "firing")))
    assert await states(room) == {"a": AlertState.FIRING, "b": AlertState.UNREPORTED}
    worker = room.reconciling()
    fires(room, "a")
    room.alertmanager.fires(labels("b"), fingerprint("b"), silenced_by="s-1")
    room.alertmanager.silence("s-1", NOW + 60 * MINUTE)
    room.clock.at += 3 * SECOND
    nap = await worker.look()
    assert await states(room) == {"a": AlertState.FIRING, "b": AlertState.SILENCED}
    group = await room.group()
    [silence] = group.silences
    assert (silence.id, silence.by, silence.ends_at) == ("s-1", "U0DEV1", NOW + 60 * MINUTE)
    assert group.check_at == NOW + 60 * MINUTE + 3 * SECOND
    assert SECOND <= nap <= 15 * SECOND
    assert (await room.notes())[-1] == "Silenced: b."


async def test_what_resolved_while_silenced_is_found_by_the_poll(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    room.alertmanager.fires(labels("a"), fingerprint("a"), silenced_by="s-1")
    worker = room.reconciling()
    room.clock.at += 3 * SECOND
    await worker.look()
    assert (await room.group()).count(AlertState.SILENCED) == 1
    room.alertmanager.alerts.clear()
    room.clock.at += 2 * MINUTE
    await worker.look()
    group = await room.group()
    assert (group.state, group.resolved_at) == (GroupState.RESOLVED, room.clock.at)


async def test_a_silence_that_ended_shows_what_fires_on(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    room.alertmanager.fires(labels("a"), fingerprint("a"), silenced_by="s-1")
    room.alertmanager.silence("s-1", NOW + 5 * MINUTE)
    worker = room.reconciling()
    room.clock.at += 3 * SECOND
    await worker.look()
    fires(room, "a")
    room.clock.at = NOW + 5 * MINUTE + 4 * SECOND
    await worker.look()
    group = await room.group()
    assert (group.count(AlertState.FIRING), group.silences) == (1, ())
    assert (await room.notes())[-1] == "No longer silenced: HighErrorRate."


async def test_what_was_heard_this_moment_is_not_ended_by_a_neighbour_that_has_not(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    worker = room.reconciling()
    room.clock.at += 3 * SECOND
    await worker.look()
    assert await states(room) == {"a": AlertState.FIRING}
    room.clock.at += 15 * SECOND
    await worker.look()
    assert await states(room) == {"a": AlertState.RESOLVED}


async def test_an_alertmanager_that_has_just_started_ends_nothing(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    room.clock.at += MINUTE
    room.alertmanager.up_since = room.clock.at - SECOND
    worker = room.reconciling()
    await worker.look()
    assert await states(room) == {"a": AlertState.FIRING}
    room.clock.at += 10 * MINUTE
    await worker.look()
    assert await states(room) == {"a": AlertState.RESOLVED}


@both
async def test_one_that_gives_no_answer_changes_nothing_and_is_told_of_once(room: Room) -> None:
    await room.hear(body(("a", "firing"), ("b", "firing")), body(("a", "firing")))
    before = await room.group()
    worker, room.alertmanager.down = room.reconciling(), True
    with capture_logs() as logs:
        for _ in range(8):
            room.clock.at += MINUTE
            await worker.look()
    assert await room.group() == before
    assert [line["log_level"] for line in logs if line["event"] == "alertmanager.no_answer"] == ["warning"]
    room.alertmanager.down = False
    fires(room, "a")
    room.clock.at += MINUTE
    await worker.look()
    assert await states(room) == {"a": AlertState.FIRING, "b": AlertState.RESOLVED}


async def test_a_group_whose_webhook_was_lost_is_found_and_taken_over_by_one_that_comes(room: Room) -> None:
    room.configure(sources={"default": replace(room.source.current.alerts.sources["default"], receivers=("tiphys",))})
    fires(room, "a")
    room.alertmanager.fires(labels("x"), fingerprint("x"), receiver="somebody-else")
    worker = room.reconciling()
    await worker.look()
    group = await room.group()
    assert (group.group_key, group.group_labels, len(group.firing)) == ("", {"alertname": "HighErrorRate"}, 1)
    assert len(await room.outgoing()) == 1
    await room.hear(body(("a", "firing"), ("b", "firing")))
    group = await room.group()
    assert (group.group_key, len(group.firing)) == ('{}:{alertname="HighErrorRate"}', 2)


async def test_a_receiver_that_was_never_heard_of_is_not_ours(room: Room) -> None:
    fires(room, "a")
    await room.reconciling().look()
    assert await room.groups() == []


async def test_what_only_the_api_tells_of_a_known_group_is_added(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    fires(room, "a", "b")
    worker = room.reconciling()
    room.clock.at += 3 * SECOND
    await worker.look()
    assert await states(room) == {"a": AlertState.FIRING, "b": AlertState.FIRING}


async def test_a_group_that_is_over_and_fires_after_all(room: Room) -> None:
    await room.hear(body(("a", "firing")), body(("a", "resolved")), body(("a", "firing")))
    group = await room.group()
    assert group.is_over, "an old snapshot is not believed"
    assert group.check_at is not None
    fires(room, "a")
    room.clock.at += 3 * SECOND
    await room.reconciling().look()
    assert (await room.group()).state is GroupState.FIRING


@both
async def test_who_writes_the_group_while_the_api_is_asked_is_not_overwritten(room: Room) -> None:
    await room.hear(body(("a", "firing"), ("b", "firing")), body(("a", "firing")))
    fires(room, "a")
    ask = room.clients["default"].list_silences

    async def raced() -> object:
        async with room.store.writing() as tx:
            await tx.alerts.swap(replace(await room.group(), assigned_to=DEVELOPER))
        return await ask()

    room.clients["default"].list_silences = raced  # type: ignore[method-assign,assignment]
    worker = room.reconciling()
    room.clock.at += 3 * SECOND
    await worker.look()
    assert (await room.group()).count(AlertState.UNREPORTED) == 1
    room.clients["default"].list_silences = ask  # type: ignore[method-assign]
    room.clock.at += 3 * SECOND
    await worker.look()
    group = await room.group()
    assert (group.count(AlertState.UNREPORTED), group.assigned_to) == (0, DEVELOPER)


@both
async def test_a_row_that_a_newer_one_of_its_group_has_followed_is_at_rest(room: Room) -> None:
    room.configure(reopen_within=timedelta())
    await room.hear(body(("a", "firing")), body(("a", "resolved")), body(("a", "firing")))  # the last is doubtful
    anew = body(("a", "firing")).replace(rfc3339(NOW - 3 * MINUTE), rfc3339(NOW + SECOND))
    room.clock.at += SECOND
    await room.hear(anew)
    assert [(group.is_over, group.check_at is None) for group in await room.groups()] == [(True, False), (False, False)]
    fires(room, "a", since=NOW + SECOND)
    worker = room.reconciling()
    for _ in range(2):
        room.clock.at += 20 * SECOND
        await worker.look()
    assert [(group.is_over, group.check_at) for group in await room.groups()] == [(True, None), (False, None)]
    asked = room.alertmanager.asked
    room.clock.at += 20 * SECOND
    await worker.look()
    assert room.alertmanager.asked == asked, "there is nothing to ask about before the next poll"


@both
async def test_a_webhook_that_comes_while_the_api_is_asked_makes_the_only_group(room: Room) -> None:
    room.configure(sources={"default": replace(room.source.current.alerts.sources["default"], receivers=("tiphys",))})
    fires(room, "a")
    ask = room.clients["default"].list_silences

    async def raced() -> object:
        await room.hear(body(("a", "firing")))
        return await ask()

    room.clients["default"].list_silences = raced  # type: ignore[method-assign,assignment]
    await room.reconciling().look()
    assert (await room.group()).group_key == '{}:{alertname="HighErrorRate"}'


async def test_without_an_api_the_source_is_taken_at_its_word(deaf: Room) -> None:
    await deaf.hear(body(("a", "firing"), ("b", "firing")), body(("a", "resolved"), status="resolved"))
    group = await deaf.group()
    assert (group.is_over, group.check_at) == (True, None)


async def test_without_an_api_a_group_is_calm_after_a_time(deaf: Room) -> None:
    for minute in range(0, 8, 2):
        start = f"2026-03-04T14:{10 + minute}:00Z"
        end = f"2026-03-04T14:{11 + minute}:00Z"
        fired = body(("a", "firing")).replace("2026-03-04T14:02:00Z", start)
        await deaf.hear(fired, fired.replace('"firing"', '"resolved"').replace("0001-01-01T00:00:00Z", end))
    group = await deaf.group()
    assert (group.is_flapping, group.check_at) == (True, NOW + 30 * MINUTE)
    async with deaf.store.writing() as tx:
        for row in await tx.outbox.list_due(NOW, limit=99):
            await tx.outbox.mark_sent(row)
    await deaf.hear(body(("a", "firing")).replace("2026-03-04T14:02:00Z", "2026-03-04T14:20:00Z"))
    async with deaf.store.reading() as tx:
        assert await tx.outbox.next_due(NOW) == NOW + 5 * MINUTE, "what it is now is shown a little later"
    worker = deaf.reconciling()
    deaf.clock.at += 31 * MINUTE
    await worker.look()
    group = await deaf.group()
    assert (group.is_flapping, group.is_over, group.check_at) == (False, False, NOW + UNHEARD)
    assert (await deaf.notes())[-1] == "Calm: it has been firing steadily."


async def test_without_an_api_what_nobody_tells_of_for_days_is_over(deaf: Room) -> None:
    await deaf.hear(body(("a", "firing")))
    worker = deaf.reconciling()
    deaf.clock.at += 4 * DAY
    await worker.look()
    await deaf.hear(body(("a", "firing")))
    for later in (3 * DAY, 2 * DAY):
        deaf.clock.at += later
        await worker.look()
        assert not (await deaf.group()).is_over
    deaf.clock.at += 1 * DAY + MINUTE
    await worker.look()
    assert ((await deaf.group()).is_over, (await deaf.group()).check_at) == (True, None)
    assert await deaf.notes() == [
        "No webhook has told of it for 6 days: it is taken for over.", "Resolved after 10 days.",
    ]  # fmt: skip
    await deaf.hear(body(("a", "firing")))
    assert not (await deaf.group()).is_over, "it is told of again"


async def test_what_a_webhook_does_not_tell_is_not_taken_for_over_where_the_api_can_be_asked(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    fires(room, "a")
    room.clock.at += 9 * DAY
    await room.reconciling().look()
    assert not (await room.group()).is_over
    assert rest(await room.group(), room.source.current.alerts, room.clock.at).notes == ()


@both
async def test_groups_of_a_source_that_is_no_longer_configured_are_over(room: Room) -> None:
    await room.hear(body(("a", "firing")))
    room.configure(sources={"eu": room.source.current.alerts.sources["eu"]})
    await room.reconciling().look()
    assert (await room.group()).is_over
    assert (await room.notes())[0].startswith("Its Alertmanager is no longer in tiphys.yaml")


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_it_and_whoever_else_writes_groups_do_not_lock_each_other_out(room: Room, address: str) -> None:
    """The other one has the first group and wants the second next, as a batch of webhooks does."""
    await room.hear(*(_alone(service) for service in ("a", "b")))
    first, second = await room.groups()
    other = SqlStore(address)
    async with other.writing() as tx:
        first = await tx.alerts.swap(first)  # the rows are found in the order in which they were written last
    for service in ("a", "b"):
        room.alertmanager.fires(labels(service), fingerprint(service), silenced_by="s-1")
    room.alertmanager.silence("s-1", NOW + 60 * MINUTE)
    room.clock.at += 3 * SECOND
    async with asyncio.TaskGroup() as tasks, other.writing() as tx:
        await tx.alerts.swap(first)
        tasks.create_task(room.reconciling().look())
        await until_one_waits_for_a_lock(room.store)
        await tx.alerts.swap(second)
    await other.close()
    assert [group.version for group in await room.groups()] == [first.version + 1, second.version + 1]


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_a_webhook_that_was_late_and_not_lost_makes_the_only_group(room: Room, address: str) -> None:
    """Whoever works it off has opened its group, and not committed it yet."""
    room.configure(sources={"default": replace(room.source.current.alerts.sources["default"], receivers=("tiphys",))})
    fires(room, "a")
    other = SqlStore(address)
    async with asyncio.TaskGroup() as tasks, other.writing() as tx:
        assert await tx.intake.claim(NOW, limit=9) == []
        opened = await tx.alerts.insert(
            group(alert("a", labels=labels("a")), group_key="{}:{}", group_labels={"alertname": "HighErrorRate"})
        )
        tasks.create_task(room.reconciling().look())
        await until_one_waits_for_a_lock(room.store)
    await other.close()
    assert [found.id for found in await room.groups()] == [opened.id]


def _alone(service: str) -> str:
    """A webhook of a group of its own."""
    names = {"alertname": "HighErrorRate", "service": service}
    return body((service, "firing"), groupKey=f"{{}}:{{service={service}}}", groupLabels=names)
