"""Schedules as Argo CD reads them, against examples and against another implementation."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from bot.integrations.argocd.cron import Cron

UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def _next(schedule: str, after: str, zone: ZoneInfo = UTC_ZONE) -> str:
    found = Cron.parse(schedule).next_after(datetime.fromisoformat(after).replace(tzinfo=UTC), zone)
    return found.strftime("%Y-%m-%d %H:%M") if found else "never"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-11-23 20:00:00", "2026-11-23 20:01"),
        ("* * * * *", "2026-11-23 20:00:59", "2026-11-23 20:01"),
        ("0 7 * * *", "2026-11-23 07:00:00", "2026-11-24 07:00"),
        ("0 7 * * *", "2026-11-23 06:59:59", "2026-11-23 07:00"),
        ("0 22 * * 5", "2026-11-23 20:00", "2026-11-27 22:00"),  # Friday; Monday is 1
        ("0 22 * * FRI", "2026-11-23 20:00", "2026-11-27 22:00"),
        ("0 0 * * 0", "2026-11-23 20:00", "2026-11-29 00:00"),  # Sunday
        ("0 0 * * sun-tue", "2026-11-24 00:00", "2026-11-29 00:00"),
        ("0 0 1 1 *", "2026-11-23 20:00", "2027-01-01 00:00"),
        ("0 0 1 JAN *", "2026-11-23 20:00", "2027-01-01 00:00"),
        ("0 0 29 2 *", "2026-11-23 20:00", "2028-02-29 00:00"),
        ("0 0 31 2 *", "2026-11-23 20:00", "never"),
        ("*/20 9-10 * * *", "2026-11-23 09:40", "2026-11-23 10:00"),
        ("5/20 9 * * *", "2026-11-23 09:25", "2026-11-23 09:45"),  # a number with a step runs to the end
        ("0,30 8,20 * * *", "2026-11-23 08:30", "2026-11-23 20:00"),
        ("0 0 13 * 5", "2026-11-23 20:00", "2026-11-27 00:00"),  # day and weekday: either is enough
        ("0 0 13 * *", "2026-11-23 20:00", "2026-12-13 00:00"),
        ("0 0 ? * 1", "2026-11-23 20:00", "2026-11-30 00:00"),
        ("0 0 */2 * 1", "2026-11-23 20:00", "2026-11-25 00:00"),  # a step of two is a restriction
        ("0 0 */1 * 1", "2026-11-23 20:00", "2026-11-30 00:00"),  # a step of one is none
    ],
)
def test_the_next_firing(schedule: str, after: str, expected: str) -> None:
    assert _next(schedule, after) == expected


def test_the_wall_clock_of_a_zone() -> None:
    assert _next("0 7 * * *", "2026-11-23 20:00", BERLIN) == "2026-11-24 06:00"
    assert _next("0 7 * * *", "2026-07-23 20:00", BERLIN) == "2026-07-24 05:00"


def test_an_hour_that_the_clocks_skip_does_not_fire() -> None:
    assert _next("30 2 * * *", "2026-03-28 02:00", BERLIN) == "2026-03-30 00:30"


def test_an_hour_that_comes_twice_fires_once() -> None:
    first = _next("30 2 * * *", "2026-10-24 22:00", BERLIN)
    assert first == "2026-10-25 00:30"
    assert _next("30 2 * * *", "2026-10-25 00:30", BERLIN) == "2026-10-26 01:30"


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7"),
        *("a * * * *", "5-2 * * * *", "*/0 * * * *", "1- * * * *", "-1 * * * *", "* * * * MOND", ", * * * *"),
    ],
)
def test_what_argo_cd_would_not_take(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"fields|number|step|within"):
        Cron.parse(schedule)


def _field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    spread = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, highest - lowest).map(lambda size: f"*/{size}")
    return st.one_of(st.just("*"), number.map(str), spread, step)


@given(
    minute=_field(0, 59),
    hour=_field(0, 23),
    day=_field(1, 31),
    month=_field(1, 12),
    after=st.integers(0, 10 * 365 * 24 * 3600),
)
def test_in_agreement_with_another_implementation(minute: str, hour: str, day: str, month: str, after: int) -> None:
    """Where the two mean the same: UTC, and no weekday (there Monday is 0 and both days must match)."""
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
    ours = Cron.parse(f"{minute} {hour} {day} {month} *").next_after(moment, UTC_ZONE)
    trigger = CronTrigger(minute=minute, hour=hour, day=day, month=month, timezone="UTC")
    theirs = trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
    if ours is None:
        assert theirs is None or theirs > moment + timedelta(days=365 * 5)
    else:
        assert ours == theirs
