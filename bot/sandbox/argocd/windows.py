"""Sync windows: which ones concern an application, which are active now, and whether a sync may run."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.sandbox.argocd.objects import Json

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def duration(text: str) -> timedelta:
    """A Go duration such as `1h30m`. Raises ValueError."""
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"invalid duration {text!r}")
    return timedelta(seconds=sum(float(number) * UNITS[unit] for number, unit in parts))


def fires_at(schedule: str, minute: datetime) -> bool:
    """Whether a five-field cron schedule fires in this minute. Raises ValueError."""
    fields = schedule.split()
    if len(fields) != len(RANGES):
        raise ValueError(f"expected 5 cron fields: {schedule!r}")
    minutes, hours, days, months, weekdays = (
        _allowed(field, low, high) for field, (low, high) in zip(fields, RANGES, strict=True)
    )
    if minute.minute not in minutes or minute.hour not in hours or minute.month not in months:
        return False
    weekday = minute.isoweekday() % 7
    on_weekday = weekday in weekdays or (weekday == 0 and 7 in weekdays)
    on_day = minute.day in days
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return on_day and on_weekday
    return on_day or on_weekday


def is_active(window: Json, now: datetime) -> bool:
    """Whether the schedule fired within the last `duration`, judged in the window's own zone."""
    length = duration(str(window["duration"]))
    zone = _zone(str(window.get("timeZone") or "UTC"))
    minute = now.astimezone(zone).replace(second=0, microsecond=0)
    while minute.astimezone(UTC) > now - length:
        if fires_at(str(window["schedule"]), minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def concerning(project_spec: Json, name: str, destination: Json) -> list[Json]:
    """The project's windows that are assigned to this application."""
    return [w for w in project_spec.get("syncWindows") or [] if _concerns(w, name, destination)]


def may_sync(windows: Sequence[Json], now: datetime, *, manual: bool) -> bool:
    """Argo CD's verdict over the windows of one application."""
    active = [w for w in windows if is_active(w, now)]
    denied = [w for w in active if w["kind"] == "deny"]
    if denied:
        return manual and all(w.get("manualSync") for w in denied)
    allowing = [w for w in windows if w["kind"] == "allow"]
    if not allowing or any(w in active for w in allowing):
        return True
    return manual and all(w.get("manualSync") for w in allowing)


def from_now(kind: str, length: timedelta, now: datetime, *, manual: bool, application: str) -> Json:
    """A window for one application that is active from now on for `length` (and again at this time every day)."""
    start = now.astimezone(UTC).replace(second=0, microsecond=0)
    seconds = max(1, round((now - start + length).total_seconds()))
    window: Json = {
        "kind": kind, "schedule": f"{start.minute} {start.hour} * * *", "duration": f"{seconds}s",
        "applications": [application],
    }  # fmt: skip
    if manual:
        window["manualSync"] = True
    return window


def _concerns(window: Json, name: str, destination: Json) -> bool:
    tests = []
    if window.get("applications"):
        tests.append(_any_glob(window["applications"], name))
    if window.get("namespaces"):
        tests.append(_any_glob(window["namespaces"], str(destination.get("namespace", ""))))
    if window.get("clusters"):
        tests.append(
            any(_any_glob(window["clusters"], str(destination.get(field) or "")) for field in ("server", "name"))
        )
    return (all if window.get("andOperator") else any)(tests) if tests else False


def _any_glob(globs: Sequence[str], text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _allowed(field: str, low: int, high: int) -> set[int]:
    allowed: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            start, _, end = span.partition("-")
            first = int(start)
            last = int(end) if end else (high if step else first)
        if not (low <= first <= high and low <= last <= high):
            raise ValueError(f"cron field {field!r} is out of range")
        allowed.update(range(first, last + 1, int(step) if step else 1))
    return allowed
