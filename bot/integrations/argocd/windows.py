"""Sync windows: in words, and when they would let a manual sync through again.

Whether a sync is allowed now is Argo CD's own word (`canSync`); the computing here is for "opens at" alone.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.live import SyncWindows
from bot.domain.text import listed
from bot.integrations.argocd import wire
from bot.integrations.argocd.cron import Cron

LOOK_AHEAD = timedelta(days=400)
MOST_STEPS = 500
LONGEST_DESCRIPTION = 120

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001, "µs": 0.000001, "ns": 0.000000001}
_AMOUNT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A window that can be reckoned with."""

    allows: bool
    manual_sync: bool
    cron: Cron
    duration: timedelta
    zone: ZoneInfo

    def is_active(self, now: datetime) -> bool:
        firing = self.cron.next_after(now - self.duration, self.zone)
        return firing is not None and firing < now


def sync_windows(
    answer: wire.Windows, defined: Sequence[wire.Window] | None, *, now: datetime | None = None
) -> SyncWindows:
    """What an application's windows say. `defined` are the project's, which know zones; None: we could not read it."""
    if answer.can_sync:
        return SyncWindows(can_sync=True)
    known = [(window, _definition(window, defined or ())) for window in answer.assigned_windows]
    described = _description(answer, known)
    if defined is None or now is None:
        return SyncWindows(can_sync=False, description=described)
    return SyncWindows(can_sync=False, description=described, opens_at=opens_at([full for _, full in known], now))


def opens_at(windows: Sequence[wire.Window | None], now: datetime) -> datetime | None:
    """When a manual sync would first be allowed: None when a window cannot be read, or not within a year."""
    try:
        reckoned = [_reckoned(window) for window in windows if window is not None]
    except ValueError:
        return None
    if len(reckoned) != len(windows) or not reckoned:
        return None
    moment = now
    if allows_manual_sync(reckoned, now):
        return None  # Argo CD says otherwise: there is something here that we do not see
    for _ in range(MOST_STEPS):
        edges = [edge for window in reckoned if (edge := _next_edge(window, moment)) is not None]
        if not edges:
            return None
        moment = min(edges)
        if moment > now + LOOK_AHEAD:
            return None
        if allows_manual_sync(reckoned, moment + timedelta(seconds=1)):
            return moment
    return None


def allows_manual_sync(windows: Iterable["_Window"], now: datetime) -> bool:
    """Argo CD's verdict: denies first (all active ones must exempt manual syncs), then allows."""
    active: list[_Window] = []
    idle_allows: list[_Window] = []
    for window in windows:
        if window.is_active(now):
            active.append(window)
        elif window.allows:
            idle_allows.append(window)
    denies = [window for window in active if not window.allows]
    if denies:
        return all(window.manual_sync for window in denies)
    if any(window.allows for window in active):
        return True
    return all(window.manual_sync for window in idle_allows)


def go_duration(text: str) -> timedelta:
    """A duration as Go writes it: `1h30m`, `90m`, `1.5h`. Raises `ValueError`."""
    amounts = _AMOUNT.findall(text)
    if not amounts or "".join(number + unit for number, unit in amounts) != text:
        raise ValueError(f"{text!r} is not a duration")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in amounts))


def _reckoned(window: wire.Window) -> _Window:
    try:
        zone = ZoneInfo(window.time_zone or "UTC")
    except (KeyError, OSError, ValueError):
        zone = ZoneInfo("UTC")  # as Argo CD does
    if window.kind not in ("allow", "deny"):
        raise ValueError(f"{window.kind!r} is neither allow nor deny")
    return _Window(
        allows=window.kind == "allow",
        manual_sync=window.manual_sync,
        cron=Cron.parse(window.schedule),
        duration=go_duration(window.duration),
        zone=zone,
    )


def _next_edge(window: _Window, moment: datetime) -> datetime | None:
    """The next moment after `moment` that may open the way: an allow window's start, or a deny window's end."""
    if window.allows:
        return window.cron.next_after(moment, window.zone)
    firing = window.cron.next_after(moment - window.duration, window.zone)
    return firing + window.duration if firing is not None else None


def _definition(window: wire.Window, defined: Sequence[wire.Window]) -> wire.Window | None:
    """The project's definition of an assigned window, which alone knows zone and description.

    The application's answer names neither; where two definitions differ in nothing but these, we do not know which.
    """
    found = [
        item
        for item in defined
        if (item.kind, item.schedule, item.duration, item.manual_sync)
        == (window.kind, window.schedule, window.duration, window.manual_sync)
    ]
    return found[0] if found and len({item.time_zone for item in found}) == 1 else None


def _description(answer: wire.Windows, known: Sequence[tuple[wire.Window, wire.Window | None]]) -> str:
    denies = [(window, full) for window, full in known if window.kind == "deny" and window in answer.active_windows]
    if denies:
        return "inside " + listed(tuple(_words(window, full) for window, full in denies if not window.manual_sync))
    allows = [(window, full) for window, full in known if window.kind == "allow"]
    if allows:
        return "outside " + listed(tuple(_words(window, full) for window, full in allows))
    return "Argo CD does not allow a sync now"


def _words(window: wire.Window, full: wire.Window | None) -> str:
    zone = (full.time_zone or "UTC") if full is not None else ""
    about = [f"`{window.schedule}` for {window.duration}", zone]
    if full is not None and full.description:
        about.append(" ".join(full.description.split())[:LONGEST_DESCRIPTION])
    return f"the {window.kind} window " + ", ".join(word for word in about if word)
