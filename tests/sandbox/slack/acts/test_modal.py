"""Modals: opened by a trigger, filled in, refused, pushed, closed."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.conftest import Json, Script, Stage, error_of, until


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def field(block_id: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": text(f"The {block_id}"), "element": element, **more}


def options(*values: str) -> list[Json]:
    return [{"text": text(value.title()), "value": value} for value in values]


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal", "callback_id": "ask", "title": text("Reject #7"), "submit": text("Reject"),
        "close": text("Back"), "private_metadata": "7", "blocks": list(blocks), **more,
    }  # fmt: skip


REASON = field("reason", {"type": "plain_text_input", "action_id": "text", "max_length": 20})
EVERY_KIND = modal(
    REASON,
    field("env", {"type": "static_select", "action_id": "pick", "options": options("staging", "production")}),
    field("app", {"type": "external_select", "action_id": "search", "min_query_length": 0}),
    field("who", {"type": "users_select", "action_id": "user"}),
    field("flags", {"type": "checkboxes", "action_id": "boxes", "options": options("dry-run", "prune"),
                    "initial_options": options("prune")}, optional=True),
    field("until", {"type": "datepicker", "action_id": "date"}, optional=True),
    field("count", {"type": "number_input", "action_id": "number", "is_decimal_allowed": False}, optional=True),
)  # fmt: skip


class Bot:
    """Opens `modal` at `/promote`; answers a submission with `answer`; keeps what it was sent."""

    def __init__(self, stage: Stage) -> None:
        self.app: AsyncApp = stage.bolt_app()
        self.modal, self.answer = modal(REASON), dict[str, Any]()
        self.submissions: list[Json] = []
        self.closed: list[Json] = []
        self.triggers: list[str] = []

        @self.app.command("/promote")
        async def promote(ack: Any, body: Json, client: AsyncWebClient) -> None:
            self.triggers.append(body["trigger_id"])
            await client.views_open(trigger_id=body["trigger_id"], view=self.modal)
            await ack()

        @self.app.view("ask")
        async def submitted(ack: Any, body: Json) -> None:
            self.submissions.append(body)
            await ack(**self.answer)

        @self.app.view_closed("ask")
        async def closed(ack: Any, body: Json) -> None:
            self.closed.append(body)
            await ack()

        @self.app.options("search")
        async def search(ack: Any, body: Json) -> None:
            offered = [one for one in ("apm-stack", "apm-gateway") if body["value"] in one]
            await ack(options=options(*offered))

    @property
    def values(self) -> Json:
        found: Json = self.submissions[-1]["view"]["state"]["values"]
        return found


async def ask(script: Script) -> str:
    """The id of the modal that `/promote` opens."""
    await script.post("/api/say", user="developer", channel="deployments", text="/promote")
    return str((await script.views())[-1]["view_id"])


async def test_a_modal_is_listed_with_its_inputs(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    bot.modal = EVERY_KIND
    async with stage.connected(bot.app):
        await ask(script)
    (view,) = await script.views()
    assert (view["callback_id"], view["title"], view["open"]) == ("ask", "Reject #7", True)
    assert view["plain"].startswith("Reject #7\nThe reason")
    assert view["plain"].endswith("Back\nReject")
    assert [(i["block_id"], i["action_id"], i["label"], i["type"], i["optional"]) for i in view["inputs"][:2]] == [
        ("reason", "text", "The reason", "plain_text_input", False),
        ("env", "pick", "The env", "static_select", False),
    ]
    assert view["inputs"][1]["options"][1] == {"label": "Production", "value": "production"}
    assert view["inputs"][4]["initial"] == ["prune"]


async def test_a_submission_carries_every_value(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    bot.modal = EVERY_KIND
    async with stage.connected(bot.app):
        view_id = await ask(script)
        values = {
            "The reason": "too early", "env": "production", "app": "apm-stack", "who": "admin",
            "until": "2026-12-01", "count": 3,
        }  # fmt: skip
        submitted = await script.post("/api/submit", user="developer", view_id=view_id, values=values)
    assert submitted == {"ack": submitted["ack"]}
    assert submitted["ack"]["status"] == 200
    assert bot.values["reason"]["text"] == {"type": "plain_text_input", "value": "too early"}
    assert bot.values["env"]["pick"]["selected_option"]["value"] == "production"
    assert bot.values["app"]["search"]["selected_option"]["value"] == "apm-stack"
    assert bot.values["who"]["user"]["selected_user"] == "U0ADMIN"
    assert [o["value"] for o in bot.values["flags"]["boxes"]["selected_options"]] == ["prune"]
    assert bot.values["until"]["date"]["selected_date"] == "2026-12-01"
    assert bot.values["count"]["number"]["value"] == "3"
    assert bot.submissions[0]["view"]["private_metadata"] == "7"
    assert not (await script.views())[0]["open"]


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({}, (422, "required_input")),
        ({"reason": ""}, (422, "required_input")),
        ({"reason": "x" * 21}, (422, "wrong_length")),
        ({"elsewhere": "x"}, (404, "no_such_input")),
        ({"reason": "x", "env": "moon"}, (422, "no_such_option")),
        ({"reason": "x", "app": "moon"}, (422, "no_such_option")),
        ({"reason": "x", "who": "moon"}, (404, "no_such_user")),
        ({"reason": "x", "until": "soon"}, (422, "wrong_format")),
        ({"reason": "x", "count": "many"}, (422, "wrong_format")),
    ],
)
async def test_slack_itself_refuses_bad_values(
    stage: Stage, script: Script, values: Json, refusal: tuple[int, str]
) -> None:
    bot = Bot(stage)
    bot.modal = EVERY_KIND
    async with stage.connected(bot.app):
        body = {"user": "developer", "view_id": await ask(script), "values": values}
        assert await script.refused("POST", "/api/submit", body) == refusal
    assert bot.submissions == []


async def test_errors_keep_the_modal_open(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    bot.answer = {"response_action": "errors", "errors": {"reason": "say more"}}
    async with stage.connected(bot.app):
        view_id = await ask(script)
        body = {"user": "developer", "view_id": view_id, "values": {"reason": "x"}}
        submitted = await script.post("/api/submit", **body)
        assert (submitted["response_action"], submitted["errors"]) == ("errors", {"reason": "say more"})
        assert (await script.views())[0]["open"]
        bot.answer = {"response_action": "errors", "errors": {"elsewhere": "?"}}
        submitted = await script.post("/api/submit", **body)
        assert "response_action" not in submitted
        assert submitted["ack"]["error"].startswith("invalid_errors")


async def test_update_push_and_clear(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    async with stage.connected(bot.app):
        first = await ask(script)
        bot.answer = {"response_action": "update", "view": modal(REASON, title=text("Second"))}
        values = {"reason": "x"}
        submitted = await script.post("/api/submit", user="developer", view_id=first, values=values)
        assert (submitted["response_action"], submitted["view_id"]) == ("update", first)
        assert (await script.views())[0]["title"] == "Second"
        bot.answer = {"response_action": "push", "view": modal(REASON, title=text("On top"))}
        views = [first]
        for _ in range(2):
            pushed = await script.post("/api/submit", user="developer", view_id=views[-1], values=values)
            views.append(pushed["view_id"])
        top = views[-1]
        submitted = await script.post("/api/submit", user="developer", view_id=top, values=values)
        assert submitted["ack"]["error"] == "push_limit_reached"
        assert [v["open"] for v in await script.views()] == [True, True, True]
        bot.answer = {}
        await script.post("/api/submit", user="developer", view_id=top, values=values)
        assert [v["open"] for v in await script.views()] == [True, True, False]
        bot.answer = {"response_action": "clear"}
        await script.post("/api/submit", user="developer", view_id=views[1], values=values)
        assert [v["open"] for v in await script.views()] == [False, False, False]
        again = {"user": "developer", "view_id": first, "values": values}
        assert await script.refused("POST", "/api/submit", again) == (409, "view_not_open")


async def test_an_unanswered_submission_keeps_the_modal(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    async with stage.connected(bot.app):
        view_id = await ask(script)
    body = {"user": "developer", "view_id": view_id, "values": {"reason": "x"}}
    assert await script.post("/api/submit", **body) == {"ack": None}
    assert (await script.views())[0]["open"]


async def test_closing_tells_the_bot_only_when_it_asked(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    async with stage.connected(bot.app):
        assert await script.post("/api/close", user="developer", view_id=await ask(script)) == {"ack": None}
        bot.modal = modal(REASON, notify_on_close=True)
        closed = await script.post("/api/close", user="developer", view_id=await ask(script))
    assert closed["ack"]["status"] == 200
    assert [body["view"]["private_metadata"] for body in bot.closed] == ["7"]


async def test_a_click_that_opens_a_modal_names_it(stage: Stage, script: Script) -> None:
    app = stage.bolt_app()

    @app.action("open")
    async def pressed(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(REASON))

    @app.action("inside")
    async def inside(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal(REASON, title=text("On top")))

    button = {"type": "button", "action_id": "open", "text": text("Reject…")}
    row = {"type": "actions", "elements": [button]}
    posted = await stage.client().chat_postMessage(channel="C0DEPLOY", text="x", blocks=[row])
    async with stage.connected(app):
        clicked = await script.post(
            "/api/click", user="developer", channel="deployments", ts=posted["ts"], action_id="open"
        )
        assert clicked["view_id"] == (await script.views())[0]["view_id"]
        inner = {"type": "actions", "elements": [{**button, "action_id": "inside"}]}
        await stage.client().views_update(view_id=clicked["view_id"], view=modal(REASON, inner))
        pushed = await script.post("/api/click", user="developer", view_id=clicked["view_id"], action_id="inside")
    top = (await script.views())[-1]
    assert (top["view_id"], top["previous_view_id"]) == (pushed["view_id"], clicked["view_id"])


async def test_nobody_reaches_a_view_below_another(stage: Stage, script: Script) -> None:
    bot, button = Bot(stage), {"type": "button", "action_id": "inside", "text": text("Press")}
    bot.modal = modal(REASON, {"type": "actions", "elements": [button]})
    async with stage.connected(bot.app):
        below = await ask(script)
        above = stage.service.parts.modals.push("U0DEV1", bot.modal)
        acts: tuple[tuple[str, Json], ...] = (
            ("/api/submit", {"values": {"reason": "x"}}), ("/api/close", {}), ("/api/click", {"action_id": "inside"}),
            ("/api/options", {"action_id": "search"}),
        )  # fmt: skip
        for path, body in acts:
            refused = await script.refused("POST", path, {"user": "developer", "view_id": below, **body})
            assert refused == (409, "view_not_on_top")
        await script.post("/api/close", user="developer", view_id=above.id)
        await script.post("/api/submit", user="developer", view_id=below, values={"reason": "x"})
    assert len(bot.submissions) == 1


async def test_a_trigger_works_once_and_not_for_long(
    stage: Stage, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Bot(stage)
    client = stage.client()
    async with stage.connected(bot.app):
        await ask(script)
        assert await error_of(client.views_open(trigger_id=bot.triggers[0], view=bot.modal)) == "exchanged_trigger_id"
    assert await error_of(client.views_open(trigger_id="1.2.3", view=bot.modal)) == "invalid_trigger_id"
    monkeypatch.setattr("bot.sandbox.slack.interactions.TRIGGER_SECONDS", -1.0)
    act = stage.service.parts.interactions.begin("U0DEV1")
    assert await error_of(client.views_open(trigger_id=act.trigger_id, view=bot.modal)) == "expired_trigger_id"


async def test_menus_that_the_bot_fills_can_be_searched(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    bot.modal = EVERY_KIND
    async with stage.connected(bot.app):
        view_id = await ask(script)
        found = await script.post(
            "/api/options", user="developer", view_id=view_id, action_id="search", query="gateway"
        )
    assert found == {"options": [{"label": "Apm-Gateway", "value": "apm-gateway"}]}


async def test_views_update_guards_by_hash_and_external_id(stage: Stage, script: Script) -> None:
    bot = Bot(stage)
    bot.modal = modal(REASON, external_id="one")
    client = stage.client()
    async with stage.connected(bot.app):
        view_id = await ask(script)
        stale = client.views_update(view_id=view_id, hash="1.stale", view=bot.modal)
        assert await error_of(stale) == "hash_conflict"
        await client.views_update(external_id="one", view=modal(REASON, title=text("New"), external_id="one"))
        assert (await script.views())[0]["title"] == "New"
        act = stage.service.parts.interactions.begin("U0DEV2")
        taken = client.views_open(trigger_id=act.trigger_id, view=bot.modal)
        assert await error_of(taken) == "duplicate_external_id"
        await script.post("/api/close", user="developer", view_id=view_id)
        assert await error_of(client.views_update(view_id=view_id, view=bot.modal)) == "not_found"
        await until(lambda: not stage.service.parts.modals.stack("U0DEV1"))


TOLD = field("text", {"type": "plain_text_input", "action_id": "typed"}, dispatch_action=True)


async def test_typing_is_told_where_the_bot_asked_for_it(stage: Stage, script: Script) -> None:
    bot, typed, updated = Bot(stage), list[Json](), list[Json]()
    bot.modal = modal(TOLD, REASON)

    @bot.app.action("typed")
    async def told(ack: Any, body: Json, client: AsyncWebClient) -> None:
        typed.append(body)
        await ack()
        await client.views_update(view_id=body["view"]["id"], view=modal(TOLD, REASON, title=text("Updated")))
        updated.append(body)

    async with stage.connected(bot.app):
        view_id = await ask(script)
        await script.post(
            "/api/click", user="developer", view_id=view_id, action_id="typed", selected="a=b",
            values={"reason": "half a wo"},
        )  # fmt: skip
        body = {"user": "developer", "view_id": view_id, "action_id": "text", "selected": "x"}
        assert await script.refused("POST", "/api/click", body) == (409, "not_dispatched")
        await until(lambda: updated)
    assert (await script.views())[0]["title"] == "Updated"
    (told_of,) = typed
    assert told_of["actions"][0]["value"] == "a=b"
    values = told_of["view"]["state"]["values"]
    assert values["text"]["typed"] == {"type": "plain_text_input", "value": "a=b"}
    assert values["reason"]["text"]["value"] == "half a wo"
