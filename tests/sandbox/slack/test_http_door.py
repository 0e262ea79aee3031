"""Slack over HTTP against real Bolt apps, which verify what they get by themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.http_door import Target
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from tests.sandbox.slack.conftest import MANIFEST, Json, Script, served, until

NOBODY = Target(bot="http://127.0.0.1:9", slack="http://127.0.0.1:9")


@dataclass
class Street:
    """A workspace without connections, and the houses of its bots."""

    service: SlackService
    script: Script
    slack: str
    closing: AsyncExitStack
    requests: list[web.Request] = field(default_factory=list)

    async def house(self, listener: Callable[[AsyncApp], None]) -> Target:
        """A Bolt app behind an address, with Slack's signing secret."""

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=TEAM_ID, bot_id=BOT_ID, bot_user_id=BOT_USER_ID, bot_token=TOKENS.slack_bot
            )

        client = AsyncWebClient(token=TOKENS.slack_bot, base_url=f"{self.slack}/api/")
        app = AsyncApp(
            client=client, authorize=authorize, signing_secret=TOKENS.slack_signing_secret, process_before_response=True
        )
        listener(app)

        async def handle(request: web.Request) -> web.Response:
            self.requests.append(request)
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        return await self.at(handle)

    async def at(self, handle: Callable[[web.Request], Awaitable[web.Response]]) -> Target:
        server = web.Application()
        server.router.add_post("/slack/events", handle)
        [url] = await self.closing.enter_async_context(served(server))
        return Target(bot=url, slack=self.slack)

    async def say(self, text: str) -> Json:
        return await self.script.post("/api/say", user="developer", channel="deployments", text=text)

    async def deliveries(self) -> list[Json]:
        found: list[Json] = (await self.script.get("/api/deliveries"))["deliveries"]
        return found


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    async with AsyncExitStack() as closing:
        service = SlackService(Traffic(), Feed(), "http")
        service.install(MANIFEST)
        closing.push_async_callback(service.close)
        control = web.Application(middlewares=[errors_as_json])
        control.add_routes(service.control_routes())
        [url] = await closing.enter_async_context(served(service.app()))
        [control_url] = await closing.enter_async_context(served(control))
        session = await closing.enter_async_context(aiohttp.ClientSession())
        service.base_url = url
        yield Street(service, Script(session, control_url), url, closing)


def hears(heard: list[Json], *, says: str = "") -> Callable[[AsyncApp], None]:
    """A Bolt app that acknowledges all it gets, and keeps it."""

    def register(app: AsyncApp) -> None:
        @app.command("/promote")
        async def command(ack: Any, body: Json) -> None:
            heard.append(body)
            await ack(says)

        @app.event("app_mention")
        async def mention(body: Json) -> None:
            heard.append(body)

        @app.action("press")
        async def press(ack: Any, body: Json) -> None:
            heard.append(body)
            await ack()

    return register


