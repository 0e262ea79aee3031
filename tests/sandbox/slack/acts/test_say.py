"""What people write reaches the bot as Slack would send it."""

from typing import Any

import pytest

from tests.sandbox.slack.conftest import Json, Script, Stage, until


async def test_a_slash_command_arrives_and_its_acknowledgement_is_private(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[Json]()

    @app.command("/promote")
    async def promote(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack("I read: promote <@U0DEV2>")

    async with stage.connected(app):
        said = await script.post("/api/say", user="developer", channel="deployments", text="/promote apm-stack prod")
    assert said["kind"] == "command"
    assert said["ack"]["status"] == 200
    assert said["ack"]["plain"] == "I read: promote @developer-2"
    assert heard[0]["text"] == "apm-stack prod"
    assert heard[0]["channel_id"] == "C0DEPLOY"
    assert heard[0]["response_url"].startswith(stage.bot_url)
    (whispered,) = await script.ephemerals()
    assert (whispered["via"], whispered["channel"]) == ("ack", "C0DEPLOY")
    assert await script.messages() == []


async def test_an_in_channel_acknowledgement_is_seen_by_all(stage: Stage, script: Script) -> None:
    app = stage.bolt_app()

    @app.command("/gitops")
    async def gitops(ack: Any) -> None:
        await ack({"text": "for everyone", "response_type": "in_channel"})

    async with stage.connected(app):
        await script.post("/api/say", user="developer", channel="#staging", text="/gitops help")
    (posted,) = await script.messages("staging")
    assert posted["plain"] == "for everyone"
    assert posted["is_bot"]
    assert await script.ephemerals() == []


async def test_names_in_a_command_become_tokens_where_the_manifest_asks(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[str]()

    @app.command("/gitops")
    @app.command("/raw")
    async def gitops(ack: Any, body: Json) -> None:
        heard.append(body["text"])
        await ack()

    async with stage.connected(app):
        for command in ("/gitops", "/raw"):
            typed = f"{command}  lock #staging for @developer-2, @platform-team & <@U0DEV1> <!channel> "
            await script.post("/api/say", user="developer", channel="deployments", text=typed)
    assert heard == [
        (
            "lock <#C0STAGING|staging> for <@U0DEV2|developer-2>, <!subteam^S0PLATFORM|@platform-team> &amp; <@U0DEV1> "
            "&lt;!channel&gt;"
        ),
        "lock #staging for @developer-2, @platform-team &amp; &lt;@U0DEV1&gt; &lt;!channel&gt;",
    ]


async def test_a_private_channel_does_not_tell_its_name(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[str]()

    @app.command("/gitops")
    async def gitops(ack: Any, body: Json) -> None:
        heard.append(body["channel_name"])
        await ack()

    async with stage.connected(app):
        await script.post("/api/say", user="admin", channel="release", text="/gitops")
    assert heard == ["privategroup"]


async def test_a_mention_is_an_event_and_a_message(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[Json]()

    @app.event("app_mention")
    async def mentioned(event: Json, body: Json) -> None:
        heard.append({**event, "event_id": body["event_id"]})

    async with stage.connected(app):
        first = await script.post("/api/say", user="guest", channel="alerts", text="@tiphys status <b>")
        await script.post("/api/say", user="guest", channel="alerts", text="hm @tiphys", thread_ts=first["ts"])
    assert (first["kind"], first["ack"]["status"]) == ("mention", 200)
    assert heard[0]["text"] == "<@U0TIPHYS> status &lt;b&gt;"
    assert heard[0]["event_id"] != heard[1]["event_id"]
    assert (heard[0].get("thread_ts"), heard[1]["thread_ts"]) == (None, first["ts"])
    (top,) = await script.messages("alerts")
    assert top["plain"] == "@tiphys status <b>"
    assert [reply["plain"] for reply in top["replies"]] == ["hm @tiphys"]
    assert not top["is_bot"]


async def test_a_plain_message_reaches_only_a_bot_that_subscribed(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[str]()

    @app.event("message")
    async def message(event: Json) -> None:
        heard.append(event["text"])

    async with stage.connected(app):
        public = await script.post("/api/say", user="admin", channel="deployments", text="lunch?")
        private = await script.post("/api/say", user="admin", channel="release", text="dinner?")
    assert (public["kind"], public["ack"]) == ("message", None)
    assert private["ack"]["status"] == 200
    assert heard == ["dinner?"]


async def test_without_a_bot_nothing_is_acknowledged(script: Script) -> None:
    said = await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    assert said == {"kind": "command", "ack": None}


async def test_an_unanswered_command_times_out(stage: Stage, script: Script) -> None:
    stage.service.parts.deliveries.ack_seconds = 0.2
    async with stage.connected(stage.bolt_app()):
        said = await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    assert said == {"kind": "command", "ack": None}
    (delivery,) = (await script.get("/api/deliveries"))["deliveries"]
    assert delivery["status"] is None
    assert delivery["ms"] >= 200


async def test_an_event_is_repeated_until_it_is_acknowledged(stage: Stage, script: Script) -> None:
    deliveries = stage.service.parts.deliveries
    deliveries.retry_delays = (0.0, 0.01, 0.02)
    stage.service.parts.deliveries.ack_seconds = 0.3
    app, heard = stage.bolt_app(), list[tuple[str, str | None]]()

    @app.middleware
    async def fail_at_first(body: Json, req: Any, next_: Any) -> None:
        heard.append((body["event_id"], (req.headers.get("x-slack-retry-num") or [None])[0]))
        if len(heard) > 2:
            await next_()
        else:
            raise RuntimeError("the row could not be written")

    @app.error
    async def silent(error: Exception, response: Any) -> Any:
        return response

    @app.event("app_mention")
    async def mentioned() -> None: ...

    async with stage.connected(app):
        said = await script.post("/api/say", user="developer", channel="deployments", text="@tiphys help")
        assert said["ack"] is None
        await until(lambda: len(deliveries.after(0)) == 3 and deliveries.after(0)[-1].status == 200)
    assert [number for _, number in heard] == ["0", "1", "2"]
    assert len({event_id for event_id, _ in heard}) == 1


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"user": "developer", "channel": "deployments", "text": "/nope"}, (404, "unknown_command")),
        ({"user": "developer", "channel": "deployments", "text": "/status"}, (404, "unknown_command")),
        ({"user": "developer", "channel": "deployments", "text": "/promote", "thread_ts": "1.2"},
         (409, "command_in_thread")),
        ({"user": "nobody", "channel": "deployments", "text": "hi"}, (404, "no_such_user")),
        ({"user": "developer", "channel": "nowhere", "text": "hi"}, (404, "no_such_channel")),
        ({"user": "developer", "channel": "release", "text": "hi"}, (409, "user_not_in_channel")),
        ({"user": "gone", "channel": "deployments", "text": "/promote"}, (409, "user_deactivated")),
        ({"user": "developer", "channel": "deployments", "text": "hi", "thread_ts": "1.2"}, (404, "no_such_message")),
        ({"user": "developer", "channel": "deployments", "text": " "}, (400, "malformed")),
        ({"user": "developer", "channel": "deployments"}, (400, "malformed")),
        ({"user": "developer", "channel": "deployments", "text": "hi", "colour": "red"}, (400, "malformed")),
    ],
)  # fmt: skip
async def test_what_cannot_be_said(script: Script, body: Json, refusal: tuple[int, str]) -> None:
    assert await script.refused("POST", "/api/say", body) == refusal


async def test_force_lets_a_deactivated_person_speak(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[str]()

    @app.command("/promote")
    async def promote(ack: Any, body: Json) -> None:
        heard.append(body["user_id"])
        await ack()

    async with stage.connected(app):
        await script.post("/api/say", user="gone", channel="deployments", text="/promote x", force=True)
        await script.post("/api/say", user="robot", channel="deployments", text="/promote x")
    assert heard == ["U0GONE", "U0ROBOT"]
