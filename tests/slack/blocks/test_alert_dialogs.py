"""The dialogs of alert groups: kept in golden files, within the limits; what is typed is never parsed."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.dialog import COUNT, AssignDialog, SilenceDialog
from bot.domain.dialog import Dialog
from bot.domain.identity import ChannelId, UserId
from bot.domain.text import Code, Text
from bot.sandbox.slack.blocks import validate_view
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.limits import view_problems
from bot.slack.blocks.modal import Origin, read_metadata
from tests.alert_examples import GROUP

ORIGIN = Origin(channel=ChannelId("C0ALERTS"), respond_to="https://hooks.example.com/1")
FIELDS = {"duration": "4h", "matchers": 'alertname="HighErrorRate"\nnamespace="apm"', "comment": "known"}


def silence(**facts: Any) -> SilenceDialog:
    known: dict[str, Any] = {
        "group": GROUP, "explanation": Text.of("Alertmanager hides what these match, from all who hear of it."),
        "lengths": (timedelta(hours=1), timedelta(hours=4), timedelta(days=7)), "fields": FIELDS,
        "counted": Text.of("Matches 3 alerts that fire now (", Code("HighErrorRate"), ")."),
    }  # fmt: skip
    return SilenceDialog(**known | facts)


CASES: dict[str, Dialog] = {
    "alert-assign": AssignDialog(
        group=GROUP, explanation=Text.of("Who has HighErrorRate (A7)?"), assigned_to=UserId("U0DEV1")
    ),
    "alert-assign-nobody": AssignDialog(group=GROUP, explanation=Text.of("Who has HighErrorRate (A7)?")),
    "alert-silence": silence(),
    "alert-silence-without-lengths": silence(lengths=(), fields={}),
    "alert-silence-another-length": silence(fields=FIELDS | {"duration": "9h", "other": "2h30m"}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, golden: Any) -> None:
    made = view(CASES[case], ORIGIN)
    assert view_problems(made) == []
    assert validate_view(made) == []
    golden(f"dialog-{case}", made)


def test_the_group_comes_back() -> None:
    value, origin = read_metadata(view(CASES["alert-silence"], ORIGIN)["private_metadata"])
    assert (json.loads(value), origin) == ({"group": GROUP}, ORIGIN)


def test_the_fields_keep_their_ids_when_it_is_counted_again() -> None:
    """Slack leaves what is typed alone where block and action keep their ids."""

    def ids(dialog: SilenceDialog) -> list[tuple[str, str]]:
        blocks = view(dialog, ORIGIN)["blocks"]
        return [(block["block_id"], block["element"]["action_id"]) for block in blocks if block["type"] == "input"]

    again = silence(fields={"matchers": "x=1", "other": "3h", "comment": ""}, counted=Text.of("Matches nothing."))
    assert ids(silence()) == ids(again)
    assert ("matchers", COUNT) in ids(again)


def test_huge_and_hostile_words_fit_and_stay_words() -> None:
    hostile = "<!channel> \u202e\x00" * 500
    made = view(silence(fields={"matchers": hostile, "comment": hostile}, counted=Text.of(hostile)), ORIGIN)
    assert view_problems(made) == []
    assert validate_view(made) == []
    assert '"type": "broadcast"' not in json.dumps(made)
