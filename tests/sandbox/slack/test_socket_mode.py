"""Websockets: one envelope goes to one of them, URLs open once, acknowledgements may come from anywhere."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from bot.sandbox.seeded import TOKENS
from bot.tasks import TaskSet
from tests.sandbox.slack.conftest import Json, Script, Stage, error_of, until


async def open_url(stage: Stage) -> str:
    return str((await stage.client().apps_connections_open(app_token=TOKENS.slack_app))["url"])


async def test_hello_comes_first_and_the_address_is_the_one_that_was_asked(stage: Stage) -> None:
    url = await open_url(stage)
    assert url.startswith(stage.bot_url.replace("http", "ws"))
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = await socket.receive_json()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)


async def test_a_url_opens_one_connection(stage: Stage) -> None:
    url = await open_url(stage)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url):
            pass
        for spent in (url, url.replace("ticket=", "ticket=x")):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(spent)
            assert refused.value.status == 408


async def test_only_the_app_token_opens_connections(stage: Stage) -> None:
    client = stage.client()
    assert await error_of(client.apps_connections_open(app_token="xapp-wrong")) == "invalid_auth"
    assert await error_of(client.apps_connections_open(app_token=TOKENS.slack_bot)) == "not_allowed_token_type"


async def test_no_more_than_ten(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await open_url(stage)) for _ in range(10)]
        for socket in sockets:
            assert (await socket.receive_json())["type"] == "hello"
        eleventh = await session.ws_connect(await open_url(stage))
        assert await eleventh.receive_json() == {"type": "disconnect", "reason": "too_many_websockets"}
        assert (await eleventh.receive()).type is aiohttp.WSMsgType.CLOSE
        for socket in [*sockets, eleventh]:
            await socket.close()
    await until(lambda: stage.service.parts.socket_mode.connections == 0)


async def test_each_envelope_goes_to_one_of_two_bots(stage: Stage, script: Script) -> None:
    heard: list[tuple[str, str]] = []

    def bot(name: str) -> Any:
        app = stage.bolt_app()

        @app.command("/promote")
        async def promote(ack: Any, body: Json) -> None:
            heard.append((name, body["text"]))
            await ack()

        return app

    async with stage.connected(bot("one")), stage.connected(bot("two")):
        for n in range(6):
            await script.post("/api/say", user="developer", channel="deployments", text=f"/promote {n}")
    assert sorted(text for _, text in heard) == [str(n) for n in range(6)]
    assert {name for name, _ in heard} == {"one", "two"}


async def test_an_acknowledgement_may_come_on_another_connection(stage: Stage, script: Script) -> None:
    tasks = TaskSet("test")
    async with aiohttp.ClientSession() as session:
        first = await session.ws_connect(await open_url(stage))
        second = await session.ws_connect(await open_url(stage))
        await first.receive_json()
        await second.receive_json()
        said = tasks.start(
            script.post("/api/say", user="developer", channel="deployments", text="/promote x"), name="say"
        )
        envelopes = [tasks.start(one.receive_json(), name="receive") for one in (first, second)]
        done, _ = await asyncio.wait(envelopes, return_when=asyncio.FIRST_COMPLETED)
        envelope = done.pop().result()
        other = second if envelopes[0].done() else first
        for waiting in envelopes:
            waiting.cancel()
        await asyncio.wait(envelopes)
        await other.send_str("not JSON")
        await other.send_str(json.dumps({"envelope_id": "unknown"}))
        await other.send_str(json.dumps({"envelope_id": envelope["envelope_id"], "payload": {"text": "here"}}))
        assert (await said)["ack"]["plain"] == "here"
        await first.close()
        await second.close()


async def test_a_refresh_is_told_then_the_connection_ends_and_another_one_hears(stage: Stage, script: Script) -> None:
    tasks = TaskSet("test")
    async with aiohttp.ClientSession() as session:
        first = await session.ws_connect(await open_url(stage))
        assert (await first.receive_json())["type"] == "hello"
        assert await script.post("/api/slack/disconnect", reason="refresh_requested") == {"connections": 1}
        told = await first.receive_json()
        assert (told["type"], told["reason"]) == ("disconnect", "refresh_requested")
        assert (await first.receive()).type is aiohttp.WSMsgType.CLOSE
        second = await session.ws_connect(await open_url(stage))
        assert (await second.receive_json())["type"] == "hello"
        said = tasks.start(
            script.post("/api/say", user="developer", channel="deployments", text="/promote again"), name="say"
        )
        envelope = await second.receive_json()
        assert envelope["payload"]["text"] == "again"
        await second.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await said)["ack"] is not None
        await second.close()


async def test_bolt_comes_back_after_a_refresh(stage: Stage, script: Script) -> None:
    """Its own reconnecting may open two connections and drop the first, so what is said meanwhile is said again."""
    app, heard = stage.bolt_app(), list[str]()

    @app.command("/promote")
    async def promote(ack: Any, body: Json) -> None:
        heard.append(body["text"])
        await ack()

    async with stage.connected(app):
        await script.post("/api/slack/disconnect", reason="refresh_requested")
        await until(lambda: stage.service.parts.socket_mode.connections == 1)
        async with asyncio.timeout(30):
            while not heard:
                await script.post("/api/say", user="developer", channel="deployments", text="/promote again")
    assert set(heard) == {"again"}


async def test_socket_mode_must_be_switched_on(stage: Stage) -> None:
    stage.service.install({"settings": {"socket_mode_enabled": False}})
    call = stage.client().apps_connections_open(app_token=TOKENS.slack_app)
    assert await error_of(call) == "socket_mode_not_enabled"


async def test_a_connection_is_cut_without_a_word(stage: Stage, script: Script) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await open_url(stage)) for _ in range(2)]
        for socket in sockets:
            await socket.receive_json()
        assert await script.post("/api/slack/disconnect", reason="cut", only=1) == {"connections": 1}
        assert (await sockets[1].receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert stage.service.parts.socket_mode.connections == 1
        for socket in sockets:
            await socket.close()


async def test_a_half_open_connection_swallows_what_is_sent_until_slack_notices(stage: Stage, script: Script) -> None:
    stage.service.parts.deliveries.ack_seconds = 0.1
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(await open_url(stage))
        await socket.receive_json()
        assert await script.post("/api/slack/disconnect", reason="half_open", seconds=0.3) == {"connections": 1}
        said = await script.post("/api/say", user="developer", channel="deployments", text="/promote lost")
        assert said["ack"] is None
        assert (await script.get("/api/deliveries"))["deliveries"][0]["status"] is None
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert stage.service.parts.socket_mode.connections == 0
        await socket.close()
