"""What people and scripts do to the alerts of the world."""

from tests.sandbox.alertmanager.conftest import LABELS, World


async def test_firing_returns_when_it_is_told(world: World) -> None:
    answer = await world.control.post(
        "/api/alerts", json={"do": "fire", "labels": LABELS, "annotations": {"summary": "errors"}}
    )
    [alert] = answer.json()["alerts"]
    assert (answer.json()["told"], alert["state"], alert["ends_at"]) == (True, "firing", None)
    assert world.receiver.heard[0].body["alerts"][0]["annotations"] == {"summary": "errors"}
    assert world.service.under_way == 0


async def test_resolving_by_some_labels_ends_all_that_have_them(world: World) -> None:
    for service in ("a", "b"):
        await world.act("fire", service=service)
    await world.act("fire", alertname="Other")
    answer = await world.act("resolve")
    assert {alert["labels"]["service"] for alert in answer["alerts"]} == {"a", "b"}
    assert [alert["labels"]["alertname"] for alert in world.service.state()["alerts"]] == ["Other"]


async def test_exactly_these_labels_come_before_all_that_have_them(world: World) -> None:
    await world.act("fire")
    await world.act("fire", service="a")
    answer = await world.act("resolve")
    assert [alert["labels"] for alert in answer["alerts"]] == [LABELS]


async def test_what_does_not_fire_cannot_be_resolved(world: World) -> None:
    answer = await world.control.post("/api/alerts", json={"do": "resolve", "labels": LABELS})
    assert (answer.status_code, answer.json()["error"]["slug"]) == (404, "no_such_alert")


async def test_bad_requests_name_the_field(world: World) -> None:
    for body, field in (
        ({"do": "fire", "labels": {}}, "labels"),
        ({"do": "burn", "labels": LABELS}, "do"),
        ({"do": "fire", "labels": {"a": 1}}, "labels.a"),
    ):
        answer = await world.control.post("/api/alerts", json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    answer = await world.control.post("/api/alerts", json={"do": "fire", "labels": {"a": ""}})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "labels")


async def test_it_tells_alerts_silences_and_webhooks(world: World) -> None:
    await world.act("fire", service="a")
    silence = await world.silence(service="a")
    told = (await world.control.get("/api/alerts")).json()
    [alert] = told["alerts"]
    assert (alert["state"], alert["silenced_by"]) == ("silenced", [silence])
    assert [each["id"] for each in told["silences"]] == [silence]
    [webhook] = told["webhooks"]
    assert (webhook["status"], webhook["body"]["status"]) == (202, "firing")
    assert "made-up" not in str(told)
