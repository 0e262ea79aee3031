"""When digests are due: by the wall clock, once a day, late but not for ever."""

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts.policy import DigestPlan
from bot.domain.identity import ChannelId
from bot.services.alerts.digest_times import LATEST, MOST_DAYS, DueDigest, due_digests, read_span
from tests.alert_examples import ALERTS

EVERY_DAY, WEEKDAYS = frozenset(range(7)), frozenset(range(5))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def plan(at: str = "09:00", zone: str = "Europe/Berlin", days: Iterable[int] = EVERY_DAY) -> DigestPlan:
    return DigestPlan(channel=ALERTS, at=time.fromisoformat(at), days=frozenset(days), zone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(now: str, *plans: DigestPlan) -> DueDigest | None:
    found = due_digests(plans or (plan(),), utc(now))
    return found[0] if found else None


def test_it_is_due_at_its_time_of_day_and_for_a_while_after() -> None:
    assert due("2026-03-04T07:59:59") is None
    found = due("2026-03-04T08:00")
    assert found == DueDigest(
        channel=ALERTS, day=date(2026, 3, 4), since=utc("2026-03-03T08:00"), at=utc("2026-03-04T08:00")
    )
    assert found is not None
    assert found.key == "C0ALERTS:2026-03-04"
    assert due("2026-03-04T12:00") == found
    assert due("2026-03-04T12:00:01") is None, "a day's digest is no news in the afternoon"


def test_after_a_weekend_it_tells_of_the_weekend() -> None:
    monday = due("2026-03-02T08:30", plan(days=WEEKDAYS))
    assert monday is not None
    assert (monday.since, monday.at) == (utc("2026-02-27T08:00"), utc("2026-03-02T08:00"))
    assert due("2026-03-01T08:30", plan(days=WEEKDAYS)) is None
    weekly = due("2026-03-02T08:30", plan(days=[0]))
    assert weekly is not None
    assert weekly.at - weekly.since == 7 * DAY


def test_plans_of_one_channel_are_one_schedule() -> None:
    plans = (plan(days=WEEKDAYS), plan("11:00", days=[5, 6]), plan("10:00", days=[0]))
    monday = due("2026-03-02T09:30", *plans)
    assert monday is not None
    assert (monday.since, monday.at) == (utc("2026-03-01T10:00"), utc("2026-03-02T08:00"))
    other = DigestPlan(channel=ChannelId("C0OTHER"), at=time(9), days=EVERY_DAY, zone="UTC")
    assert [one.channel for one in due_digests((*plans, other), utc("2026-03-02T09:30"))] == [ALERTS, "C0OTHER"]


def test_a_time_that_the_zone_leaves_out_comes_after_the_gap() -> None:
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00."""
    found = due("2026-03-29T02:00", plan("02:30"))
    assert found is not None
    assert (found.day, found.at) == (date(2026, 3, 29), utc("2026-03-29T01:30"))
    assert found.at - found.since == DAY
    after = due("2026-03-30T02:00", plan("02:30"))
    assert after is not None
    assert after.at - after.since == 23 * HOUR


def test_a_time_that_the_zone_has_twice_is_one_digest() -> None:
    """On 25 October 2026 they go from 03:00 back to 02:00."""
    first, again = due("2026-10-25T00:30", plan("02:30")), due("2026-10-25T01:30", plan("02:30"))
    assert first is not None
    assert first == again
    assert (first.at, first.day) == (utc("2026-10-25T00:30"), date(2026, 10, 25))


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Apia", "Asia/Kathmandu"]
)


@settings(deadline=None)
@given(
    st.integers(0, 15 * 366 * 1440).map(lambda minutes: utc("2020-01-01T00:00") + minutes * MINUTE),
    ZONES, st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None, fold=0)),
    st.frozensets(st.integers(0, 6), min_size=1),
)  # fmt: skip
def test_what_is_due_is_over_and_follows_the_one_before(
    now: datetime, zone: str, at: time, days: frozenset[int]
) -> None:
    one = DigestPlan(channel=ALERTS, at=at, days=days, zone=zone)
    for found in due_digests((one,), now):
        assert timedelta() <= now - found.at <= LATEST
        assert timedelta() < found.at - found.since <= 7 * DAY + HOUR
        assert found.day.weekday() in days
        before = due_digests((one,), found.since)
        assert [due.at for due in before] == [found.since]
        assert before[0].key != found.key


@settings(deadline=None, max_examples=30)
@given(ZONES, st.dates(date(2024, 1, 1), date(2028, 1, 1)))
def test_a_day_has_one_digest_and_no_moment_is_told_of_twice(zone: str, day: date) -> None:
    start = datetime.combine(day, time(), UTC)
    found = [due for hours in range(24 * 4) for due in due_digests((plan("09:00", zone),), start + hours * HOUR)]
    by_key = {one.key: one for one in found}
    assert len(by_key) == len(set(found))
    in_order = sorted(by_key.values(), key=lambda one: one.at)
    assert all(later.since == earlier.at for earlier, later in itertools.pairwise(in_order))


def test_days_that_somebody_asks_for_begin_at_the_midnight_of_the_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = utc("2026-03-29T22:30")  # half past midnight of the 30th; the 29th had 23 hours
    assert read_span("today", berlin, now) == (utc("2026-03-29T22:00"), now)
    assert read_span("Yesterday", berlin, now) == (utc("2026-03-28T23:00"), utc("2026-03-29T22:00"))
    assert read_span("7d", berlin, now) == read_span("7 days", berlin, now) == (now - 7 * DAY, now)
    assert read_span(f"{MOST_DAYS}d", berlin, now) is not None
    for words in ("", "tomorrow", "0d", f"{MOST_DAYS + 1}d", "-1d", "1h", "999999999d"):
        assert read_span(words, berlin, now) is None, words
