"""What real Alertmanagers of three versions sent, through the endpoint and the whole bot: the cards that Slack holds.

One golden file for each recorded scenario, made of the newest version's recording; the others' give the same cards, or
have a file of their own.
"""

import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import message as plain
from bot.sandbox.slack.workspace import Workspace as SlackWorkspace
from tests.integrations.alertmanager.recorded import VERSIONS, list_webhook_scenarios
from tests.services.alerts.room import open_room
from tests.slack.alerts.replaying import Json, Replaying, posted, replaying
from tests.slack.conftest import GOLDEN, Workspace

SEED = 20261129
NEWEST = VERSIONS[-1]
OLDER = VERSIONS[:-1]
SCENARIOS = list_webhook_scenarios(NEWEST)
OF_ITS_OWN = {"custom_payload"}
"""Scenarios in which no webhook has Alertmanager's own form."""
DIFFERS = {
    ("0.25", "auth_headers"): "`http_headers` is there from 0.28 on: one webhook less",
    ("0.25", "group_keys_and_receivers"): "`group_by: []` in a child route inherits the parent's labels up to 0.30",
    ("0.28", "group_keys_and_receivers"): "`group_by: []` in a child route inherits the parent's labels up to 0.30",
}
"""Recordings with a golden file of their own."""


SAMPLE = random.Random(SEED).sample(SCENARIOS, 5)  # noqa: S311
"""Of these also the older versions' and on PostgreSQL, if the matrix is not wanted whole."""


def newest_on_both() -> Iterator[Any]:
    for scenario in SCENARIOS:
        yield pytest.param("sqlite", scenario, id=f"{scenario}-sqlite")
        marks = [pytest.mark.postgresql, *([] if scenario in SAMPLE else [pytest.mark.long])]
        yield pytest.param("postgresql", scenario, id=f"{scenario}-postgresql", marks=marks)


def older() -> Iterator[Any]:
    """Those that differ are always there."""
    always = {*SAMPLE, *(scenario for _version, scenario in DIFFERS)}
    for scenario in SCENARIOS:
        yield pytest.param(scenario, marks=[] if scenario in always else [pytest.mark.long])


@pytest.fixture
async def way(address: str, workspace: Workspace) -> AsyncIterator[Replaying]:
    async with open_room(address) as room, replaying(room, workspace) as opened:
        yield opened


@pytest.mark.parametrize(("address", "scenario"), list(newest_on_both()), indirect=["address"])
async def test_the_newest_versions_webhooks_make_the_cards_that_are_kept(
    way: Replaying, scenario: str, golden: Any
) -> None:
    steps = await way.replay(NEWEST, scenario)
    assert ("refused" in str(steps)) == (scenario in OF_ITS_OWN)
    golden(f"recorded/{scenario}", steps)


@pytest.mark.parametrize("scenario", list(older()))
async def test_older_versions_webhooks_make_the_same_cards(way: Replaying, scenario: str, golden: Any) -> None:
    for version in OLDER:
        if scenario not in list_webhook_scenarios(version):
            continue
        steps = await way.replay(version, scenario)
        if (version, scenario) in DIFFERS:
            golden(f"recorded/{version}/{scenario}", steps)
        else:
            assert timeless(steps) == timeless(kept(scenario)), version


