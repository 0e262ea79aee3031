"""Deliveries are kept and can be delivered again."""

from typing import Any

from tests.sandbox.slack.conftest import Json, Script, Stage


async def test_a_delivery_is_repeated_word_for_word_or_altered(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[Json]()

    @app.command("/promote")
    async def promote(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack(f"I read: {body['text']}")

    async with stage.connected(app):
        await script.post("/api/say", user="developer", channel="deployments", text="/promote apm-stack")
        (first,) = (await script.get("/api/deliveries"))["deliveries"]
        assert {k: first[k] for k in ("kind", "user", "mode", "status")} == {
            "kind": "command", "user": "U0DEV1", "mode": "socket", "status": 200,
        }  # fmt: skip
        again = await script.post("/api/replay", delivery_id=first["id"])
        altered = {**heard[0], "text": "apm-gateway"}
        await script.post("/api/replay", delivery_id=first["id"], body=altered)
        later = (await script.get(f"/api/deliveries?after={first['id']}"))["deliveries"]
    assert again["status"] == 200
    assert heard[0] == heard[1]
    assert heard[2]["text"] == "apm-gateway"
    assert [d["replay_of"] for d in later] == [first["id"], first["id"]]
    plains = [e["plain"] for e in await script.ephemerals()]
    assert plains == ["I read: apm-stack", "I read: apm-stack", "I read: apm-gateway"]


async def test_what_cannot_be_repeated(script: Script) -> None:
    assert await script.refused("POST", "/api/replay", {"delivery_id": "D9"}) == (404, "no_such_delivery")
    await script.post("/api/say", user="developer", channel="deployments", text="/promote x")
    assert await script.refused("POST", "/api/replay", {"delivery_id": "D1"}) == (409, "never_sent")
    bad = {"delivery_id": "D1", "body": [1]}
    assert await script.refused("POST", "/api/replay", bad) == (400, "malformed")
    assert await script.refused("GET", "/api/deliveries?after=x") == (400, "malformed")


async def test_an_event_repeats_with_slacks_remark(stage: Stage, script: Script) -> None:
    app, heard = stage.bolt_app(), list[str]()

    @app.event("app_mention")
    async def mentioned(req: Any) -> None:
        heard.append(req.headers["x-slack-retry-num"][0])

    async with stage.connected(app):
        await script.post("/api/say", user="developer", channel="deployments", text="@tiphys help")
        await script.post("/api/replay", delivery_id="D1", headers={"X-Slack-Retry-Num": "1"})
    assert heard == ["0", "1"]
