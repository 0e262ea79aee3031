"""When a channel's digests are due: by the wall clock of their zone, once a day, whatever happens to its hours; and
what time somebody means who asks for one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.alerts.policy import DigestPlan
from bot.domain.identity import ChannelId

DAY = timedelta(days=1)
LATEST = timedelta(hours=4)
"""How late one is still sent that nobody could make in time."""
MOST_DAYS = 31
"""How far back somebody may ask."""
_BACK = 15
"""Days: enough for two digests of a plan that names a single weekday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDigest:
    """One that was due `at`, on its zone's `day`; it tells of what began `since` the one before."""

    channel: ChannelId
    day: date
    since: datetime
    at: datetime

    @property
    def key(self) -> str:
        """What makes it the only one."""
        return f"{self.channel}:{self.day.isoformat()}"


def due_digests(plans: Sequence[DigestPlan], now: datetime) -> list[DueDigest]:
    """The newest of each channel that is due at `now`, unless it is late by more than `LATEST`.

    Several plans of one channel are one schedule; the first of a day counts.
    """
    found = []
    for channel in dict.fromkeys(plan.channel for plan in plans):
        by_day: dict[date, datetime] = {}
        for moment, day in sorted(_moments([plan for plan in plans if plan.channel == channel], now)):
            by_day.setdefault(day, moment)
        due = sorted((moment, day) for day, moment in by_day.items() if moment <= now)
        if due and now - due[-1][0] <= LATEST:
            at, day = due[-1]
            since = due[-2][0] if len(due) > 1 else at - DAY
            found.append(DueDigest(channel=channel, day=day, since=since, at=at))
    return found


def read_span(words: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime] | None:
    """`today` and `yesterday` by the zone's midnight, `7d` until now; from, until (UTC). None for anything else."""
    today = now.astimezone(zone).date()
    match words.lower():
        case "today":
            return _midnight(today, zone), now
        case "yesterday":
            return _midnight(today - DAY, zone), _midnight(today, zone)
    found = re.fullmatch(r"([0-9]{1,2})\s?d(?:ays?)?", words.lower())
    if found is None or not 1 <= int(found[1]) <= MOST_DAYS:
        return None
    return now - int(found[1]) * DAY, now


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The day's beginning; where the zone leaves that out, the moment after the gap."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _moments(plans: Sequence[DigestPlan], now: datetime) -> list[tuple[datetime, date]]:
    """A time of day that the zone leaves out comes after the gap; one that it has twice is the first of them."""
    moments = []
    for plan in plans:
        zone = ZoneInfo(plan.zone)
        today = now.astimezone(zone).date()
        for day in (today - DAY * back for back in range(_BACK)):
            if day.weekday() in plan.days:
                moments.append((datetime.combine(day, plan.at, zone).astimezone(UTC), day))
    return moments
