"""What people do in a workspace arrives as `Incoming`, over either way, and is answered only after it was recorded."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from structlog.testing import capture_logs

from bot.clock import SystemClock
from bot.domain.alerts.dialog import COUNT, AssignDialog, SilenceDialog
from bot.domain.alerts.group import AlertGroupId
from bot.domain.dialog import ReasonDialog
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, IncomingKind
from bot.domain.text import Text
from bot.ports_store import StoreUnavailable
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.http_door import Target
from bot.slack.app import Identity, build_app
from bot.slack.http_mode import HttpMode
from bot.slack.listeners import Listeners
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.slack.socket_mode import Patience, SocketMode
from bot.tasks import TaskSet
from bot.web.slack_events import slack_events_routes
from tests.desk import served
from tests.slack.recording_front import RecordingFront

HOME = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)
Eventually = Callable[..., Awaitable[Any]]


class Scene:
    """A workspace with the bot's listeners connected to it."""

    def __init__(self, workspace: Any, front: RecordingFront, eventually: Eventually) -> None:
        self.workspace, self.front, self.eventually = workspace, front, eventually

    async def say(self, text: str, user: str = "developer", channel: str = "deployments", **more: Any) -> Any:
        return await self.workspace.control("POST", "/api/say", user=user, channel=channel, text=text, **more)

    async def card(self, *elements: Any) -> str:
        """A message of the bot with these buttons; answers its ts."""
        blocks = [{"type": "actions", "elements": list(elements)}]
        posted = await self.workspace.client.chat_postMessage(channel="C0DEPLOY", text="card", blocks=blocks)
        return str(posted["ts"])

    async def click(self, ts: str, action_id: str, user: str = "developer", **more: Any) -> Any:
        return await self.workspace.control(
            "POST", "/api/click", user=user, channel="deployments", ts=ts, action_id=action_id, **more
        )

    async def whisper(self, user: str = "developer") -> Any:
        (found,) = await self.eventually(lambda: self.workspace.ephemerals(user))
        return found


def button(action_id: str, value: str = "{}", **more: Any) -> Any:
    label = {"type": "plain_text", "text": "Press"}
    return {"type": "button", "action_id": action_id, "value": value, "text": label, **more}


REASON = ReasonDialog(
    change=ChangeId("01HZX3K6Q4T8V2M5N7P9R1S3WA"), fingerprint="f" * 64, title="Reject #42",
    explanation=Text.of("It ends when you reject it."),
)  # fmt: skip


