"""Sync windows: schedules, durations, and the verdict over several of them."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.windows import concerning, duration, fires_at, from_now, is_active, may_sync

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)  # a Tuesday


def window(kind: str, schedule: str = "0 12 * * *", **fields: object) -> Json:
    return {"kind": kind, "schedule": schedule, "duration": "1h", "applications": ["*"], **fields}


@pytest.mark.parametrize(("text", "seconds"), [("1h30m", 5400), ("90s", 90), ("1.5h", 5400), ("250ms", 0.25)])
def test_go_durations(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "1 h", "h", "1d"])
def test_what_is_no_go_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        duration(text)


@pytest.mark.parametrize(
    ("schedule", "fires"),
    [
        ("0 12 * * *", True), ("*/5 * * * *", True), ("1-3 12 * * *", False), ("0 12 * * 2", True),
        ("0 12 * * 0", False), ("0 12 24 11 *", True), ("0 12 1 * 2", True), ("0 0,12 * * 1-5", True),
    ],
)  # fmt: skip
def test_cron(schedule: str, fires: bool) -> None:
    assert fires_at(schedule, NOON.replace(second=0)) is fires


@pytest.mark.parametrize("schedule", ["* * * *", "60 * * * *", "x * * * *"])
def test_what_is_no_cron(schedule: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fires_at(schedule, NOON)


def test_a_window_is_active_from_its_fire_for_its_duration() -> None:
    assert is_active(window("deny"), NOON)
    assert is_active(window("deny"), NOON + timedelta(minutes=59))
    assert not is_active(window("deny"), NOON + timedelta(minutes=60))
    assert not is_active(window("deny"), NOON - timedelta(minutes=1))


def test_a_window_is_judged_in_its_own_zone() -> None:
    assert is_active(window("deny", "0 13 * * *", timeZone="Europe/Berlin"), NOON)
    assert is_active(window("deny", timeZone="Nowhere/Land"), NOON)


@pytest.mark.parametrize(
    ("windows", "manual", "automatic"),
    [
        ([], True, True),
        ([window("deny")], False, False),
        ([window("deny", manualSync=True)], True, False),
        ([window("deny", manualSync=True), window("deny")], False, False),
        ([window("allow")], True, True),
        ([window("allow", "0 7 * * *")], False, False),
        ([window("allow", "0 7 * * *", manualSync=True)], True, False),
        ([window("allow"), window("deny")], False, False),
    ],
)
def test_the_verdict(windows: list[Json], manual: bool, automatic: bool) -> None:
    assert may_sync(windows, NOON, manual=True) is manual
    assert may_sync(windows, NOON, manual=False) is automatic


def test_which_windows_concern_an_application() -> None:
    destination = {"server": "https://k", "namespace": "apm-staging"}
    by_name, by_space = window("deny", applications=["apm-*"]), window("deny", applications=[], namespaces=["x"])
    both = window("deny", applications=["apm-*"], namespaces=["x"], andOperator=True)
    assert concerning({"syncWindows": [by_name, by_space, both]}, "apm-stack", destination) == [by_name]


def test_a_window_from_now_lasts_as_long_as_asked() -> None:
    made = from_now("deny", timedelta(minutes=2), NOON, manual=False, application="a")
    assert is_active(made, NOON)
    assert is_active(made, NOON + timedelta(seconds=119))
    assert not is_active(made, NOON + timedelta(seconds=121))
