"""News of alerts make the changes due that they stand in the way of, and nobody else's."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.alerts.firing import FiringAlerts
from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.services.alerts.firing import FiringNow
from bot.services.alerts.waking import APART, IDLE_SECONDS, Waking
from tests import examples
from tests.alert_examples import alert, group
from tests.examples import NOW
from tests.services.alerts.room import Room, body

LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


def placed(environment: str = "production", **labels: str) -> Any:
    known = {"alertname": "X", "tiphys_application": "apm-stack", "tiphys_environment": environment}
    return group(alert(labels=known | labels))


async def put(room: Room, state: State = State.VERIFYING, **facts: Any) -> Change:
    async with room.store.writing() as tx:
        return await tx.changes.insert(examples.merged_change(state, number=0, due_at=LATER, **facts))


async def due(room: Room, change: Change) -> Any:
    async with room.store.reading() as tx:
        return (await tx.changes.get(change.id)).due_at


async def look_at(room: Room, change: Change, *, again: datetime = LATER) -> None:
    """Somebody did, and left it until then."""
    async with room.store.writing() as tx:
        await tx.changes.swap(replace(await tx.changes.get(change.id), due_at=again))


def waking(room: Room) -> Waking:
    firing = FiringNow(room.store, room.clients, room.clock)
    return Waking(room.store, firing, room.source, room.clock, room.bells)


@pytest.mark.parametrize(
    ("state", "environment", "is_woken"),
    [
        (State.VERIFYING, "production", True),
        (State.VERIFYING, "staging", False),
        (State.SYNCING, "production", False),
        (State.WAITING_FOR_CHECKS, "staging", True),  # promoted from there
        (State.WAITING_FOR_APPROVAL, "staging", True),
        (State.WAITING_FOR_CHECKS, "production", False),
    ],
)
async def test_who_is_woken(room: Room, state: State, environment: str, is_woken: bool) -> None:
    change = await put(room, state)
    await waking(room).wake([placed(environment)])
    assert await due(room, change) == (NOW if is_woken else LATER)


async def test_alerts_of_no_sure_stage_wake_nobody(room: Room) -> None:
    change = await put(room)
    await waking(room).wake([group(alert(labels={"alertname": "X", "namespace": "apm-stack-production"}))])
    assert await due(room, change) == LATER


async def test_a_change_is_woken_again_when_its_time_has_come(room: Room) -> None:
    change, one = await put(room), waking(room)
    await one.wake([placed()])
    await look_at(room, change)
    await one.wake([placed()])
    assert await due(room, change) == LATER
    room.clock.at += APART
    assert await one.sweep() == IDLE_SECONDS
    assert await due(room, change) == NOW + APART


async def test_a_storm_leaves_whoever_looks_at_a_change_the_time_for_it(room: Room) -> None:
    """Each time the version moves, a look under way and an approval begin anew."""
    change, one = await put(room), waking(room)
    moved = []
    for _ in range(60):
        await one.wake([placed()])
        async with room.store.reading() as tx:
            moved.append((await tx.changes.get(change.id)).version)
        room.clock.at += SECOND / 10
    assert moved == [2] * 20 + [3] * 20 + [4] * 20


async def test_the_last_news_of_a_storm_are_looked_at_and_the_next_ones_at_once(room: Room) -> None:
    change, one = await put(room), waking(room)
    for _ in range(31):
        await one.wake([placed()])
    await look_at(room, change)  # by somebody who had looked before the last of them
    room.clock.at += APART
    await one.sweep()
    assert await due(room, change) == NOW + APART
    await look_at(room, change)
    room.clock.at += APART
    await one.wake([placed()])
    assert await due(room, change) == NOW + 2 * APART


async def test_what_is_looked_at_soon_is_not_woken_as_well(room: Room) -> None:
    change = await put(room)
    await look_at(room, change, again=NOW + SECOND)
    await waking(room).wake([placed()])
    assert await due(room, change) == NOW + SECOND


async def test_what_was_known_before_the_news_is_asked_anew(room: Room) -> None:
    firing = FiringNow(room.store, room.clients, room.clock)
    one = Waking(room.store, firing, room.source, room.clock, room.bells)
    room.configure(sources={"default": room.source.current.alerts.sources["default"]})
    stage = room.source.current.get_stage("apm-stack", "production")
    assert await firing.of(stage, room.source.current) == FiringAlerts()
    labels = {"alertname": "X", "severity": "critical", "argocd_app": "apm-stack-production"}
    room.alertmanager.fires(labels, "a" * 16)
    await one.wake([placed()])
    assert await firing.of(stage, room.source.current) != FiringAlerts()


async def test_a_webhook_wakes_when_alerts_change_and_not_when_it_is_repeated(room: Room) -> None:
    change = await put(room)
    absorbing = room.absorbing(waking=waking(room))
    named = '"alertname": "HighErrorRate", "argocd_app": "apm-stack-production",'
    firing = body(("a", "firing")).replace('"alertname": "HighErrorRate",', named, 1)
    assert await room.post(firing) == 202
    await absorbing.sweep()
    assert await due(room, change) == NOW
    async with room.store.writing() as tx:
        await tx.changes.swap(replace(await tx.changes.get(ChangeId(change.id)), due_at=LATER))
    assert await room.post(firing) == 202
    await absorbing.sweep()
    assert await due(room, change) == LATER


async def test_what_the_api_alone_tells_wakes_too(room: Room) -> None:
    change = await put(room)
    labels = {"alertname": "X", "severity": "critical", "argocd_app": "apm-stack-production"}
    room.configure(sources={"default": replace(
        room.source.current.alerts.sources["default"], receivers=("tiphys",)
    )})  # fmt: skip
    room.alertmanager.fires(labels, "a" * 16)
    await room.reconciling(waking=waking(room)).look()
    assert await due(room, change) == NOW
