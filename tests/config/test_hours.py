"""Weekdays, times and zones as people write them, and what they are told when they are none."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.config.hours import (
    END_OF_DAY,
    EVERY_DAY,
    NotATime,
    days,
    hours,
    time_of_day,
    write_days,
    write_hours,
    write_time,
    zone,
)
from bot.domain.alerts.policy import Hours

TIMES = some.times().map(lambda moment: moment.replace(second=0, microsecond=0))
DAYS = some.frozensets(some.integers(0, 6), min_size=1)


@pytest.mark.parametrize(
    ("text", "on", "start", "end", "place"),
    [
        ("Mon-Fri 08:00-18:00 Europe/Berlin", {0, 1, 2, 3, 4}, time(8), time(18), "Europe/Berlin"),
        ("22:00-6:30 UTC", set(range(7)), time(22), time(6, 30), "UTC"),
        ("sat,SUN 00:00-24:00 America/New_York", {5, 6}, time(0), END_OF_DAY, "America/New_York"),
        ("Fri-Mon,Wed  09:15-09:45  Asia/Tokyo", {4, 5, 6, 0, 2}, time(9, 15), time(9, 45), "Asia/Tokyo"),
    ],
)
def test_hours(text: str, on: set[int], start: time, end: time, place: str) -> None:
    assert hours(text) == Hours(days=frozenset(on), start=start, end=end, zone=place)


@pytest.mark.parametrize(
    ("text", "reason", "fix"),
    [
        ("Mon-Fri 08:00-18:00", "`Mon-Fri 08:00-18:00` lacks its zone", "Mon-Fri 08:00-18:00 Europe/Berlin"),
        ("08:00-18:00", "lacks its zone", "Europe/Berlin"),
        ("Mon-Fri UTC", "lacks its times", "Mon-Fri 08:00-18:00"),
        ("", "is not days, times and a zone", "Mon-Fri 08:00-18:00"),
        ("Mon - Fri 08:00 - 18:00 UTC", "is not days, times and a zone", "Mon-Fri 08:00-18:00"),
        ("Mon-Fri 08:00 UTC", "`08:00` is not a start and an end", "`08:00-18:00`"),
        ("Mon-Fri 8-18 UTC", "`8` is not a time of day", "`09:00`"),
        ("Mon-Fri 08:00-25:00 UTC", "`25:00` is not a time of day", "`09:00`"),
        ("Mon-Fri 24:00-08:00 UTC", "`24:00` is not a time of day", "`09:00`"),
        ("Mon-Fri 08:00-08:00 UTC", "`08:00-08:00` ends when it starts", "`00:00-24:00` for the whole day"),
        ("Mo-Fr 08:00-18:00 UTC", "`Mo` is not a weekday", "`Mon`, `Tue`"),
        ("Mon- 08:00-18:00 UTC", "`` is not a weekday", "`Mon`, `Tue`"),
        ("Mon-Fri 08:00-18:00 Europe/Berln", "no time zone `Europe/Berln`", "Did you mean `Europe/Berlin`?"),
        ("Mon-Fri 08:00-18:00 europe/berlin", "no time zone `europe/berlin`", "Did you mean `Europe/Berlin`?"),
        ("Mon-Fri 08:00-18:00 ../../etc/passwd", "no time zone `../../etc/passwd`", "`Europe/Berlin`, or `UTC`"),
    ],
)
def test_no_hours(text: str, reason: str, fix: str) -> None:
    with pytest.raises(NotATime) as caught:
        hours(text)
    assert reason in caught.value.reason
    assert fix in caught.value.fix


@given(DAYS, TIMES, TIMES | some.just(END_OF_DAY), some.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_what_is_written_is_read_again(on: frozenset[int], start: time, end: time, place: str) -> None:
    if start != end:
        written = Hours(days=on, start=start, end=end, zone=place)
        assert hours(write_hours(written)) == written
    assert days(write_days(on)) == on
    assert time_of_day(write_time(start)) == start


@given(some.text(alphabet="MonFriSat,- 0123456789:UTC/", max_size=40))
def test_any_text_is_hours_or_none(text: str) -> None:
    try:
        found: Hours | NotATime = hours(text)
    except NotATime as error:
        found = error
    if isinstance(found, NotATime):
        assert found.reason
        assert found.fix
    else:
        assert found.days <= EVERY_DAY
        assert found.start != found.end


def test_a_zone_of_this_machine_alone_is_none() -> None:
    with pytest.raises(NotATime):
        zone("Europe")
