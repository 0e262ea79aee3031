"""The service as the world sees it: state, knobs, and a life after a restart."""

import json

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.feed import Feed
from bot.sandbox.seeded import TOKENS
from bot.sandbox.service import Service
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Fault, Traffic
from tests.sandbox.slack.conftest import Json, Script, Stage, error_of


def test_state_is_what_was_seeded() -> None:
    service: Service = SlackService(Traffic(), Feed())
    state = service.state()
    assert {(u["id"], u["kind"]) for u in state["users"]} >= {
        ("U0DEV1", "member"), ("U0GUEST", "guest"), ("U0EXTERNAL", "external"), ("U0GONE", "deactivated"),
        ("U0ROBOT", "bot"),
    }  # fmt: skip
    assert state["usergroups"] == [
        {"id": "S0PLATFORM", "name": "platform-team", "users": ["U0APPR1", "U0APPR2", "U0APPR3"]}
    ]
    channels = {c["name"]: c for c in state["channels"]}
    assert list(channels) == ["deployments", "staging", "alerts", "admin", "release"]
    assert channels["release"]["private"]
    assert "U0DEV1" in channels["deployments"]["members"]
    assert "U0DEV1" not in channels["release"]["members"]
    (approver,) = (u for u in state["users"] if u["name"] == "approver-1")
    assert approver["usergroups"] == ["S0PLATFORM"]


async def test_everything_said_outlives_a_restart(stage: Stage, client: AsyncWebClient, script: Script) -> None:
    metadata = {"event_type": "t", "event_payload": {"n": 1}}
    posted = await client.chat_postMessage(channel="C0DEPLOY", text="card", metadata=metadata)
    await client.chat_postMessage(channel="C0DEPLOY", text="reply", thread_ts=posted["ts"])
    gone = await client.chat_postMessage(channel="C0DEPLOY", text="gone")
    await client.chat_delete(channel="C0DEPLOY", ts=gone["ts"])
    await client.chat_postEphemeral(channel="C0DEPLOY", user="U0DEV1", text="psst")
    await script.patch("/api/users/guest", deleted=True)
    await script.patch("/api/slack", rate_limits=True, scale=3)
    await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    kept = json.loads(json.dumps(stage.service.dump()))
    after = SlackService(Traffic(), Feed())
    after.load(kept)
    assert after.state() == stage.service.state()
    (message,) = after.parts.workspace.messages("C0DEPLOY")[:1]
    assert message.content.metadata == metadata
    assert [r.content.text for r in after.parts.workspace.replies(message)] == ["reply"]
    assert [e.content.text for e in after.parts.workspace.ephemerals] == ["psst"]
    assert after.parts.workspace.settings.scale == 3
    assert [d.kind for d in after.parts.deliveries.after(0)] == ["command"]
    assert after.parts.workspace.next_ts() > posted["ts"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"deleted": True}, "deactivated"), ({"is_restricted": True}, "guest"), ({"is_stranger": True}, "external"),
        ({"name": "somebody-else"}, "member"),
    ],
)  # fmt: skip
async def test_people_change(client: AsyncWebClient, script: Script, change: Json, kind: str) -> None:
    answer = await script.patch("/api/users/developer", **change)
    assert answer["user"]["kind"] == kind
    seen = (await client.users_info(user="U0DEV1"))["user"]
    assert all(seen.get(key) == value for key, value in change.items())


async def test_what_cannot_be_patched(script: Script) -> None:
    assert await script.refused("PATCH", "/api/users/nobody", {}) == (404, "no_such_user")
    assert await script.refused("PATCH", "/api/usergroups/none", {"users": []}) == (404, "no_such_usergroup")
    assert await script.refused("PATCH", "/api/usergroups/S0PLATFORM", {"users": ["nobody"]}) == (404, "no_such_user")
    assert await script.refused("PATCH", "/api/slack", {"scale": 0}) == (400, "malformed")
    assert await script.refused("PATCH", "/api/slack", {"not_in_channel": "nowhere"}) == (404, "no_such_channel")
    assert await script.refused("GET", "/api/channels/nowhere/messages") == (404, "no_such_channel")
    assert await script.refused("GET", "/api/users/nobody/views") == (404, "no_such_user")


async def test_messages_after_one(client: AsyncWebClient, script: Script) -> None:
    first, second, third = [await client.chat_postMessage(channel="C0DEPLOY", text=text) for text in ("a", "b", "c")]
    await client.chat_update(channel="C0DEPLOY", ts=first["ts"], text="edited, and no newer for it")
    await client.chat_postMessage(channel="C0DEPLOY", text="a reply", thread_ts=second["ts"])
    later = (await script.get(f"/api/channels/deployments/messages?after={first['ts']}"))["messages"]
    assert [m["plain"] for m in later] == ["b", "c"]
    assert (await script.get(f"/api/channels/deployments/messages?after={third['ts']}"))["messages"] == []


async def test_knobs_stay_as_they_are_unless_named(script: Script) -> None:
    await script.patch("/api/slack", rate_limits=True, refuse_scope="chat:write")
    answer = await script.patch("/api/slack", scale=2)
    assert (answer["rate_limits"], answer["refuse_scope"], answer["scale"]) == (True, ["chat:write"], 2)
    assert (await script.get("/api/slack"))["refuse_scope"] == ["chat:write"]


async def test_faults_reach_the_web_api(stage: Stage, client: AsyncWebClient, script: Script) -> None:
    fault = Fault(id="", service="slack", do="status", status=503, path=None, left=1, bot="bot-1")
    stage.traffic.add_fault(fault)
    assert await error_of(client.chat_postMessage(channel="C0DEPLOY", text="x")) == "fault"
    await client.chat_postMessage(channel="C0DEPLOY", text="y")
    assert [m["plain"] for m in await script.messages()] == ["y"]


async def test_permalinks_are_followed_to_the_page(stage: Stage, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0DEPLOY", text="x")
    link = (await client.chat_getPermalink(channel="C0DEPLOY", message_ts=posted["ts"]))["permalink"]
    async with aiohttp.ClientSession() as session:
        async with session.get(link, allow_redirects=False) as response:
            assert response.status == 404
        stage.service.page_url = "http://127.0.0.1:1"
        async with session.get(link, allow_redirects=False) as response:
            assert response.headers["Location"] == f"http://127.0.0.1:1/#/C0DEPLOY/{posted['ts']}"


async def test_every_change_wakes_the_page(stage: Stage, client: AsyncWebClient, script: Script) -> None:
    feed = Feed()
    service = SlackService(Traffic(), feed)
    before = feed.count
    service.parts.touched()
    assert feed.count > before
    assert TOKENS.slack_bot not in json.dumps(service.dump())


async def test_the_installed_commands_are_told_with_their_hints(script: Script) -> None:
    commands = (await script.get("/api/slack"))["commands"]
    assert [one["name"] for one in commands] == ["/gitops", "/promote", "/raw"]
    assert commands[1] == {"name": "/promote", "description": "promote", "usage_hint": ""}
