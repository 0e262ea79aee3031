"""Five-field cron schedules as Argo CD reads them (robfig/cron): the next firing in a zone.

Unlike other crons: Sunday is 0 alone, a step of more than one makes `*` a restriction, and when both the day of the
month and the day of the week are restricted either one is enough.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
HORIZON = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class _Field:
    values: frozenset[int]
    restricted: bool


@dataclass(frozen=True, slots=True)
class Cron:
    """One schedule. `parse` raises `ValueError` for what Argo CD would not take."""

    minute: _Field
    hour: _Field
    day: _Field
    month: _Field
    weekday: _Field

    @classmethod
    def parse(cls, text: str) -> "Cron":
        fields = text.split()
        if len(fields) != 5:
            raise ValueError(f"{text!r} has {len(fields)} fields, a schedule has 5")
        minute, hour, day, month, weekday = fields
        return cls(
            minute=_field(minute, 0, 59),
            hour=_field(hour, 0, 23),
            day=_field(day, 1, 31),
            month=_field(month, 1, 12, {name: number for number, name in enumerate(MONTHS, start=1)}),
            weekday=_field(weekday, 0, 6, {name: number for number, name in enumerate(WEEKDAYS)}),
        )

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first firing later than `moment` on the zone's wall clock, in UTC; None when there is none in 5 years.

        Times that a change of the clocks skips do not fire; of times that come twice the first does.
        """
        local = moment.astimezone(zone)
        day, last = local.date(), local.date() + HORIZON
        while day <= last:
            if self._fires_on(day):
                earliest = local.hour if day == local.date() else 0
                for hour in sorted(hour for hour in self.hour.values if hour >= earliest):
                    for minute in sorted(self.minute.values):
                        firing = _on_the_clock(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))
                        if firing is not None and firing > moment:
                            return firing
            day += timedelta(days=1)
        return None

    def _fires_on(self, day: date) -> bool:
        if day.month not in self.month.values:
            return False
        by_day = day.day in self.day.values
        by_weekday = day.isoweekday() % 7 in self.weekday.values
        if self.day.restricted and self.weekday.restricted:
            return by_day or by_weekday
        return by_day and by_weekday


def _on_the_clock(local: datetime) -> datetime | None:
    """The moment in UTC, or None when the clocks skip it."""
    moment = local.astimezone(UTC)
    return moment if moment.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def _field(text: str, lowest: int, highest: int, names: dict[str, int] | None = None) -> _Field:
    values: set[int] = set()
    restricted = True
    for part in text.split(","):
        spread, _, step_text = part.partition("/")
        step = _number(step_text, {}) if step_text else 1
        if step < 1:
            raise ValueError(f"{part!r} has no step")
        if spread in ("*", "?"):
            first, last = lowest, highest
            restricted = restricted and step > 1
        elif "-" in spread:
            low, _, high = spread.partition("-")
            first, last = _number(low, names or {}), _number(high, names or {})
        else:
            first = _number(spread, names or {})
            last = highest if step_text else first
        if not lowest <= first <= last <= highest:
            raise ValueError(f"{part!r} is not within {lowest} to {highest}")
        values.update(range(first, last + 1, step))
    return _Field(frozenset(values), restricted)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not a number")
    return int(text)