def always(status: int, **headers: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return handle


async def test_commands_clicks_and_events_arrive_signed(street: Street) -> None:
    heard: list[Json] = []
    street.service.reach(await street.house(hears(heard, says="as you say")))
    assert (await street.say("/promote a&b=ü"))["ack"]["plain"] == "as you say"
    button = {"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "x"}, "value": "1"}
    posted = await AsyncWebClient(token=TOKENS.slack_bot, base_url=f"{street.slack}/api/").chat_postMessage(
        channel="C0DEPLOY", text="card", blocks=[{"type": "actions", "elements": [button]}]
    )
    clicked = await street.script.post(
        "/api/click", user="developer", channel="deployments", ts=posted["ts"], action_id="press"
    )
    mentioned = await street.say("@tiphys status")
    assert (clicked["ack"]["status"], mentioned["ack"]["status"]) == (200, 200)
    command, click, mention = heard
    assert (command["text"], command["user_id"]) == ("a&amp;b=ü", "U0DEV1")
    assert command["response_url"].startswith(street.slack)
    assert click["actions"][0]["value"] == "1"
    assert mention["event"]["user"] == "U0DEV1"
    assert {(one["mode"], one["status"]) for one in await street.deliveries()} == {("http", 200)}


async def test_each_goes_to_one_bot_the_next_in_turn(street: Street) -> None:
    first, second = list[Json](), list[Json]()
    street.service.reach(await street.house(hears(first)), await street.house(hears(second)))
    for n in range(6):
        await street.say(f"/promote {n}")
    assert (len(first), len(second)) == (3, 3)


async def test_one_that_is_down_is_passed_over(street: Street) -> None:
    heard: list[Json] = []
    street.service.reach(NOBODY, await street.house(hears(heard)))
    for n in range(4):
        assert (await street.say(f"/promote {n}"))["ack"]["status"] == 200
    assert len(heard) == 4


async def test_nobody_there(street: Street) -> None:
    street.service.reach(NOBODY)
    assert (await street.say("/promote x"))["ack"] is None
    assert await street.script.refused("POST", "/api/replay", {"delivery_id": "D1"}) == (409, "never_sent")


async def test_slack_does_not_wait_longer_than_it_says(street: Street) -> None:
    held = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        await held.wait()
        return web.Response()

    street.service.parts.deliveries.ack_seconds = 0.2
    street.service.reach(await street.at(handle))
    assert (await street.say("/promote x"))["ack"] is None
    held.set()


async def test_a_command_that_fails_is_not_repeated_and_shows_nothing(street: Street) -> None:
    street.service.parts.deliveries.retry_delays = (0.0, 0.0, 0.0)
    street.service.reach(await street.at(always(500)))
    assert (await street.say("/promote x"))["ack"]["status"] == 500
    assert len(await street.deliveries()) == 1
    assert await street.script.ephemerals() == []


@pytest.mark.parametrize("status", [302, 401, 500])
async def test_a_modal_whose_submission_fails_stays_open(street: Street, status: int) -> None:
    """Slack shows "We had some trouble connecting" in it, and keeps what was typed."""
    typed = {"type": "plain_text_input", "action_id": "text"}
    label = {"type": "plain_text", "text": "Why"}
    view = {
        "type": "modal", "title": label, "submit": label,
        "blocks": [{"type": "input", "block_id": "why", "label": label, "element": typed}],
    }  # fmt: skip
    opened = street.service.parts.modals.open("U0DEV1", view)
    submit = {"user": "developer", "view_id": opened.id, "values": {"why": "because"}}
    street.service.reach(await street.at(always(status)))
    answer = await street.script.post("/api/submit", **submit)
    assert (answer["ack"]["status"], answer["ack"]["error"]) == (status, "http_error")
    assert [view["open"] for view in await street.script.views()] == [True]
    street.service.reach(await street.at(always(200)))
    assert "error" not in (await street.script.post("/api/submit", **submit))["ack"]
    assert [view["open"] for view in await street.script.views()] == [False]


async def test_an_event_is_repeated_three_times_with_slacks_remark(street: Street) -> None:
    remarks: list[tuple[str | None, str | None]] = []

    async def handle(request: web.Request) -> web.Response:
        remarks.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=503)

    street.service.parts.deliveries.retry_delays = (0.0, 0.0, 0.0)
    street.service.reach(await street.at(handle))
    assert (await street.say("@tiphys status"))["ack"]["status"] == 503
    await until(lambda: len(remarks) == 4)
    assert remarks == [(None, None), *((str(n), "http_error") for n in (1, 2, 3))]
    assert [one["retry"] for one in await street.deliveries()] == [0, 1, 2, 3]


async def test_repeats_say_when_nobody_answered(street: Street) -> None:
    heard: list[Json] = []
    street.service.parts.deliveries.retry_delays = (0.0, 0.0, 0.0)
    street.service.reach(NOBODY)
    house = await street.house(hears(heard))
    await street.say("@tiphys status")
    street.service.reach(house)
    await until(lambda: len(heard) == 1)
    assert street.requests[0].headers["X-Slack-Retry-Reason"] == "connection_failed"


async def test_the_bot_may_decline_repeats(street: Street) -> None:
    street.service.parts.deliveries.retry_delays = (0.0, 0.0, 0.0)
    street.service.reach(await street.at(always(400, X_Slack_No_Retry="1")))
    await street.say("@tiphys status")
    street.service.reach(await street.at(always(200)))
    await street.say("@tiphys status")
    assert [one["status"] for one in await street.deliveries()] == [400, 200]


async def test_a_replay_is_the_same_request_again(street: Street) -> None:
    heard: list[Json] = []
    street.service.reach(await street.house(hears(heard, says="done")))
    await street.say("/promote x")
    again = await street.script.post("/api/replay", delivery_id="D1")
    assert (again["status"], again["ack"]["plain"]) == (200, "done")
    assert heard[0] == heard[1]
    first, second = (request.headers["X-Slack-Signature"] for request in street.requests)
    assert first == second


@pytest.mark.parametrize(
    ("altered", "status"),
    [
        ({"body": {"command": "/promote", "text": "y"}}, 401),
        ({"body": {"command": "/promote", "text": "y"}, "sign": True}, 200),
        ({"body": "command=%2Fpromote&text=y", "sign": True}, 200),
        ({"headers": {"x-slack-signature": "v0=00"}}, 401),
        ({"headers": {"X-Slack-Signature": None}}, 401),
        ({"headers": {"X-Slack-Request-Timestamp": "{old}"}}, 401),
        ({"headers": {"X-Slack-Request-Timestamp": "{old}"}, "sign": True}, 401),
        ({"headers": {"X-Slack-Request-Timestamp": "{now}"}, "sign": True}, 200),
        ({"headers": {"X-Slack-Retry-Num": "2"}}, 200),
    ],
)
async def test_what_is_altered_is_altered_and_nothing_else(street: Street, altered: Json, status: int) -> None:
    heard: list[Json] = []
    street.service.reach(await street.house(hears(heard)))
    await street.say("/promote x")
    when = {"old": str(int(time.time()) - 301), "now": str(int(time.time()))}
    headers = {
        name: value.format(**when) if value else value for name, value in altered.get("headers", {}).items()
    }  # fmt: skip
    answer = await street.script.post("/api/replay", delivery_id="D1", **{**altered, "headers": headers})
    assert answer["status"] == status
    assert len(heard) == (2 if status == 200 else 1)
    assert (await street.deliveries())[-1]["replay_of"] == "D1"


async def test_what_was_sent_outlives_a_restart(street: Street) -> None:
    heard: list[Json] = []
    house = await street.house(hears(heard))
    street.service.reach(house)
    await street.say("/promote x")
    after = SlackService(Traffic(), Feed(), "http")
    after.load(street.service.dump())
    again = after.parts.deliveries.find("D1")
    before = street.service.parts.deliveries.find("D1")
    assert again == before
    assert again is not None
    assert again.sent is not None
