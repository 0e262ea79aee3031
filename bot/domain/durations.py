"""Durations as people write them: `10m`, `8h`, `1h30m`."""

import re
from datetime import timedelta

_WRITTEN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
LONGEST = timedelta(days=366)
PATTERN = r"^(?=[0-9])(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m(?!s))?(?:[0-9]+s)?(?:[0-9]+ms)?$"


def duration(text: str) -> timedelta:
    """Read one. Raises `ValueError` with a reason for people."""
    found = _WRITTEN.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"`{text}` is not a duration")
    days, hours, minutes, seconds, milliseconds = (int(part or 0) for part in found.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    except OverflowError:
        raise ValueError(f"`{text}` is longer than a year") from None
    if length > LONGEST:
        raise ValueError(f"`{text}` is longer than a year")
    return length


def write_duration(length: timedelta) -> str:
    """As a person would write it: `1h30m`; nothing at all is `0s`."""
    milliseconds = round(length / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
