"""Payloads at their edges; the usual ones arrive over a real connection in test_listeners.py."""

from typing import Any

import pytest

from bot.domain.dialog import ApproveDialog
from bot.slack import incoming as read
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.modal import Origin

S = Any  # the `Samples` of the conftest


def mention(**event: Any) -> dict[str, Any]:
    known = {"type": "app_mention", "user": "U0DEV1", "channel": "C0DEPLOY", "ts": "1.1", "text": "<@U0TIPHYS> status"}
    return {"event_id": "Ev1", "event": {**known, **event}}


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("<@U0TIPHYS> status", "status"), ("hey <@U0TIPHYS|tiphys> status", "hey   status"), ("<@U0TIPHYS>", ""),
        ("<@U0TIPHYS> why &lt;3 &amp;amp;", "why <3 &amp;"), ("<@U0OTHER> <@U0TIPHYS> x", "<@U0OTHER>   x"),
    ],
)  # fmt: skip
def test_a_mention_is_read_without_our_name(typed: str, text: str) -> None:
    taken = read.mention(mention(text=typed), "U0TIPHYS")
    assert taken is not None
    assert taken.text == text


@pytest.mark.parametrize("event", [{"edited": {"user": "U0DEV1", "ts": "2"}}, {"user": None}])
def test_what_nobody_wrote_just_now_is_not_taken(event: Any) -> None:
    assert read.mention(mention(**event), "U0TIPHYS") is None


def test_a_press_in_a_dialog_answers_where_the_dialog_came_from(samples: S) -> None:
    origin = Origin(channel=samples.change().channel, respond_to="https://hooks.example.com/1")
    shown = view(ApproveDialog(card=samples.card(), fingerprint="f"), origin)
    body = {
        "type": "block_actions", "trigger_id": "T1", "user": {"id": "U0DEV1"}, "view": shown,
        "container": {"type": "view", "view_id": "V1"}, "actions": [{"type": "button", "action_id": "x", "value": "v"}],
    }  # fmt: skip
    taken = read.click(body)
    assert taken is not None
    assert (taken.channel, taken.respond_to, taken.message) == ("C0DEPLOY", "https://hooks.example.com/1", None)


def test_equal_payloads_without_an_id_are_the_same_act() -> None:
    body = {"user_id": "U0DEV1", "channel_id": "C0DEPLOY", "command": "/promote", "text": "a b"}
    assert read.command(body).id == read.command(dict(reversed(list(body.items())))).id
    assert read.command(body).id != read.command({**body, "text": "a c"}).id


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({"team_id": "T1"}, "T1"), ({"team": {"id": "T1"}, "user": {"team_id": "T2"}}, "T1"),
        ({"team": None, "user": {"id": "U1", "team_id": "T2"}}, "T2"), ({}, None),
    ],
)  # fmt: skip
def test_the_workspace_is_where_it_happened(body: Any, team: str | None) -> None:
    assert read.workspace_of(body) == team
