"""Sync windows in words, and when they open."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.integrations.argocd.windows import go_duration, opens_at, sync_windows
from bot.integrations.argocd.wire import Window, Windows

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # a Monday


def _window(kind: str, schedule: str, duration: str, **more: object) -> Window:
    document = {"kind": kind, "schedule": schedule, "duration": duration, **more}
    return Window.model_validate(document)


def _opens(*windows: Window) -> str:
    found = opens_at(windows, NOW)
    return found.strftime("%a %H:%M") if found else "unknown"


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([_window("allow", "0 7 * * *", "1h")], "Tue 07:00"),
        ([_window("allow", "0 7 * * *", "1h", timeZone="Europe/Berlin")], "Tue 06:00"),
        ([_window("allow", "0 7 * * *", "1h", timeZone="Mars/Olympus")], "Tue 07:00"),
        ([_window("deny", "0 18 * * *", "4h")], "Mon 22:00"),
        ([_window("deny", "0 18 * * *", "4h"), _window("deny", "0 21 * * *", "3h")], "Tue 00:00"),
        ([_window("deny", "0 18 * * *", "4h"), _window("allow", "0 7 * * *", "1h")], "Tue 07:00"),
        # The allow window opens inside the deny window: it stays shut until that ends.
        ([_window("deny", "0 18 * * *", "14h"), _window("allow", "0 7 * * *", "2h")], "Tue 08:00"),
        ([_window("deny", "0 18 * * *", "4h"), _window("deny", "0 19 * * *", "9h", manualSync=True)], "Mon 22:00"),
        ([_window("allow", "0 7 * * *", "1h"), _window("allow", "0 6 * * *", "1h", manualSync=True)], "Tue 06:00"),
        ([_window("deny", "* * * * *", "1h")], "unknown"),
        ([_window("allow", "0 0 31 2 *", "1h")], "unknown"),
        ([_window("allow", "nonsense", "1h")], "unknown"),
        ([_window("allow", "0 7 * * *", "soon")], "unknown"),
        ([_window("maybe", "0 7 * * *", "1h")], "unknown"),
        ([], "unknown"),
        # By our reckoning nothing is shut: then Argo CD sees more than we do.
        ([_window("allow", "0 19 * * *", "2h")], "unknown"),
    ],
)
def test_when_it_opens(windows: list[Window], expected: str) -> None:
    assert _opens(*windows) == expected


def _answer(*assigned: Window, active: tuple[Window, ...] = (), can_sync: bool = False) -> Windows:
    return Windows(assigned_windows=assigned, active_windows=active, can_sync=can_sync)


def test_argo_cds_word_counts_whatever_the_windows_say() -> None:
    deny = _window("deny", "* * * * *", "1h")
    assert sync_windows(_answer(deny, active=(deny,), can_sync=True), [deny], now=NOW).can_sync
    assert not sync_windows(_answer(), [], now=NOW).can_sync
    assert not Windows.model_validate({}).can_sync


def test_the_project_adds_zone_and_description() -> None:
    assigned = _window("deny", "0 18 * * *", "4h")
    full = _window("deny", "0 18 * * *", "4h", timeZone="Europe/Berlin", description="  evening\n peak ")
    found = sync_windows(_answer(assigned, active=(assigned,)), [full], now=NOW)
    assert found.description == "inside the deny window `0 18 * * *` for 4h, Europe/Berlin, evening peak"
    assert found.opens_at == datetime(2026, 11, 23, 21, tzinfo=UTC)


def test_two_definitions_that_differ_in_their_zone_alone_are_not_guessed_between() -> None:
    assigned = _window("deny", "0 18 * * *", "4h")
    full = [_window("deny", "0 18 * * *", "4h", timeZone=zone) for zone in ("Europe/Berlin", "UTC")]
    found = sync_windows(_answer(assigned, active=(assigned,)), full, now=NOW)
    assert found.opens_at is None
    assert found.description == "inside the deny window `0 18 * * *` for 4h"


def test_an_active_deny_window_that_exempts_manual_syncs_is_not_named() -> None:
    exempt = _window("deny", "0 17 * * *", "4h", manualSync=True)
    strict = _window("deny", "0 18 * * *", "4h")
    found = sync_windows(_answer(exempt, strict, active=(exempt, strict)), None)
    assert found.description == "inside the deny window `0 18 * * *` for 4h"


def test_a_no_without_windows_is_still_a_no_with_words() -> None:
    found = sync_windows(_answer(), None)
    assert (found.can_sync, found.opens_at) == (False, None)
    assert found.description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h", timedelta(hours=1)),
        ("1h30m", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("30s", timedelta(seconds=30)),
        ("1m500ms", timedelta(seconds=60.5)),
    ],
)
def test_durations_as_go_writes_them(text: str, expected: timedelta) -> None:
    assert go_duration(text) == expected


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "1h 30m", "-1h", "1h!"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        go_duration(text)
