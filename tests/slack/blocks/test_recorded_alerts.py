"""What real Alertmanagers sent, webhook after webhook, and the card of each group after each: kept in golden files.

One file for each recorded scenario, made of the newest version's recording; the others' must give the same cards.
"""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.absorb import absorb
from bot.domain.alerts.card import card_of
from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.keys import key_of
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.snapshot import Snapshot
from bot.integrations.alertmanager.webhook import read_snapshot
from bot.ports_alerts import NotASnapshot
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import message as plain
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.alert_card import alert_card
from bot.slack.blocks.limits import message_problems
from bot.slack.blocks.message import said
from tests.integrations.alertmanager.recorded import VERSIONS, Sent, list_webhook_scenarios, webhooks

Json = dict[str, Any]

NEWEST = VERSIONS[-1]
OF_ITS_OWN = {"custom_payload"}
"""Scenarios in which no webhook has Alertmanager's own form."""
DIFFERS = {
    ("0.25", "auth_headers"): "`http_headers` is there from 0.28 on: one webhook less",
    ("0.25", "group_keys_and_receivers"): "`group_by: []` in a child route inherits the parent's labels up to 0.30",
    ("0.28", "group_keys_and_receivers"): "`group_by: []` in a child route inherits the parent's labels up to 0.30",
}
POLICY = AlertsPolicy(sources={"default": AlertSource(name="default", url="https://alertmanager.example.com")})
EVERY = sorted({(version, scenario) for version in VERSIONS for scenario in list_webhook_scenarios(version)})


class Heard:
    """The groups as they stand after what was heard so far; ids and clock follow from the recording alone."""

    def __init__(self) -> None:
        self._groups: dict[str, AlertGroup] = {}
        self._opened = 0
        self._now: datetime | None = None
        self._digests: dict[AlertGroupId, str] = {}

    def hear(self, snapshot: Snapshot, number: int) -> Json:
        """What people see of it: the group's card if it is made anew, and the notes in its thread."""
        key = key_of(snapshot.source, snapshot.receiver, snapshot.group_key)
        before = self._groups.get(key)
        seen = absorb(before, snapshot, POLICY, self._clock(snapshot), number=number, new_id=self._id(self._opened + 1))
        if seen.group is None:
            return {"shown": "nothing"}
        group = self._groups[key] = seen.group
        if before is None or before.id != group.id:
            self._opened += 1
        card = alert_card(card_of(group, POLICY))
        assert message_problems(card) == []
        assert validate_message_blocks(card.blocks) == []
        if not seen.is_shown:
            assert group.is_flapping or card.digest == self._digests[group.id], "it looks different, and is not shown"
            return {"shown": "nothing new"}
        self._digests[group.id] = card.digest
        notes = [said(note).blocks for note in seen.notes]
        return {
            "card": {"text": card.text, "blocks": card.blocks, "group": group.id},
            **({"notes": notes} if notes else {}),
        }

    def _clock(self, snapshot: Snapshot) -> datetime:
        """A second after the newest that it tells of; never backwards."""
        told = (moment for alert in snapshot.alerts for moment in (alert.starts_at, alert.ends_at) if moment)
        newest = max(told) + timedelta(seconds=1)
        self._now = newest if self._now is None else max(newest, self._now + timedelta(seconds=1))
        return self._now

    def _id(self, number: int) -> AlertGroupId:
        return AlertGroupId(f"01J0A1B2C3D4E5F6G7H8J9{number:04}")


def replay(version: str, scenario: str) -> list[Json]:
    heard = Heard()
    return [_step(heard, sent, number) for number, sent in enumerate(_posted(version, scenario), start=1)]


def _posted(version: str, scenario: str) -> list[Sent]:
    """Without redirections that became a GET, and the call for a token."""
    return [sent for sent in webhooks(version, scenario) if sent.method == "POST" and sent.path != "/token"]


def _step(heard: Heard, sent: Sent, number: int) -> Json:
    try:
        snapshot = read_snapshot("default", sent.body)
    except NotASnapshot as refusal:
        return {"refused": str(refusal)}
    return heard.hear(snapshot, number)


def timeless(value: Any) -> Any:
    """Without what depends on when it was recorded: moments, ids made of them, how long it took."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("timestamp", "fallback", "block_id")}
    return re.sub(r"\b\d+ (s|min)\b|127\.0\.0\.1:\d+|debian:\d+", "…", value) if isinstance(value, str) else value


@pytest.mark.parametrize("scenario", list_webhook_scenarios(NEWEST))
def test_the_newest_versions_webhooks_make_the_cards_that_are_kept(scenario: str, golden: Any) -> None:
    steps = replay(NEWEST, scenario)
    assert ("refused" in str(steps)) == (scenario in OF_ITS_OWN)
    golden(f"recorded/{scenario}", steps)


@pytest.mark.parametrize(("version", "scenario"), [one for one in EVERY if one[0] != NEWEST])
def test_older_versions_webhooks_make_the_same_cards(version: str, scenario: str) -> None:
    if scenario not in list_webhook_scenarios(NEWEST):
        pytest.fail(f"{scenario} was not recorded of {NEWEST}")
    older, newer = timeless(replay(version, scenario)), timeless(replay(NEWEST, scenario))
    assert (older != newer) == ((version, scenario) in DIFFERS)


def test_no_golden_file_is_left_over() -> None:
    kept = {file.stem for file in (Path(__file__).parents[1] / "golden" / "recorded").glob("*.json")}
    assert kept == set(list_webhook_scenarios(NEWEST))


def read(scenario: str) -> list[str]:
    """What a person reads after each webhook that shows something new."""
    names = WorkspaceNames(Workspace())
    return [plain(step["card"]["text"], step["card"]["blocks"], [], names)
            for step in replay(NEWEST, scenario) if "card" in step]  # fmt: skip


def test_the_life_of_a_group_is_read_from_one_card() -> None:
    assert [shown.splitlines()[:2][-1].partition(" · since")[0] for shown in read("group_lifecycle")] == [
        "critical · 3 firing", "critical · 2 firing, 1 resolved", "critical · 3 firing, 1 resolved",
        "critical · 1 firing, 3 resolved", "✅ KubePodCrashLooping resolved · 4 alerts · 10 s",
        "critical · 1 firing, 3 resolved",
    ]  # fmt: skip


@pytest.mark.parametrize("scenario", ["repeat_notification", "ha_duplicate_503", "retry_500_then_200", "status_429"])
def test_what_comes_again_shows_nothing_new(scenario: str) -> None:
    first, *again = replay(NEWEST, scenario)
    assert "card" in first
    assert again
    assert all(step == {"shown": "nothing new"} for step in again)


def test_kept_alerts_that_are_resolved_do_not_make_a_truncated_group_resolved() -> None:
    hides = [shown for shown in read("truncated_resolved_hides_firing") if "Alertmanager did not send" in shown]
    assert any("10 resolved, the others are not known" in shown for shown in hides)


def test_what_is_silenced_is_not_shown_as_over() -> None:
    assert "2 not reported any more (silenced, or over); being checked" in read("silence_effects")[-1]


def test_special_characters_are_shown_as_they_are_and_mean_nothing() -> None:
    shown = read("special_characters")[0]
    assert "<!channel> <!here> <@U12345> <https://evil.example.test|click> *bold* `code` ~x~" in shown
    kinds = set(re.findall(r'"type": "(\w+)"', json.dumps(replay(NEWEST, "special_characters"))))
    assert kinds <= {
        "header",
        "plain_text",
        "rich_text",
        "rich_text_section",
        "text",
        "date",
        "link",
        "actions",
        "button",
    }