def test_no_recording_and_no_golden_file_is_left_over() -> None:
    assert {scenario for version in OLDER for scenario in list_webhook_scenarios(version)} <= set(SCENARIOS)
    folder = GOLDEN / "recorded"
    files = {str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.json")}
    assert files == {*SCENARIOS, *(f"{version}/{scenario}" for version, scenario in DIFFERS)}


def kept(scenario: str) -> list[Json]:
    found: list[Json] = json.loads((GOLDEN / "recorded" / f"{scenario}.json").read_text("utf-8"))
    return found


def timeless(value: Any) -> Any:
    """Without what depends on when it was recorded, and on whose recording it is: moments, ids and numbers, how long it
    took."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("timestamp", "fallback", "block_id")}
    if not isinstance(value, str):
        return value
    return re.sub(r"\b\d+ (s|min)\b|127\.0\.0\.1:\d+|debian:\d+|(?<=J9)\d(?=\d{3}\b)|(?<=alerts A)\d+", "…", value)


# --- what a person reads in them ---


def read(scenario: str) -> list[str]:
    """After each webhook that shows something new."""
    names = WorkspaceNames(SlackWorkspace())
    cards = [step["card"] for step in kept(scenario) if "card" in step]
    return [plain(card["text"], card["blocks"], [], names) for card in cards]


ONE, GONE = "KubePodCrashLooping: firing · critical · 1 firing", "KubePodCrashLooping: resolved"
OUT_OF_SYNC = "ArgoCDAppOutOfSync: firing · warning · 1 firing"
ENDS = {
    "firing_single": [ONE],
    "group_lifecycle": [f"{ONE}, 3 resolved"],
    "group_full_resolve": [],  # nobody was told that it fired
    "flapping": [GONE],
    "repeat_notification": [OUT_OF_SYNC],
    "resolved_before_first_delivery": [ONE],  # what the answers were is not replayed
    "alertmanager_restart": [ONE],
    "ha_normal_dedup": [GONE],
    "ha_duplicate_slow_receiver": [ONE],
    "ha_duplicate_same_external_url": [ONE],
    "ha_duplicate_503": [ONE],
    "ha_duplicate_split_brain": [ONE],
    "many_alerts_60": ["KubePodNotReady: firing · warning · 60 firing"],
    "many_alerts_60_max10": ["KubePodNotReady: firing · warning · at least 10 firing"],
    "truncated_resolved_hides_firing": ["KubePodNotReady: firing · warning · 10 resolved, the others are not known"],
    "silence_effects": ["KubePodCrashLooping: firing · critical · 0 firing, 2 not reported, 2 resolved"],
    "silence_ends_still_firing": ["X: firing · no severity · 1 firing"],
}
"""How each card begins in the end. There is an API, which is not asked here: what is no longer told of is not over
before it was asked about."""


@pytest.mark.parametrize("scenario", ENDS)
def test_every_group_ends_as_it_should(scenario: str) -> None:
    last = {step["card"]["group"]: step["card"]["text"] for step in kept(scenario) if "card" in step}
    said = [" · ".join(text.split(" · ")[: 1 if ": resolved" in text else 3]) for text in last.values()]
    assert said == ENDS[scenario]


def test_a_group_is_one_of_its_key_and_receiver() -> None:
    """Labels that are the same elsewhere do not join groups, and what is sent twice does not part them."""
    cards = [step["card"]["text"] for step in kept("group_keys_and_receivers") if "card" in step]
    assert sum(text.startswith("HighErrorRate: ") for text in cards) == 4
    sent = posted(NEWEST, "group_keys_and_receivers")
    routes = [(told["receiver"], told["groupKey"]) for told in (json.loads(one.body) for one in sent)]
    assert (len(set(routes)), len(cards)) == (5, 5)
    assert len(routes) > 5
    assert len({key for _, key in routes}) < 5, "one of the keys has two receivers"


def test_the_life_of_a_group_is_read_from_one_card() -> None:
    assert [shown.splitlines()[:2][-1].partition(" · since")[0] for shown in read("group_lifecycle")] == [
        "critical · 3 firing", "critical · 2 firing, 1 resolved", "critical · 3 firing, 1 resolved",
        "critical · 1 firing, 3 resolved", "✅ KubePodCrashLooping resolved · 4 alerts · 10 s",
        "critical · 1 firing, 3 resolved",
    ]  # fmt: skip


@pytest.mark.parametrize("scenario", ["repeat_notification", "ha_duplicate_503", "retry_500_then_200", "status_429"])
def test_what_comes_again_shows_nothing_new(scenario: str) -> None:
    first, *again = kept(scenario)
    assert "card" in first
    assert again
    assert all(step == {"shown": "nothing new"} for step in again)


def test_kept_alerts_that_are_resolved_do_not_make_a_truncated_group_resolved() -> None:
    hides = [shown for shown in read("truncated_resolved_hides_firing") if "Alertmanager did not send" in shown]
    assert any("10 resolved, the others are not known" in shown for shown in hides)


def test_what_is_silenced_is_not_shown_as_over() -> None:
    assert "2 not reported any more (silenced, or over); being checked" in read("silence_effects")[-1]


def test_names_of_labels_may_be_anything() -> None:
    assert "my label.ünï=v" in read("utf8_label_names")[0]


def test_special_characters_are_shown_as_they_are_and_mean_nothing() -> None:
    shown = read("special_characters")[0]
    assert "<!channel> <!here> <@U12345> <https://evil.example.test|click> *bold* `code` ~x~" in shown
    kinds = set(re.findall(r"'type': '(\w+)'", str(kept("special_characters"))))
    assert kinds <= {
        "header", "plain_text", "rich_text", "rich_text_section", "text", "date", "link", "actions", "button",
    }  # fmt: skip
