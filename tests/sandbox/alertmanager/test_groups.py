"""When a group is told of, and what is left out of it: as the real one decides."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.alertmanager.groups import Told, reason_to_tell
from bot.sandbox.alertmanager.setup import Setup
from tests.sandbox.alertmanager.conftest import Start, World

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUICK = Setup(group_wait=0.5, group_interval=2, sent_again=30)


def told(firing: str = "", resolved: str = "", *, minutes_ago: int = 1) -> Told:
    return Told(frozenset(firing), frozenset(resolved), NOW - timedelta(minutes=minutes_ago))


@pytest.mark.parametrize(
    ("before", "firing", "resolved", "reason"),
    [
        (None, "a", "", "first notification"),
        (None, "", "a", None),
        (told("a"), "a", "", None),
        (told("a"), "ab", "", "new alerts added"),
        (told("", "a"), "a", "", "first notification"),
        (told("ab"), "a", "b", "some alerts resolved"),
        (told("a", "b"), "a", "b", None),
        (told("ab"), "a", "", None),  # one has vanished behind a silence
        (told("a"), "", "a", "all alerts resolved"),
        (told("", "a"), "", "a", None),
        (told("a", minutes_ago=300), "a", "", "repeat interval elapsed"),
    ],
)
def test_when_a_webhook_is_due(before: Told | None, firing: str, resolved: str, reason: str | None) -> None:
    repeat = timedelta(hours=4)
    assert reason_to_tell(before, frozenset(firing), frozenset(resolved), now=NOW, repeat=repeat) == reason


async def test_a_group_fires_resolves_in_part_and_is_over(world: World) -> None:
    await world.act("fire", service="a")
    await world.act("fire", service="b")
    await world.act("resolve", service="a")
    await world.act("resolve", service="b")
    heard = world.receiver.heard
    assert [each.body["status"] for each in heard] == ["firing", "firing", "firing", "resolved"]
    assert [each.states for each in heard] == [
        {"a": "firing"}, {"a": "firing", "b": "firing"}, {"a": "resolved", "b": "firing"},
        {"a": "resolved", "b": "resolved"},  # Prometheus goes on telling of what is resolved
    ]  # fmt: skip
    assert [each.body["notification_reason"] for each in heard] == [
        "first notification", "new alerts added", "some alerts resolved", "all alerts resolved",
    ]  # fmt: skip
    assert {each.body["groupKey"] for each in heard} == {'{}:{alertname="HighErrorRate", namespace="apm-production"}'}
    assert heard[0].headers["Authorization"] == "Bearer made-up"
    assert heard[0].headers["User-Agent"] == "Alertmanager/0.33.1"
    assert heard[0].body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert heard[0].body["externalURL"] == world.service.base_url


async def test_what_is_silenced_vanishes_without_a_trace_and_its_end_is_never_told(world: World) -> None:
    for service in ("a", "b"):
        await world.act("fire", service=service)
    silence = await world.silence(service="a")
    count = len(world.receiver.heard)
    await world.act("resolve", service="a")  # a whole flush of the group went by
    assert len(world.receiver.heard) == count
    await world.api.delete(f"/api/v2/silence/{silence}")
    await world.act("fire", service="c")
    assert world.receiver.heard[-1].states == {"b": "firing", "c": "firing"}


async def test_after_a_silence_nothing_is_told_of_what_still_fires(world: World) -> None:
    await world.act("fire", service="a")
    silence = await world.silence(service="a")
    await world.api.delete(f"/api/v2/silence/{silence}")
    again = await world.act("fire", service="a")  # told of again; the same episode
    assert again["told"]
    assert len(world.receiver.heard) == 1


async def test_of_a_group_that_is_hidden_as_a_whole_nothing_is_told_until_it_is_not(world: World) -> None:
    await world.act("fire", service="a")
    silence = await world.silence(alertname="HighErrorRate")
    assert (await world.act("fire", service="a"))["told"]
    assert len(world.receiver.heard) == 1
    await world.api.delete(f"/api/v2/silence/{silence}")
    await world.act("resolve", service="a")
    assert [each.body["status"] for each in world.receiver.heard] == ["firing", "resolved"]


async def test_groups_are_told_of_apart(world: World) -> None:
    await world.act("fire", namespace="apm-staging")
    await world.act("fire", namespace="apm-production", tiphys_environment="production")
    keys = [each.body["groupKey"] for each in world.receiver.heard]
    assert keys == [
        '{}:{alertname="HighErrorRate", namespace="apm-staging"}',
        '{}:{alertname="HighErrorRate", namespace="apm-production", tiphys_environment="production"}',
    ]


async def test_a_5xx_is_asked_again_with_the_same_body(world: World) -> None:
    world.receiver.statuses = [503, 500]
    await world.act("fire")
    await world.until(lambda: len(world.receiver.heard) == 3)
    assert world.receiver.heard[0].body == world.receiver.heard[1].body == world.receiver.heard[2].body


@pytest.mark.parametrize("status", [400, 401, 429, 302])
async def test_any_other_no_ends_the_flush_and_the_next_one_tries_again(status: int, start: Start) -> None:
    world = await start(setup=QUICK)
    world.receiver.statuses = [status]
    await world.act("fire")
    assert len(world.receiver.heard) == 1
    await world.until(lambda: len(world.receiver.heard) == 2)
    assert world.receiver.heard[0].body == world.receiver.heard[1].body


async def test_what_ends_before_it_was_told_never_is(start: Start) -> None:
    world = await start(setup=QUICK)
    world.receiver.statuses = [400] * 100
    await world.act("fire")
    await world.until(lambda: len(world.receiver.heard) >= 1)
    world.receiver.statuses = [400] * 100
    await world.act("resolve")
    count = len(world.receiver.heard)
    world.receiver.statuses = []
    await world.act("fire", alertname="Other")
    assert [each.body["groupLabels"]["alertname"] for each in world.receiver.heard[count:]] == ["Other"]


async def test_it_goes_on_repeating(start: Start) -> None:
    world = await start(setup=Setup(group_wait=0.5, group_interval=2, repeat_interval=4))
    await world.act("fire")
    await world.until(lambda: len(world.receiver.heard) >= 3)
    reasons = {each.body["notification_reason"] for each in world.receiver.heard[1:]}
    assert reasons == {"repeat interval elapsed"}


async def test_what_nobody_tells_of_again_resolves_by_itself(start: Start) -> None:
    world = await start(setup=Setup(group_wait=0.5, group_interval=2, resolve_timeout=10))
    await world.api.post("/api/v2/alerts", json=[{"labels": {"alertname": "NoEndsAt"}}])
    await world.until(lambda: len(world.receiver.heard) == 2)
    assert [each.body["status"] for each in world.receiver.heard] == ["firing", "resolved"]


async def test_a_restart_forgets_nothing(start: Start) -> None:
    first = await start()
    await first.act("fire", service="a")
    await first.act("fire", alertname="Other")
    await first.act("resolve", alertname="Other")
    silence = await first.silence(service="x")
    stored = first.service.dump()
    await first.service.close()
    world = await start(stored=stored)
    await world.act("resolve", service="a")
    assert [each.body["status"] for each in world.receiver.heard] == ["resolved"]
    assert (await world.api.get(f"/api/v2/silence/{silence}")).json()["status"] == {"state": "active"}
    uptime = (await world.api.get("/api/v2/status")).json()["uptime"]
    assert datetime.fromisoformat(uptime) == datetime.fromisoformat(stored["started_at"])
