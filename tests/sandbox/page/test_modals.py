"""Modals on the page: every kind of input, the bot's errors, update, push and closing; a foreign bot answers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from tests.sandbox.page.conftest import Opened, World

pytestmark = pytest.mark.chromium
Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def ask(block_id: str, label: str, element: Json, *, optional: bool = False) -> Json:
    placed = {**element, "action_id": f"{block_id}.in"}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": placed, "optional": optional}


COLOURS = [option("red"), option("green"), option("blue")]
INPUTS = [
    ask("reason", "Reason", {"type": "plain_text_input", "multiline": True, "max_length": 200}),
    ask("colour", "Colour", {"type": "static_select", "options": COLOURS}),
    ask("several", "Several", {"type": "checkboxes", "options": COLOURS}, optional=True),
    ask("one", "One", {"type": "radio_buttons", "options": COLOURS, "initial_option": COLOURS[2]}),
    ask("many", "Many", {"type": "multi_static_select", "options": COLOURS}, optional=True),
    ask("day", "Day", {"type": "datepicker"}, optional=True),
    ask("person", "Person", {"type": "users_select"}, optional=True),
    ask("count", "Count", {"type": "number_input", "is_decimal_allowed": False, "initial_value": "3"}),
    {**ask("told", "Told", {"type": "plain_text_input"}, optional=True), "dispatch_action": True},
    {**ask("picked", "Picked", {"type": "static_select", "options": COLOURS}, optional=True), "dispatch_action": True},
]
DEEPER = {"type": "button", "action_id": "deeper", "text": plain("Deeper")}


def modal(title: str, blocks: list[Json], **more: Any) -> Json:
    return {"type": "modal", "callback_id": "form", "title": plain(title), "blocks": blocks, **more}


def note(text: str) -> Json:
    return {"type": "section", "text": plain(text)}


class ForeignBot:
    """Opens a form by its button. The first submission is refused, the second updates it, later ones close it."""

    def __init__(self, app: AsyncApp) -> None:
        self.submitted: list[Json] = []
        app.action("open")(self._open)
        app.action("deeper")(self._deeper)
        app.action("told.in")(self._told)
        app.action("picked.in")(self._told)
        app.view("form")(self._take)

    async def _open(self, ack: Any, body: Json, client: Any) -> None:
        await ack()
        blocks = [*INPUTS, {"type": "actions", "elements": [DEEPER]}]
        await client.views_open(trigger_id=body["trigger_id"], view=modal("A form", blocks, submit=plain("Send")))

    async def _deeper(self, ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal("Below", [note("further down")]))

    async def _told(self, ack: Any, body: Json, client: Any) -> None:
        """Says in the form what was typed or chosen so far, there and in another field."""
        await ack()
        values = body["view"]["state"]["values"]
        told = body["actions"][0]
        said = f"{told.get('value') or told['selected_option']['value']} and {values['reason']['reason.in']['value']}"
        view = modal("A form", [*INPUTS, note(said)], submit=plain("Send"))
        await client.views_update(view_id=body["view"]["id"], view=view)

    async def _take(self, ack: Any, view: Json) -> None:
        self.submitted.append(view["state"]["values"])
        if len(self.submitted) == 1:
            await ack(response_action="errors", errors={"reason": "say more than that"})
        elif len(self.submitted) == 2:
            await ack(response_action="update", view=modal("Thanks", [note("all noted")], submit=plain("Done")))
        else:
            await ack()


@pytest.fixture
async def foreign_bot(empty_world: World) -> AsyncIterator[ForeignBot]:
    client = await empty_world.slack()

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM_ID, bot_id=BOT_ID, bot_user_id=BOT_USER_ID, bot_token=TOKENS.slack_bot
        )

    app = AsyncApp(client=client, authorize=authorize)
    bot, handler = ForeignBot(app), AsyncSocketModeHandler(app, TOKENS.slack_app)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    opener = {"type": "button", "action_id": "open", "text": plain("Open")}
    await client.chat_postMessage(channel="C0DEPLOY", text="form", blocks=[{"type": "actions", "elements": [opener]}])
    yield bot
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_form_from_its_errors_to_its_end(empty_world: World, foreign_bot: ForeignBot, opened: Opened) -> None:
    page = await opened(empty_world.url)
    await page.get_by_role("article").get_by_role("button", name="Open").click()
    form = page.get_by_role("dialog", name="A form")
    reason = form.get_by_role("textbox", name="Reason")
    await expect(reason).to_be_focused()
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("alert").first).to_be_visible()
    assert foreign_bot.submitted == []

    await reason.fill("short")
    await form.get_by_role("combobox", name="Colour").select_option("green")
    await form.get_by_role("group", name="Several").get_by_text("Red").click()
    await form.get_by_role("group", name="Several").get_by_text("Blue").click()
    await form.get_by_role("radio", name="Green").click()
    await form.get_by_role("listbox", name="Many").select_option(["red", "blue"])
    await form.get_by_label("Day").fill("2026-03-04")
    await form.get_by_role("combobox", name="Person").select_option("U0APPR1")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_contain_text("say more than that")
    await expect(reason).to_have_value("short")
    values = foreign_bot.submitted[0]
    assert values["colour"]["colour.in"]["selected_option"]["value"] == "green"
    assert [one["value"] for one in values["several"]["several.in"]["selected_options"]] == ["red", "blue"]
    assert values["one"]["one.in"]["selected_option"]["value"] == "green"
    assert [one["value"] for one in values["many"]["many.in"]["selected_options"]] == ["red", "blue"]
    assert values["day"]["day.in"]["selected_date"] == "2026-03-04"
    assert values["person"]["person.in"]["selected_user"] == "U0APPR1"
    assert values["count"]["count.in"]["value"] == "3"

    await reason.fill("long enough by now")
    await form.get_by_role("button", name="Send").click()
    thanks = page.get_by_role("dialog", name="Thanks")
    await expect(thanks).to_contain_text("all noted")
    assert foreign_bot.submitted[1]["reason"]["reason.in"]["value"] == "long enough by now"
    await thanks.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_is_typed_is_told_and_stays(empty_world: World, foreign_bot: ForeignBot, opened: Opened) -> None:
    page = await opened(empty_world.url)
    await page.get_by_role("article").get_by_role("button", name="Open").click()
    form = page.get_by_role("dialog", name="A form")
    await form.get_by_role("textbox", name="Reason").fill("half a wo")
    told = form.get_by_role("textbox", name="Told")
    await told.press_sequentially("a=bc")
    await expect(form).to_contain_text("a=bc and half a wo")
    await expect(told).to_have_value("a=bc")
    await expect(form.get_by_role("textbox", name="Reason")).to_have_value("half a wo")
    await expect(told).to_be_focused()


async def test_what_is_chosen_is_told_and_stays(empty_world: World, foreign_bot: ForeignBot, opened: Opened) -> None:
    page = await opened(empty_world.url)
    await page.get_by_role("article").get_by_role("button", name="Open").click()
    form = page.get_by_role("dialog", name="A form")
    await form.get_by_role("textbox", name="Reason").fill("half a wo")
    picked = form.get_by_role("combobox", name="Picked")
    await picked.select_option("green")
    await expect(form).to_contain_text("green and half a wo")
    await expect(picked).to_have_value("green")
    await picked.select_option("blue")
    await expect(form).to_contain_text("blue and half a wo")
    await expect(picked).to_have_value("blue")


async def test_a_pushed_view_lies_on_top_and_escape_goes_back(
    empty_world: World, foreign_bot: ForeignBot, opened: Opened
) -> None:
    page = await opened(empty_world.url)
    await page.get_by_role("article").get_by_role("button", name="Open").click()
    await page.get_by_role("button", name="Deeper").click()
    await expect(page.get_by_role("dialog", name="Below")).to_contain_text("further down")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="A form")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
