"""Weekdays, times of day and zones as people write them: `Mon-Fri 08:00-18:00 Europe/Berlin`."""

import re
from collections.abc import Iterator
from datetime import time
from functools import lru_cache
from zoneinfo import available_timezones

from bot.config.problems import did_you_mean
from bot.domain.alerts.policy import Hours

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))
END_OF_DAY = time.max
"""What `24:00` means: of an end only."""
LIKE = "Write it like `Mon-Fri 08:00-18:00 Europe/Berlin`"
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)


class NotATime(ValueError):
    """What was written means no such thing; with the way out in words for people."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


def hours(text: str) -> Hours:
    """Days may be left out (every day), the zone may not. Raises `NotATime`."""
    words = text.split()
    if len(words) == 2 and words[0].split("-")[0].title() in DAYS:
        raise NotATime(f"`{text}` lacks " + ("its zone" if ":" in words[1] else "its times"), LIKE)
    if len(words) == 1 and ":" in text:
        raise NotATime(f"`{text}` lacks its zone", LIKE)
    if len(words) not in (2, 3):
        raise NotATime(f"`{text}` is not days, times and a zone", LIKE)
    *on, span, place = words
    start, dash, end = span.partition("-")
    if not dash:
        raise NotATime(f"`{span}` is not a start and an end", "Write it like `08:00-18:00`")
    starts = time_of_day(start)
    ends = END_OF_DAY if end == "24:00" else time_of_day(end)
    if starts == ends:
        raise NotATime(f"`{span}` ends when it starts", "Write `00:00-24:00` for the whole day")
    return Hours(days=days(on[0]) if on else EVERY_DAY, start=starts, end=ends, zone=zone(place))


def days(text: str) -> frozenset[int]:
    """`Mon-Fri`, `Sat-Mon`, `Mon,Wed,Fri-Sun`; 0 is Monday. Raises `NotATime`."""
    return frozenset(day for part in text.replace(" ", "").split(",") for day in _span(part))


def time_of_day(text: str) -> time:
    """`09:30`, without a zone. Raises `NotATime`."""
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise NotATime(f"`{text}` is not a time of day", "Write it like `09:00` or `17:30`")
    return time(int(found[1]), int(found[2]))


def zone(text: str) -> str:
    """The name of a zone that there is. Raises `NotATime`."""
    known = _zones()
    if text not in known:
        meant = did_you_mean(text, known)
        fix = f"Did you mean `{meant}`?" if meant else "Write its name like `Europe/Berlin`, or `UTC`"
        raise NotATime(f"there is no time zone `{text}`", fix)
    return text


def write_hours(written: Hours) -> str:
    """As `hours` reads it."""
    return f"{write_days(written.days)} {write_time(written.start)}-{write_time(written.end)} {written.zone}"


def write_days(written: frozenset[int]) -> str:
    """As `days` reads it."""
    spans: list[list[int]] = []
    for day in sorted(written):
        if spans and spans[-1][-1] == day - 1:
            spans[-1].append(day)
        else:
            spans.append([day])
    return ",".join(DAYS[span[0]] if len(span) == 1 else f"{DAYS[span[0]]}-{DAYS[span[-1]]}" for span in spans)


def write_time(written: time) -> str:
    return "24:00" if written == END_OF_DAY else written.strftime("%H:%M")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Asked of the disk, file by file: only once."""
    return frozenset(available_timezones())


def _span(text: str) -> Iterator[int]:
    first, dash, last = text.partition("-")
    start = _day(first)
    end = _day(last) if dash else start
    return (day % 7 for day in range(start, end + 1 if end >= start else end + 8))


def _day(text: str) -> int:
    if text.title() not in DAYS:
        raise NotATime(f"`{text}` is not a weekday", f"Use {', '.join(f'`{day}`' for day in DAYS)}, as in `Mon-Fri`")
    return DAYS.index(text.title())
