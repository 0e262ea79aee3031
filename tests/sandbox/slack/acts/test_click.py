"""Pressing things in messages: buttons, overflow options, confirm dialogs, stale and tampered clicks."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.slack.conftest import Json, Script, Stage

ANY = re.compile(".*")


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


CONFIRM = {"title": text("Sure?"), "text": text("apm-stack → production"), "confirm": text("Yes"), "deny": text("No")}
CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*apm-stack* → production"}},
    {"type": "actions", "block_id": "row", "elements": [
        {"type": "button", "action_id": "change.approve", "text": text("Approve"), "value": "7|abc", "style": "primary",
         "confirm": CONFIRM},
        {"type": "button", "action_id": "change.details", "text": text("Details"), "value": "7"},
        {"type": "overflow", "action_id": "change.more", "options": [
            {"text": text("Hold"), "value": "change.hold|7"}, {"text": text("Abort"), "value": "change.abort|7"}]},
    ]},
]  # fmt: skip


class Bot:
    """A bot that remembers every click."""

    def __init__(self, stage: Stage) -> None:
        self.app, self.clicks = stage.bolt_app(), list[Json]()

        @self.app.action({"type": "block_actions", "action_id": ANY})
        async def clicked(ack: Any, body: Json) -> None:
            self.clicks.append(body)
            await ack()

    @property
    def action(self) -> Json:
        found: Json = self.clicks[-1]["actions"][0]
        return found


@pytest.fixture
async def bot(stage: Stage) -> AsyncIterator[Bot]:
    bot = Bot(stage)
    async with stage.connected(bot.app):
        yield bot


@pytest.fixture
async def card(stage: Stage) -> str:
    posted = await stage.client().chat_postMessage(channel="C0DEPLOY", text="apm-stack", blocks=CARD)
    return str(posted["ts"])


async def test_a_button_arrives_with_its_message(bot: Bot, script: Script, card: str) -> None:
    pressed = {"user": "approver-1", "channel": "deployments", "ts": card, "action_id": "change.approve"}
    clicked = await script.post("/api/click", **pressed, confirm=True)
    assert clicked["ack"]["status"] == 200
    (body,) = bot.clicks
    assert body["user"]["id"] == "U0APPR1"
    assert body["channel"] == {"id": "C0DEPLOY", "name": "deployments"}
    assert body["container"] == {
        "type": "message", "message_ts": card, "channel_id": "C0DEPLOY", "is_ephemeral": False,
    }  # fmt: skip
    assert body["message"]["blocks"][1]["block_id"] == "row"
    assert (bot.action["value"], bot.action["block_id"], bot.action["type"]) == ("7|abc", "row", "button")
    assert {"response_url", "trigger_id", "team", "api_app_id"} <= body.keys()


async def test_an_overflow_option_is_found_by_the_id_that_its_value_starts_with(
    bot: Bot, script: Script, card: str
) -> None:
    for action_id in ("change.hold", "change.abort"):
        await script.post("/api/click", user="developer", channel="deployments", ts=card, action_id=action_id)
        assert bot.action["action_id"] == "change.more"
        assert bot.action["type"] == "overflow"
        assert bot.action["selected_option"]["value"] == f"{action_id}|7"
    await script.post(
        "/api/click", user="developer", channel="deployments", ts=card, action_id="change.hold", value="change.hold|8"
    )
    assert bot.action["selected_option"]["value"] == "change.hold|8"


async def test_every_button_is_listed(script: Script, card: str) -> None:
    (message,) = await script.messages()
    listed = [(b["action_id"], b["label"], b["value"], b["style"], bool(b["confirm"])) for b in message["buttons"]]
    assert listed == [
        ("change.approve", "Approve", "7|abc", "primary", True),
        ("change.details", "Details", "7", None, False),
        ("change.hold", "Hold", "change.hold|7", None, False),
        ("change.abort", "Abort", "change.abort|7", None, False),
    ]
    assert message["buttons"][0]["confirm"]["text"] == "apm-stack → production"
    assert message["plain"] == "apm-stack → production\nApprove  Details  Hold  Abort"


async def test_a_confirm_dialog_must_be_answered(bot: Bot, script: Script, card: str) -> None:
    pressed = {"user": "approver-1", "channel": "deployments", "ts": card, "action_id": "change.approve"}
    assert await script.refused("POST", "/api/click", pressed) == (409, "confirm_required")
    assert await script.refused("POST", "/api/click", {**pressed, "confirm": False}) == (409, "confirm_required")
    assert bot.clicks == []
    await script.post("/api/click", **{**pressed, "action_id": "change.details"}, confirm=True)
    assert len(bot.clicks) == 1


async def test_a_tampered_value_is_delivered(bot: Bot, script: Script, card: str) -> None:
    await script.post(
        "/api/click", user="developer", channel="deployments", ts=card, action_id="change.details", value="9"
    )
    assert bot.action["value"] == "9"


async def test_stale_clicks_need_force_and_carry_what_stood_there(
    stage: Stage, bot: Bot, script: Script, card: str
) -> None:
    await stage.client().chat_update(channel="C0DEPLOY", ts=card, text="done")
    pressed = {"user": "approver-1", "channel": "deployments", "ts": card, "action_id": "change.approve"}
    assert await script.refused("POST", "/api/click", pressed) == (404, "no_such_action")
    await script.post("/api/click", **pressed, force=True)
    assert bot.action["value"] == "7|abc"
    await script.delete(f"/api/channels/deployments/messages/{card}")
    assert await script.refused("POST", "/api/click", pressed) == (404, "no_such_message")
    await script.post("/api/click", **pressed, force=True)
    assert bot.action["value"] == "7|abc"
    await script.post(
        "/api/click", **{**pressed, "ts": "1.000001", "action_id": "change.unheard"}, value="1", force=True
    )
    assert (bot.action["action_id"], bot.action["value"]) == ("change.unheard", "1")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"user": "gone"}, (409, "user_deactivated")),
        ({"ts": "1.2"}, (404, "no_such_message")),
        ({"ts": None}, (400, "malformed")),
        ({"action_id": "change.unheard"}, (404, "no_such_action")),
        ({"block_id": "elsewhere"}, (404, "no_such_action")),
        ({"channel": "release"}, (409, "user_not_in_channel")),
        ({"ephemeral_id": "E1"}, (404, "no_such_message")),
        ({"view_id": "V1"}, (404, "no_such_view")),
    ],
)
async def test_what_cannot_be_pressed(script: Script, card: str, change: Json, refusal: tuple[int, str]) -> None:
    pressed = {"user": "developer", "channel": "deployments", "ts": card, "action_id": "change.details", **change}
    assert await script.refused("POST", "/api/click", pressed) == refusal


async def test_what_a_clicks_acknowledgement_says_is_ignored(stage: Stage, script: Script, card: str) -> None:
    app = stage.bolt_app()

    @app.action("change.details")
    async def pressed(ack: Any) -> None:
        await ack("nobody sees this")

    async with stage.connected(app):
        clicked = await script.post(
            "/api/click", user="developer", channel="deployments", ts=card, action_id="change.details"
        )
    assert clicked["ack"].keys() == {"status", "ms"}
    assert await script.ephemerals() == []


async def test_a_private_message_has_buttons_too(stage: Stage, bot: Bot, script: Script) -> None:
    await stage.client().chat_postEphemeral(channel="C0DEPLOY", user="U0DEV1", text="which?", blocks=CARD)
    (whispered,) = await script.ephemerals()
    assert whispered["buttons"][1]["action_id"] == "change.details"
    pressed = {"ephemeral_id": whispered["id"], "action_id": "change.details"}
    await script.post("/api/click", user="developer", **pressed)
    assert bot.clicks[-1]["container"]["is_ephemeral"]
    assert "message" not in bot.clicks[-1]
    assert await script.refused("POST", "/api/click", {"user": "admin", **pressed}) == (404, "no_such_message")


async def test_menus_in_messages_take_a_choice(stage: Stage, bot: Bot, script: Script) -> None:
    menu = {"type": "static_select", "action_id": "pick", "options": [
        {"text": text("Dev"), "value": "development"}, {"text": text("Prod"), "value": "production"}]}  # fmt: skip
    person = {"type": "users_select", "action_id": "who"}
    posted = await stage.client().chat_postMessage(
        channel="C0DEPLOY", text="pick", blocks=[{"type": "actions", "elements": [menu, person]}]
    )
    pressed = {"user": "developer", "channel": "deployments", "ts": posted["ts"]}
    await script.post("/api/click", **pressed, action_id="pick", selected="production")
    assert bot.action["selected_option"]["value"] == "production"
    await script.post("/api/click", **pressed, action_id="who", selected="admin")
    assert bot.action["selected_user"] == "U0ADMIN"
    wrong = {**pressed, "action_id": "pick", "selected": "moon"}
    assert await script.refused("POST", "/api/click", wrong) == (422, "no_such_option")
