"""Response URLs: five uses in half an hour, new messages and replaced ones."""

from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.sandbox.slack.conftest import Json, Script, Stage

ROW = [{"type": "actions", "elements": [
    {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
]}]  # fmt: skip


async def command_url(stage: Stage, script: Script) -> str:
    app, urls = stage.bolt_app(), list[str]()

    @app.command("/promote")
    async def promote(ack: Any, body: Json) -> None:
        urls.append(body["response_url"])
        await ack()

    async with stage.connected(app):
        await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    return urls[0]


async def click_url(stage: Stage, script: Script, **pressed: Any) -> str:
    app, urls = stage.bolt_app(), list[str]()

    @app.action("go")
    async def go(ack: Any, body: Json) -> None:
        urls.append(body["response_url"])
        await ack()

    async with stage.connected(app):
        await script.post("/api/click", user="developer", action_id="go", **pressed)
    return urls[0]


async def test_a_command_may_be_answered_five_times(stage: Stage, script: Script) -> None:
    respond = AsyncWebhookClient(await command_url(stage, script))
    for n in range(4):
        assert (await respond.send(text=f"answer {n}")).status_code == 200
    assert (await respond.send(text="for all", response_type="in_channel")).status_code == 200
    refused = await respond.send(text="once more")
    assert (refused.status_code, "used_url" in refused.body) == (404, True)
    whispered = await script.ephemerals()
    assert [(e["via"], e["plain"]) for e in whispered] == [("response_url", f"answer {n}") for n in range(4)]
    assert [m["plain"] for m in await script.messages()] == ["for all"]


async def test_it_expires(stage: Stage, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    respond = AsyncWebhookClient(await command_url(stage, script))
    monkeypatch.setattr("bot.sandbox.slack.interactions.URL_SECONDS", -1.0)
    refused = await respond.send(text="late")
    assert (refused.status_code, "expired_url" in refused.body) == (404, True)
    stranger = await AsyncWebhookClient(respond.url[:-3]).send(text="guessed")
    assert stranger.status_code == 404


async def test_bad_answers_are_refused_without_using_it_up(stage: Stage, script: Script) -> None:
    respond = AsyncWebhookClient(await command_url(stage, script))
    for _ in range(6):
        assert (await respond.send(text="x", blocks=[{"type": "nonsense"}])).status_code == 400
        assert (await respond.send_dict({})).status_code == 400
    assert (await respond.send(text="fine")).status_code == 200


async def test_a_message_is_replaced_and_deleted_by_its_click(stage: Stage, script: Script) -> None:
    posted = await stage.client().chat_postMessage(channel="C0DEPLOY", text="card", blocks=ROW)
    respond = AsyncWebhookClient(await click_url(stage, script, channel="deployments", ts=posted["ts"]))
    await respond.send(text="only for you")
    assert [e["plain"] for e in await script.ephemerals()] == ["only for you"]
    await respond.send(text="replaced", replace_original=True)
    (message,) = await script.messages()
    assert (message["ts"], message["plain"], message["edits"]) == (posted["ts"], "replaced", 1)
    await respond.send(delete_original=True)
    assert await script.messages() == []


async def test_a_private_message_is_replaced_and_deleted_by_its_click(stage: Stage, script: Script) -> None:
    await stage.client().chat_postEphemeral(channel="C0DEPLOY", user="U0DEV1", text="sure?", blocks=ROW)
    (whispered,) = await script.ephemerals()
    respond = AsyncWebhookClient(await click_url(stage, script, ephemeral_id=whispered["id"]))
    await respond.send(text="done", replace_original=True)
    assert [(e["id"], e["plain"]) for e in await script.ephemerals()] == [(whispered["id"], "done")]
    await respond.send(delete_original=True)
    assert await script.ephemerals() == []


async def test_an_acknowledgement_that_slack_cannot_show_is_named(stage: Stage, script: Script) -> None:
    app = stage.bolt_app()

    @app.command("/promote")
    async def promote(ack: Any) -> None:
        await ack(text="x", blocks=[{"type": "nonsense"}])

    async with stage.connected(app):
        said = await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    assert said["ack"]["error"] == "invalid_blocks"
    assert await script.ephemerals() == []
