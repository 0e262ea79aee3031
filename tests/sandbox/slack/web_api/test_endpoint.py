"""Tokens, scopes, rate limits and the ways that arguments travel."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.web_api.endpoint import METHODS
from tests.sandbox.slack.conftest import Json, Script, Stage, error_of


async def test_who_am_i(client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["bot_id"], me["team_id"]) == ("U0TIPHYS", "B0TIPHYS", "T0SANDBOX")
    assert (await client.team_info())["team"]["id"] == "T0SANDBOX"
    assert (await client.bots_info(bot="B0TIPHYS"))["bot"]["user_id"] == "U0TIPHYS"
    assert await error_of(client.bots_info(bot="B0")) == "bot_not_found"
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}


async def test_tokens(stage: Stage) -> None:
    assert await error_of(stage.client("xoxb-wrong").auth_test()) == "invalid_auth"
    assert await error_of(stage.client(TOKENS.slack_app).auth_test()) == "not_allowed_token_type"
    async with aiohttp.ClientSession() as session, session.post(f"{stage.bot_url}/api/auth.test") as response:
        assert (response.status, await response.json()) == (200, {"ok": False, "error": "not_authed"})


async def test_unknown_methods(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [("application/json", "{", "invalid_json"), ("application/json", "[1]", "json_not_object")],
)
async def test_bodies_that_are_no_arguments(stage: Stage, content_type: str, body: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {TOKENS.slack_bot}", "Content-Type": content_type}
    async with aiohttp.ClientSession() as session:
        url = f"{stage.bot_url}/api/chat.postMessage"
        async with session.post(url, data=body, headers=headers) as response:
            assert (await response.json())["error"] == error


async def test_arguments_travel_as_json_form_and_query(stage: Stage, script: Script) -> None:
    url, headers = f"{stage.bot_url}/api/chat.postMessage", {"Authorization": f"Bearer {TOKENS.slack_bot}"}
    blocks = [{"type": "divider"}]
    message: Json = {"channel": "C0DEPLOY", "text": "x", "blocks": blocks, "unfurl_links": False}
    flat = {"channel": "C0DEPLOY", "text": "x", "blocks": json.dumps(blocks)}
    async with aiohttp.ClientSession(headers=headers) as session:
        for arguments in ({"json": message}, {"data": flat}, {"params": flat}):
            async with session.post(url, **arguments) as response:
                assert (await response.json())["ok"]
        async with session.get(url, params={**flat, "token": TOKENS.slack_bot}, headers={}) as response:
            assert (await response.json())["ok"]
    assert [m["blocks"][0]["type"] for m in await script.messages()] == ["divider"] * 4


async def test_a_missing_scope_is_named(stage: Stage, client: AsyncWebClient, script: Script) -> None:
    await script.patch("/api/slack", refuse_scope=["usergroups:read"])
    with pytest.raises(SlackApiError) as refused:
        await client.usergroups_list()
    response = refused.value.response
    assert (response["error"], response["needed"]) == ("missing_scope", "usergroups:read")
    assert "chat:write" in response["provided"].split(",")
    await script.patch("/api/slack", refuse_scope=[])
    await client.usergroups_list()
    stage.service.install({"oauth_config": {"scopes": {"bot": ["chat:write"]}}})
    assert await error_of(client.users_info(user="U0DEV1")) == "missing_scope"
    assert await error_of(client.conversations_info(channel="C0DEPLOY")) == "missing_scope"


async def test_rate_limits_when_switched_on(stage: Stage, client: AsyncWebClient, script: Script) -> None:
    for _ in range(25):
        await client.users_list()
    await script.patch("/api/slack", rate_limits=True)
    for _ in range(20):
        await client.users_list()
    with pytest.raises(SlackApiError) as refused:
        await client.users_list()
    response = refused.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    await script.patch("/api/slack", rate_limits=False)
    await client.users_list()


async def test_posts_are_limited_by_channel(client: AsyncWebClient, script: Script) -> None:
    await script.patch("/api/slack", rate_limits=True, scale=0.01)
    for _ in range(5):
        await client.chat_postMessage(channel="C0DEPLOY", text="x")
    assert await error_of(client.chat_postMessage(channel="C0DEPLOY", text="x")) == "ratelimited"
    await client.chat_postMessage(channel="C0STAGING", text="x")
    assert len(await script.messages()) == 5


async def test_the_log_knows_bot_and_effect_and_no_secret(stage: Stage, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0DEPLOY", text="x", metadata={"event_type": "t", "event_payload": {}})
    await error_of(client.chat_postMessage(channel="C0NOWHERE", text="x"))
    entries, _ = stage.traffic.requests(service="slack")
    assert [(e.path, e.bot, e.status, e.applied) for e in entries] == [
        ("/api/chat.postMessage", "bot-1", 200, True),
        ("/api/chat.postMessage", "bot-1", 200, False),
    ]
    assert entries[0].body["text"] == "x"
    async with aiohttp.ClientSession() as session:
        await session.post(f"{stage.bot_url}/api/auth.test", data={"token": TOKENS.slack_bot})
    entries, _ = stage.traffic.requests(service="slack")
    assert entries[-1].applied
    assert TOKENS.slack_bot not in json.dumps([e.as_json() for e in entries])


def test_every_method_of_the_bots_world_is_served() -> None:
    assert {
        "auth.test", "apps.connections.open", "chat.postMessage", "chat.update", "chat.delete", "chat.postEphemeral",
        "chat.getPermalink", "conversations.info", "conversations.list", "conversations.history",
        "conversations.replies", "conversations.members", "conversations.join", "conversations.open", "users.info",
        "users.list", "usergroups.list", "usergroups.users.list", "views.open", "views.update", "views.push",
        "reactions.add", "team.info", "bots.info",
    } <= METHODS.keys()  # fmt: skip


async def test_every_answer_tells_the_tokens_scopes(stage: Stage, script: Script) -> None:
    """Also one that is a refusal; what a method takes is told too. A token that is none is told nothing."""

    async def headers_of(method: str, token: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{stage.bot_url}/api/{method}"
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as response:
            return {name.lower(): value for name, value in response.headers.items()}

    granted = await headers_of("auth.test", TOKENS.slack_bot)
    assert "usergroups:read" in granted["x-oauth-scopes"].split(",")
    assert "x-accepted-oauth-scopes" not in granted
    assert (await headers_of("users.info", TOKENS.slack_bot))["x-accepted-oauth-scopes"] == "users:read"
    await script.patch("/api/slack", refuse_scope=["usergroups:read"])
    refused = await headers_of("usergroups.list", TOKENS.slack_bot)
    assert "usergroups:read" not in refused["x-oauth-scopes"].split(",")
    assert (await headers_of("apps.connections.open", TOKENS.slack_app))["x-oauth-scopes"] == "connections:write"
    assert "x-oauth-scopes" not in await headers_of("auth.test", "xoxb-wrong")
