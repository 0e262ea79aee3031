"""The card of a storm, case by case: as kept in a golden file, within Slack's limits, and read as a person."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm, StormGroup
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import message as plain
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.limits import message_problems
from bot.slack.blocks.message import RenderedMessage
from bot.slack.blocks.storm_card import storm_card
from tests.alert_examples import ALERTS
from tests.examples import NOW

PLACES = ("apm-stack · production", "apm-gateway · production", "")
SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.WARNING, Severity.INFO, Severity.NONE)
NAMES = ("HighErrorRate", "PodCrashLooping", "SlowQueries", "DiskFills", "Watchdog")


def waiting(number: int) -> tuple[StormGroup, ...]:
    return tuple(
        StormGroup(
            id=AlertGroupId(f"{n:026}"), name=NAMES[n % 5], severity=SEVERITIES[n % 5], is_over=n % 7 == 0,
            place=PLACES[n % 3], is_flapping=n % 11 == 0,
        ) for n in range(number)
    )  # fmt: skip


def storm(groups: tuple[StormGroup, ...], **facts: Any) -> Storm:
    known: dict[str, Any] = {
        "channel": ALERTS, "since": NOW, "at": NOW + timedelta(minutes=3), "groups": groups, "changed": 214,
        "following": len(groups),
    }  # fmt: skip
    return Storm(**known | facts)


def huge() -> Storm:
    groups = tuple(
        StormGroup(id=AlertGroupId(f"{n:026}"), name=f"{n}{'x' * 190}", severity=Severity.CRITICAL, is_over=False,
                   place=f"{n}{'y' * 190}") for n in range(2_000)
    )  # fmt: skip
    return storm(groups, changed=99_999)


CASES: dict[str, Callable[[], Storm]] = {
    "open": lambda: storm(waiting(150)),
    "some-without-card": lambda: storm(waiting(150), following=60, alone=90),
    "one-left": lambda: storm(waiting(2)[1:], following=0, alone=1),
    "all-shown": lambda: storm((), following=0),
    "huge": huge,
    "closed": lambda: storm(waiting(3), following=0, closed_at=NOW + timedelta(minutes=12)),
    "closed-quiet": lambda: storm((), following=0, closed_at=NOW + timedelta(minutes=12)),
}


def read(message: RenderedMessage) -> str:
    return plain(message.text, message.blocks, [], WorkspaceNames(Workspace()))


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, golden: Any) -> None:
    message = storm_card(CASES[case]())
    assert message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []
    assert message.metadata == {
        "event_type": "tiphys_storm", "event_payload": {"channel": ALERTS, "since": int(NOW.timestamp())},
    }  # fmt: skip
    golden(f"storm-{case}", {"text": message.text, "blocks": message.blocks, "metadata": message.metadata})


def test_no_golden_file_is_left_over() -> None:
    kept = {file.stem for file in (Path(__file__).parents[1] / "golden").glob("storm-*.json")}
    assert kept == {f"storm-{case}" for case in CASES}


def test_it_says_that_updates_are_delayed_and_what_waits() -> None:
    assert read(storm_card(storm(waiting(150), following=60, alone=90))).splitlines()[:4] == [
        "🌩 214 groups changed in 3 min",
        "Updates are delayed: 60 cards follow at Slack's pace, newest and most severe first",
        "90 that are not critical have no card while this lasts, at most a line below",
        "firing: 🔥 25 critical, ⚠️ 51 warning, ℹ️ 26 info, 🔔 26 without severity",
    ]


def test_the_last_one_is_spoken_of_in_the_singular() -> None:
    shown = read(storm_card(CASES["one-left"]()))
    assert "no card waits any more" in shown
    assert "1 that is not critical has no card while this lasts" in shown


def test_even_the_hugest_storm_says_what_it_leaves_out() -> None:
    shown = read(storm_card(huge()))
    assert "1992 more with 1992 groups" in shown
    assert "… and 1975 more names with 1975 groups: /gitops alerts" in shown


def test_every_group_is_counted_in_the_lists() -> None:
    message = storm_card(storm(waiting(150)))
    numbers = [int(word) for line in read(message).splitlines() if line[:1] in "🔥⚠ℹ🔔✅"
               for word in line.replace(",", " ").split() if word.isdigit()]  # fmt: skip
    assert sum(numbers) == 150


def test_the_end_is_short() -> None:
    assert read(storm_card(CASES["closed-quiet"]())) == (
        "🌤 storm over: 214 groups changed in 12 min · nothing fires of it\nCards are up to date again."
    )
    assert storm_card(CASES["closed"]()).text == "Alert storm is over: 214 groups changed in 12 min"
