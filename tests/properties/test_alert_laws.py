"""The laws of alert groups: whatever order snapshots come in, however often, from however many Alertmanagers."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from bot.domain.alerts.absorb import absorb
from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.reconcile import reconcile
from bot.domain.alerts.snapshot import Snapshot
from tests.alert_examples import GROUP, alert, snapshot
from tests.examples import NOW

SECOND = timedelta(seconds=1)
WITH_API = AlertsPolicy(sources={"default": AlertSource(name="default", url="http://127.0.0.1:9")})
WITHOUT = AlertsPolicy(sources={"default": AlertSource(name="default")})
POLICIES = some.sampled_from([WITH_API, WITHOUT])
SERVICES = ("a", "b", "c", "d")
MANY = settings(max_examples=200, deadline=None)

Times = dict[str, list[tuple[int, int]]]
"""The world: for each alert its episodes, as seconds of start and end, in order and apart."""


@some.composite
def worlds(draw: some.DrawFn) -> Times:
    found: Times = {}
    for service in SERVICES:
        marks = sorted(draw(some.lists(some.integers(0, 400), max_size=6, unique=True)))
        found[service] = list(zip(marks[::2], marks[1::2], strict=False))
    return found


def at(second: int) -> datetime:
    return NOW + second * SECOND


def told(world: Times, second: int, hidden: frozenset[str] = frozenset(), truncated: int = 0) -> Snapshot | None:
    """What an Alertmanager that knows everything tells then: what fires, and what ended in the last minute."""
    alerts: list[Alert] = []
    for service, episodes in world.items():
        now = [(start, end) for start, end in episodes if start <= second]
        if not now or service in hidden:
            continue
        start, end = now[-1]
        if second < end:
            alerts.append(alert(service, starts_at=at(start)))
        elif second - end <= 60:
            alerts.append(alert(service, starts_at=at(start), ends_at=at(end), state=AlertState.RESOLVED))
    kept = alerts[: len(alerts) - truncated] if truncated else alerts
    return snapshot(*kept, truncated=len(alerts) - len(kept)) if kept else None


def hear(
    group: AlertGroup | None, heard: Snapshot, policy: AlertsPolicy, second: int, number: int = 0
) -> AlertGroup | None:
    return absorb(
        group, heard, policy, at(second), number=number, new_id=AlertGroupId(f"{GROUP[:-3]}{number:03}")
    ).group


def episodes(group: AlertGroup | None, *states: AlertState) -> set[tuple[str, datetime]]:
    return {(one.fingerprint, one.starts_at) for one in group.alerts if one.state in states} if group else set()


MOMENTS = some.lists(some.integers(0, 400), min_size=1, max_size=8, unique=True).map(sorted)


@MANY
@given(worlds(), MOMENTS, POLICIES)
def test_in_order_a_group_is_what_was_told_last(world: Times, moments: list[int], policy: AlertsPolicy) -> None:
    group, last = None, None
    for number, second in enumerate(moments, 1):
        if (heard := told(world, second)) is not None:
            group, last = hear(group, heard, policy, second, number), heard
    if last is not None and any(one.state is AlertState.FIRING for one in last.alerts):
        assert group is not None
        assert not group.is_over
        firing = {(one.fingerprint, one.starts_at) for one in last.alerts if one.state is AlertState.FIRING}
        assert episodes(group, AlertState.FIRING) == firing


@MANY
@given(worlds(), MOMENTS, POLICIES, some.integers(1, 3))
def test_absorbing_again_changes_nothing(world: Times, moments: list[int], policy: AlertsPolicy, times: int) -> None:
    group: AlertGroup | None = None
    for number, second in enumerate(moments, 1):
        if (heard := told(world, second)) is None:
            continue
        group = hear(group, heard, policy, second, number)
        for _ in range(times):
            again = absorb(
                group, replace(heard, external_url="http://the-other"), policy, at(second), number=number, new_id=GROUP
            )
            assert again.group == group
            assert not again.is_shown
            assert not again.notes


@MANY
@given(worlds(), MOMENTS, POLICIES, some.data())
def test_a_resolved_episode_never_fires_again_by_an_old_snapshot(
    world: Times, moments: list[int], policy: AlertsPolicy, data: some.DataObject
) -> None:
    """Late ones: peers, retries, in any order, and with a resolved alert told again."""
    heard = [(second, one) for second in moments if (one := told(world, second)) is not None]
    late = data.draw(some.permutations(heard + heard))
    group: AlertGroup | None = None
    ended: set[tuple[str, datetime]] = set()
    for number, (_, one) in enumerate(late, 1):
        group = hear(group, one, policy, 401, number)
        if group is not None and group.id.endswith(f"{number:03}"):
            ended = set()  # a new row begins anew
        ended |= episodes(group, AlertState.RESOLVED)
        assert not ended & episodes(group, AlertState.FIRING, AlertState.SILENCED)


@MANY
@given(worlds(), MOMENTS, some.data())
def test_nothing_that_fires_is_lost_without_a_check(world: Times, moments: list[int], data: some.DataObject) -> None:
    """Whatever came in whatever order: a group that is not what the newest snapshot says will be asked about."""
    heard = [(second, one) for second in moments if (one := told(world, second)) is not None]
    if not heard:
        return
    shuffled = data.draw(some.permutations(heard))
    group: AlertGroup | None = None
    for number, (_, one) in enumerate(shuffled, 1):
        group = hear(group, one, WITH_API, 401, number)
    newest = max(heard, key=lambda pair: pair[0])[1]
    fires = {one.fingerprint for one in newest.alerts if one.state is AlertState.FIRING}
    known = {fingerprint for fingerprint, _ in episodes(group, AlertState.FIRING)}
    if fires:
        assert group is not None
        assert fires == known or group.check_at is not None


@MANY
@given(worlds(), MOMENTS, some.integers(1, 3))
def test_what_a_truncated_snapshot_leaves_out_stays(world: Times, moments: list[int], truncated: int) -> None:
    group: AlertGroup | None = None
    for number, second in enumerate(moments, 1):
        before = group
        if (heard := told(world, second, truncated=truncated)) is None:
            continue
        group = hear(group, heard, WITH_API, second, number)
        if heard.truncated and before is not None and group is not None and before.id == group.id:
            names = {one.fingerprint for one in heard.alerts}
            assert all(one in group.alerts for one in before.alerts if one.fingerprint not in names)
            assert not group.is_over or before.is_over
            assert group.check_at is not None


@MANY
@given(worlds(), MOMENTS, some.integers(0, 400), POLICIES)
def test_the_api_has_the_last_word(world: Times, moments: list[int], second: int, policy: AlertsPolicy) -> None:
    """After a look at a settled Alertmanager a group fires where something does; looking again changes nothing."""
    group: AlertGroup | None = None
    for number, moment in enumerate(moments, 1):
        if (heard := told(world, moment)) is not None:
            group = hear(group, heard, policy, moment, number)
    if group is None:
        return
    fires = [
        one
        for one in (told(world, second) or snapshot()).alerts
        if told(world, second) and one.state is AlertState.FIRING
    ]
    now = at(1_000)
    first = reconcile(group, fires, (), WITH_API, now, new_id=GROUP).group
    assert first is not None
    assert {one.fingerprint for one in first.firing} == {one.fingerprint for one in fires}
    assert first.is_over == (not fires)
    again = reconcile(first, fires, (), WITH_API, now, new_id=GROUP)
    assert again.group == first
    assert not again.is_shown


@MANY
@given(worlds(), MOMENTS)
def test_an_unsettled_alertmanager_ends_nothing(world: Times, moments: list[int]) -> None:
    group: AlertGroup | None = None
    for number, moment in enumerate(moments, 1):
        if (heard := told(world, moment)) is not None:
            group = hear(group, heard, WITH_API, moment, number)
    if group is not None:
        after = reconcile(group, (), (), WITH_API, at(1_000), settled=False, new_id=GROUP).group
        assert after is not None
        assert after.state is group.state
        assert episodes(after, AlertState.FIRING, AlertState.UNREPORTED) == episodes(
            group, AlertState.FIRING, AlertState.UNREPORTED
        )
