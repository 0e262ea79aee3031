"""What can be pressed: ids that scripts rely on, values that come back, and questions before what cannot be undone."""

import json
from typing import Any

import pytest

from bot.domain.card import CardAction
from bot.domain.lifecycle import State
from bot.slack.blocks.buttons import buttons, read_option

S = Any  # the `Samples` of the conftest


def shown(card: Any) -> dict[str, Any]:
    """Buttons and options by action id."""
    made: dict[str, Any] = {}
    for element in (buttons(card) or {"elements": []})["elements"]:
        if element["type"] == "overflow":
            made |= {option["value"].partition("|")[0]: option for option in element["options"]}
        else:
            made[element["action_id"]] = element
    return made


@pytest.mark.parametrize("state", State)
def test_every_action_can_be_pressed_by_its_own_id(samples: S, state: State) -> None:
    card = samples.card(samples.change(state))
    assert set(shown(card)) == {action.value for action in card.actions}


def test_a_button_names_change_and_fingerprint(samples: S) -> None:
    value = json.loads(shown(samples.card())["change.approve"]["value"])
    assert value == {"change": samples.change().id, "fingerprint": samples.key.fingerprint}


def test_an_option_names_them_shortly_and_reads_back(samples: S) -> None:
    option = shown(samples.card())["change.hold"]["value"]
    assert option == f"change.hold|{samples.change().id}|{samples.key.fingerprint[:12]}"
    action, value = read_option(option)
    assert action == "change.hold"
    assert json.loads(value) == {"change": samples.change().id, "fingerprint": samples.key.fingerprint[:12]}


@pytest.mark.parametrize(
    ("raw", "read"), [("", ("", "")), ("junk", ("junk", "")), ("change.hold|x", ("change.hold", "x"))]
)
def test_a_foreign_option_stays_raw(raw: str, read: tuple[str, str]) -> None:
    assert read_option(raw) == read


def test_productions_approve_asks_with_application_environment_and_revision(samples: S) -> None:
    asked = shown(samples.card())["change.approve"]["confirm"]["text"]["text"]
    for words in ("apm-stack", "production", "4d1e77c"):
        assert words in asked
    assert "confirm" not in shown(samples.card(asks_confirmation=False))["change.approve"]


def test_abort_and_terminate_ask_first(samples: S) -> None:
    assert "pull request is closed" in shown(samples.card())["change.abort"]["confirm"]["text"]["text"]
    merged = samples.card(samples.change(State.MERGED, merge=samples.merge()))
    assert "merge stays in Git" in shown(merged)["change.abort"]["confirm"]["text"]["text"]
    for facts, says in (
        ({}, "Tiphys does not sync it, but any sync in Argo CD ships it"),
        ({"auto_sync": True}, "Argo CD ships it all the same"),
        ({"auto_sync": True, "shipped": True}, "merged and synced already, not by Tiphys"),
    ):
        merged = samples.card(samples.change(State.MERGED, merge=samples.merge(**facts)))
        assert says in shown(merged)["change.abort"]["confirm"]["text"]["text"]
    running = samples.card(samples.change(State.SYNCING, merge=samples.merge()))
    assert "stays applied" in shown(running)["change.terminate"]["confirm"]["text"]["text"]


@pytest.mark.parametrize(
    ("state", "facts", "says"),
    [
        (State.WAITING_FOR_APPROVAL, {}, "The pull request is closed and its branch deleted. Nothing is merged."),
        (State.APPROVALS_VOID, {"foreign_head": "9" * 40},
         "The pull request is closed. Its branch stays, since somebody else's commit is on it. Nothing is merged."),
        (State.APPROVALS_VOID, {}, "The pull request is closed and its branch deleted. Nothing is merged."),
        (State.PROPOSING, {"proposal": None},
         "A pull request that was opened already is closed and its branch deleted. Nothing is merged."),
        (State.PROPOSING, {"foreign_head": "9" * 40},
         "The pull request is closed, and its branch deleted unless another's commit is on it. Nothing is merged."),
        (State.APPROVALS_VOID, {"proposal": None, "foreign_head": "9" * 40},
         "Its branch stays, since somebody else's commit is on it. Nothing is merged."),
    ],
)  # fmt: skip
def test_abort_says_what_becomes_of_pull_request_and_branch(samples: S, state: State, facts: Any, says: str) -> None:
    asked = shown(samples.card(samples.change(state, **facts)))["change.abort"]["confirm"]["text"]["text"]
    assert asked == says


def test_what_was_merged_is_approved_by_name(samples: S) -> None:
    differs = samples.card(samples.change(State.MERGED_DIFFERS, merge=samples.merge()))
    approve = shown(differs)["change.approve"]
    assert approve["text"]["text"] == "Approve what was merged"
    assert "revision 7777777 as it was merged" in approve["confirm"]["text"]["text"]


def test_a_held_change_shows_lifting_first(samples: S) -> None:
    made = buttons(samples.card(samples.change(State.HELD)))
    assert made is not None
    assert made["elements"][0]["action_id"] == "change.hold"
    assert made["elements"][0]["text"]["text"] == "Lift the hold"


def test_without_actions_there_is_no_row(samples: S) -> None:
    assert buttons(samples.card(actions=())) is None
    assert buttons(samples.card(actions=(CardAction.DETAILS,))) is not None