@pytest.fixture(params=["socket", "http"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def scene(workspace: Any, outbox: Any, eventually: Eventually, mode: str) -> AsyncIterator[Scene]:
    front = RecordingFront(outbox.store)
    listeners = Listeners(front, workspace.client, Posting(workspace.client, Pace()), HOME)
    app = build_app(workspace.client, HOME, over_http=mode == "http")
    listeners.register(app)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(listeners.close)
        if mode == "http":
            server = web.Application()
            routes = slack_events_routes(HttpMode(app).receive, TOKENS.slack_signing_secret, SystemClock())
            server.add_routes(routes)
            url = await closing.enter_async_context(served(server))
            workspace.service.reach(Target(bot=url, slack=workspace.service.base_url))
        else:
            socket = SocketMode(app, TOKENS.slack_app, workspace.client, patience=Patience(look=0.02))
            closing.push_async_callback(socket.close)
            tasks = TaskSet("test")
            closing.push_async_callback(tasks.close)
            tasks.start(socket.run(), name="socket")
            await eventually(lambda: socket.connected == 2)
        yield Scene(workspace, front, eventually)


async def test_a_command_is_recorded_and_answered_in_its_acknowledgement(scene: Scene) -> None:
    scene.front.answers["promote"] = Ack(text=Text.of("There is no application apm."))
    answered = await scene.say("/promote apm &amp; prod &lt;x&gt;")
    assert answered["ack"]["status"] == 200
    (taken,) = scene.front.taken
    assert (taken.kind, taken.action, taken.user, taken.channel) == (
        IncomingKind.COMMAND, "promote", "U0DEV1", "C0DEPLOY",
    )  # fmt: skip
    assert taken.respond_to
    assert (await scene.whisper())["plain"] == "There is no application apm."


async def test_typed_text_arrives_as_typed(scene: Scene) -> None:
    await scene.say("/promote a<b & c>d")
    assert scene.front.taken[0].text == "a<b & c>d"


async def test_a_command_without_an_answer_is_acknowledged_silently(scene: Scene) -> None:
    assert (await scene.say("/gitops status"))["ack"]["status"] == 200
    assert await scene.workspace.ephemerals() == []


async def test_a_mention_keeps_its_thread_and_is_answered_in_private(scene: Scene) -> None:
    scene.front.answers[""] = Ack(text=Text.of("I do not know prromote."))
    ts = await scene.card(button("change.details"))
    await scene.say("@tiphys prromote apm-stack", thread_ts=ts)
    (taken,) = scene.front.taken
    assert (taken.kind, taken.text, taken.thread) == (IncomingKind.MENTION, "prromote apm-stack", ts)
    assert (await scene.whisper())["via"] == "postEphemeral"


async def test_a_click_names_message_value_and_presser(scene: Scene) -> None:
    ts = await scene.card(button("change.approve", value='{"change":"01H","fingerprint":"ab"}'))
    answered = await scene.click(ts, "change.approve", user="approver-1")
    assert answered["ack"]["status"] == 200
    (taken,) = scene.front.taken
    assert (taken.kind, taken.action, taken.message, taken.user) == (
        IncomingKind.CLICK,
        "change.approve",
        ts,
        "U0APPR1",
    )
    assert taken.value == '{"change":"01H","fingerprint":"ab"}'
    assert taken.thread is None


async def test_an_option_of_the_menu_is_read_like_a_button(scene: Scene) -> None:
    option = {"text": {"type": "plain_text", "text": "Hold"}, "value": "change.hold|01HZX|abcdef012345"}
    ts = await scene.card({"type": "overflow", "action_id": "change.more", "options": [option]})
    await scene.click(ts, "change.hold")
    assert scene.front.taken[0].action == "change.hold"
    assert scene.front.taken[0].value == '{"change":"01HZX","fingerprint":"abcdef012345"}'


async def test_words_to_a_click_are_whispered(scene: Scene) -> None:
    scene.front.answers["change.unheard"] = Ack(text=Text.of("This button is no longer known."))
    ts = await scene.card(button("change.unheard"))
    await scene.click(ts, "change.unheard")
    assert (await scene.whisper())["plain"] == "This button is no longer known."


async def test_a_button_that_leads_somewhere_is_acknowledged_and_nothing_else(scene: Scene) -> None:
    ts = await scene.card(button("link.argocd", url="https://argocd.example.com"))
    assert (await scene.click(ts, "link.argocd"))["ack"]["status"] == 200
    assert scene.front.taken == []


async def test_a_dialog_opens_and_its_submission_comes_back_with_its_place(scene: Scene) -> None:
    scene.front.answers["change.reject"] = Ack(dialog=REASON)
    ts = await scene.card(button("change.reject"))
    clicked = await scene.click(ts, "change.reject", user="approver-1")
    (view,) = await scene.workspace.views("approver-1")
    assert view["title"] == "Reject #42"
    scene.front.answers["change.reject"] = Ack(text=Text.of("Rejected."))
    submitted = await scene.workspace.control(
        "POST", "/api/submit", user="approver-1", view_id=clicked["view_id"], values={"reason": "not on a Friday"}
    )
    assert submitted["ack"]["status"] == 200
    taken = scene.front.taken[-1]
    assert (taken.kind, taken.action, taken.channel) == (IncomingKind.SUBMISSION, "change.reject", "C0DEPLOY")
    assert dict(taken.fields) == {"reason": "not on a Friday"}
    assert taken.value == f'{{"change":"{REASON.change}","fingerprint":"{"f" * 64}"}}'
    assert (await scene.whisper("approver-1"))["plain"] == "Rejected."


async def test_errors_keep_a_dialog_open(scene: Scene) -> None:
    scene.front.answers["change.reject"] = Ack(dialog=REASON)
    clicked = await scene.click(await scene.card(button("change.reject")), "change.reject")
    scene.front.answers["change.reject"] = Ack(errors={"reason": "Say why."})
    submitted = await scene.workspace.control(
        "POST", "/api/submit", user="developer", view_id=clicked["view_id"], values={"reason": "   "}
    )
    assert submitted["errors"] == {"reason": "Say why."}
    assert (await scene.workspace.views())[0]["open"]


@pytest.mark.parametrize("mode", ["socket"], indirect=True)
async def test_a_dialog_that_comes_too_late_is_said_not_silent(scene: Scene) -> None:
    scene.workspace.fault("views.open", "slow", seconds=3.2, left=1)
    scene.front.answers["change.reject"] = Ack(dialog=REASON)
    await scene.click(await scene.card(button("change.reject")), "change.reject")
    assert "did not let me open the dialog in time" in (await scene.whisper())["plain"]


async def test_what_could_not_be_recorded_is_said(scene: Scene) -> None:
    scene.front.broken = True
    await scene.say("/promote apm-stack prod")
    assert "could not be recorded, so nothing has happened" in (await scene.whisper())["plain"]


@pytest.mark.parametrize("mode", ["http"], indirect=True)
async def test_a_database_that_is_away_is_one_line_in_the_log_and_a_fault_of_ours_a_traceback(scene: Scene) -> None:
    scene.front.broken = True
    with capture_logs() as logged:
        await scene.say("/promote apm-stack prod")
        scene.front.failure = StoreUnavailable("connection refused")
        await scene.say("/promote apm-stack prod")
    fault, away = [line for line in logged if line["event"] == "slack.not_recorded"]
    assert (fault["log_level"], fault["exc_info"]) == ("error", True)
    assert (away["log_level"], away["reason"]) == ("warning", "connection refused")
    assert "exc_info" not in away
    assert away["user"] == fault["user"] == "U0DEV1"


async def test_a_mention_that_could_not_be_recorded_comes_again(scene: Scene) -> None:
    scene.workspace.service.parts.deliveries.ack_seconds = 0.3
    scene.workspace.service.parts.deliveries.retry_delays = (0.2, 0.2, 0.2)
    scene.front.broken = True
    await scene.say("@tiphys status")
    scene.front.broken = False
    await scene.eventually(lambda: scene.front.taken)
    assert scene.front.taken[0].text == "status"


async def test_a_replayed_click_is_the_same_act(scene: Scene) -> None:
    ts = await scene.card(button("change.approve"))
    await scene.click(ts, "change.approve")
    (delivery,) = (await scene.workspace.control("GET", "/api/deliveries"))["deliveries"]
    await scene.workspace.control("POST", "/api/replay", delivery_id=delivery["id"])
    assert len(scene.front.taken) == 1


async def test_a_repeated_event_is_the_same_act(scene: Scene) -> None:
    await scene.say("@tiphys status")
    (delivery,) = (await scene.workspace.control("GET", "/api/deliveries"))["deliveries"]
    remark = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    again = await scene.workspace.control("POST", "/api/replay", delivery_id=delivery["id"], headers=remark)
    assert again["status"] == 200
    assert len(scene.front.taken) == 1


@pytest.mark.parametrize("mode", ["socket"], indirect=True)
async def test_what_we_did_not_ask_for_is_acknowledged(workspace: Any, outbox: Any) -> None:
    app = build_app(workspace.client, HOME)
    Listeners(RecordingFront(outbox.store), workspace.client, Posting(workspace.client, Pace()), HOME).register(app)
    body = {"type": "event_callback", "team_id": TEAM_ID, "event_id": "Ev1", "event": {"type": "team_rename"}}
    answered = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    assert answered.status == 200


async def test_another_workspace_is_refused(scene: Scene) -> None:
    ts = await scene.card(button("change.approve"))
    await scene.click(ts, "change.approve")
    (delivery,) = (await scene.workspace.control("GET", "/api/deliveries"))["deliveries"]
    payload = scene.workspace.service.parts.deliveries.find(delivery["id"]).payload
    altered = {**payload, "trigger_id": "another", "team": {"id": "T0ELSEWHERE", "domain": "x"}}
    await scene.workspace.control("POST", "/api/replay", delivery_id=delivery["id"], body=altered, sign=True)
    assert len(scene.front.taken) == 1
    assert scene.front.refused == ["foreign-workspace"]
    assert "only from the workspace" in (await scene.whisper())["plain"]


@pytest.mark.parametrize("mode", ["http"], indirect=True)
@pytest.mark.parametrize(
    "altered",
    [
        {"user_id": None}, {"user_id": ["U0DEV1"]}, {"channel_id": {}}, {"trigger_id": "t" * 300}, {"text": "\ud800"},
        {"text": "a\0b"}, {"team_id": 1}, {"response_url": ["x"]},
    ],
)  # fmt: skip
async def test_what_is_not_as_slack_documents_it_is_refused_and_nothing_is_done(
    workspace: Any, outbox: Any, altered: Any
) -> None:
    front = RecordingFront(outbox.store)
    app = build_app(workspace.client, HOME, over_http=True)
    Listeners(front, workspace.client, Posting(workspace.client, Pace()), HOME).register(app)
    body = {"command": "/promote", "user_id": "U0DEV1", "channel_id": "C0DEPLOY", "trigger_id": "1.2.x", "text": "a"}
    answered = await HttpMode(app).receive({**body, **altered}, {})
    assert answered.status == 400
    assert (front.taken, front.refused) == ([], [])
    assert (await HttpMode(app).receive(body, {})).status == 200


@pytest.mark.parametrize("mode", ["http"], indirect=True)
async def test_slacks_questions_about_the_address_itself(workspace: Any) -> None:
    web_app = HttpMode(build_app(workspace.client, HOME, over_http=True))
    answered = await web_app.receive({"type": "url_verification", "challenge": "c"}, {})
    assert (answered.status, answered.body, answered.content_type) == (200, '{"challenge": "c"}', "application/json")
    assert (await web_app.receive({"ssl_check": "1"}, {})).status == 200
    assert (await web_app.receive({"type": "app_rate_limited", "minute_rate_limited": 1}, {})).status == 200


GROUP = AlertGroupId("01J0A1B2C3D4E5F6G7H8J9K0MN")
SILENCE = SilenceDialog(
    group=GROUP, explanation=Text.of("What?"), lengths=(timedelta(hours=1),),
    counted=Text.of("Matches nothing that fires now."), fields={"matchers": "a=b"},
)  # fmt: skip


async def test_what_is_typed_in_a_dialog_is_looked_at_and_shown_in_it(scene: Scene) -> None:
    scene.front.answers["alert.silence"] = Ack(dialog=SILENCE)
    ts = await scene.card(button("alert.silence"))
    view_id = (await scene.click(ts, "alert.silence"))["view_id"]
    scene.front.shown = replace(SILENCE, counted=Text.of("Matches 3 alerts."), fields={"matchers": "a=bc"})
    taken = len(scene.front.taken)
    for typed in ("a=", "a=b", "a=bc"):  # faster than anybody would want to be answered
        await scene.workspace.control(
            "POST",
            "/api/click",
            user="developer",
            view_id=view_id,
            action_id=COUNT,
            selected=typed,
            values={"comment": "half a wo"},
        )

    async def shown() -> str:
        found = await scene.workspace.control("GET", "/api/users/developer/views")
        return str(found["views"][-1]["plain"])

    while "Matches 3 alerts." not in await shown():  # noqa: ASYNC110 - the sandbox tells nobody
        await asyncio.sleep(0.02)
    assert len(scene.front.taken) == taken
    newest = scene.front.looked[-1]
    assert newest.fields == {"duration": "1h", "other": "", "matchers": "a=bc", "comment": "half a wo"}
    assert json.loads(newest.value) == {"group": SILENCE.group}


async def test_whom_a_dialog_names_is_told(scene: Scene) -> None:
    dialog = AssignDialog(group=GROUP, explanation=Text.of("Who has it?"))
    scene.front.answers["alert.assign"] = Ack(dialog=dialog)
    ts = await scene.card(button("alert.assign"))
    view_id = (await scene.click(ts, "alert.assign"))["view_id"]
    values = {"user": "approver-1"}
    await scene.workspace.control("POST", "/api/submit", user="developer", view_id=view_id, values=values)
    submitted = scene.front.taken[-1]
    assert (submitted.kind, submitted.action) == (IncomingKind.SUBMISSION, "alert.assign")
    assert submitted.fields == {"user": "U0APPR1"}
