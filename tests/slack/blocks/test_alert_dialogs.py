"""The dialogs of alert groups: kept in golden files, within the limits; what is typed is never parsed."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.dialog import COUNT, LOOKS, AssignDialog, ExtendDialog, SilenceDialog
from bot.domain.alerts.silence import SilenceRef, read_ref
from bot.domain.dialog import Dialog
from bot.domain.identity import ChannelId, UserId
from bot.domain.text import Code, Moment, Text
from bot.sandbox.slack.blocks import validate_view
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.limits import view_problems
from bot.slack.blocks.modal import Origin, read_metadata
from tests.alert_examples import GROUP
from tests.examples import NOW

ORIGIN = Origin(channel=ChannelId("C0ALERTS"), respond_to="https://hooks.example.com/1")
FIELDS = {"duration": "4h", "matchers": 'alertname="HighErrorRate"\nnamespace="apm"', "comment": "known"}


def silence(**facts: Any) -> SilenceDialog:
    known: dict[str, Any] = {
        "group": GROUP, "explanation": Text.of("Alertmanager hides what these match, from all who hear of it."),
        "lengths": (timedelta(hours=1), timedelta(hours=4), timedelta(days=7)), "fields": FIELDS,
        "counted": Text.of("Matches 3 alerts that fire now (", Code("HighErrorRate"), ")."),
    }  # fmt: skip
    return SilenceDialog(**known | facts)


REF = SilenceRef(source="default", id="6a3c0d1e-0000-4000-8000-000000000001", ends_at=NOW + timedelta(hours=1))


def extend(**facts: Any) -> ExtendDialog:
    known: dict[str, Any] = {
        "silence": REF, "lengths": (timedelta(hours=1), timedelta(hours=4)), "fields": {"duration": "4h"},
        "explanation": Text.of("It ends ", Moment(REF.ends_at), " now. It hides ", Code('alertname="X"'), "."),
        "then": Text.of("Then it ends ", Moment(NOW + timedelta(hours=4)), "."),
    }  # fmt: skip
    return ExtendDialog(**known | facts)


CASES: dict[str, Dialog] = {
    "alert-assign": AssignDialog(
        group=GROUP, explanation=Text.of("Who has HighErrorRate (A7)?"), assigned_to=UserId("U0DEV1")
    ),
    "alert-assign-nobody": AssignDialog(group=GROUP, explanation=Text.of("Who has HighErrorRate (A7)?")),
    "alert-silence": silence(),
    "alert-silence-without-lengths": silence(lengths=(), fields={}),
    "alert-silence-another-length": silence(fields=FIELDS | {"duration": "9h", "other": "2h30m"}),
    "silence-add": silence(group=None, sources=("default",), fields={"duration": "1h"}),
    "silence-add-somewhere": silence(group=None, sources=("default", "eu"), fields=FIELDS | {"source": "eu"}),
    "silence-extend": extend(),
    "silence-extend-without-lengths": extend(lengths=(), fields={}, then=Text.of("Say for how long, e.g. 2h.")),
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


def test_a_silence_comes_back_as_it_was_seen_and_one_that_is_added_as_such() -> None:
    value, origin = read_metadata(view(CASES["silence-extend"], ORIGIN)["private_metadata"])
    assert (read_ref(value), origin) == (REF, ORIGIN)
    value, origin = read_metadata(view(CASES["silence-add"], ORIGIN)["private_metadata"])
    assert (json.loads(value), origin) == ({"dialog": "silence.add"}, ORIGIN)


@pytest.mark.parametrize(
    ("case", "blocks"),
    [("silence-extend", {"duration", "other"}), ("silence-add-somewhere", {"source", "matchers"}),
     ("alert-silence", {"matchers"})],
)  # fmt: skip
def test_what_is_told_at_once_is_what_the_bot_looks_at(case: str, blocks: set[str]) -> None:
    """Slack tells of nothing that is not asked for, and whatever it tells is no act of anybody."""
    told = [block for block in view(CASES[case], ORIGIN)["blocks"] if block.get("dispatch_action")]
    assert {block["block_id"] for block in told} == blocks
    assert {block["element"]["action_id"] for block in told} <= LOOKS


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
