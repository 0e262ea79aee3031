"""Argo CD's notifications: with them Tiphys looks at once, without them in its own time; forgers gain nothing."""

import time
from typing import Any

import httpx

from bot.web.argocd_webhooks import PATH
from tests.scenarios.evidence import last_request
from tests.scenarios.workspace import Workspace

NAME = "apm-gateway-production"
TOLD = "production of apm-gateway was synced by admin outside of Tiphys"
BODY = {"schema": 1, "app": NAME, "namespace": "argocd"}


async def notifications(workspace: Workspace, *, after: int = 0) -> list[dict[str, Any]]:
    """What Argo CD has sent about the gateway's production, each try of it."""
    sent = await workspace.requests(service="notifications", after=after)
    return [request for request in sent if request["body"]["app"] == NAME]


async def looks(workspace: Workspace, *, after: int) -> int:
    """How often the bot has asked Argo CD about it. No change of it is open: only a hint makes it ask."""
    asked = await workspace.requests(service="argocd", after=after)
    return len([r for r in asked if r["bot"] and r["method"] == "GET" and r["path"].endswith(f"/applications/{NAME}")])


async def told(workspace: Workspace) -> int:
    return len([message for message in await workspace.messages() if TOLD in message.plain])


async def synced(workspace: Workspace) -> None:
    """Somebody syncs it past Tiphys, and that is over.

    In a second of its own, by which Argo CD tells operations apart.
    """
    second = int(time.time())

    async def is_another() -> bool:
        return int(time.time()) > second

    await workspace.until(is_another, wants="the next second")
    before = len((await workspace.application(NAME))["operations"])
    await workspace.argocd("sync", application=NAME)

    async def is_over() -> bool:
        operations = (await workspace.application(NAME))["operations"]
        return len(operations) > before and operations[-1]["phase"] == "Succeeded"

    await workspace.until(is_over, wants="the sync is over")


async def without_the_watch(workspace: Workspace) -> None:
    """Start the bot anew while Argo CD serves no streams."""
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop"})
    await workspace.fault("argocd", "status", path="/stream/applications", status=503)
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
    assert await workspace.settle()


async def test_without_the_watch_a_notification_makes_it_look_and_the_api_tells(workspace: Workspace) -> None:
    await without_the_watch(workspace)
    ready = await workspace.call("GET", "/api/ready")
    address, token = ready["urls"]["bots"][0], ready["tokens"]["argocd"]["webhook"]
    since = await last_request(workspace)
    async with httpx.AsyncClient(trust_env=False) as forger:
        for headers in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": token}):
            answer = await forger.post(f"{address}{PATH}/main", json=BODY, headers=headers)
            assert answer.status_code == 401
        lie = {**BODY, "app": "apm-gateway-nowhere"}
        answer = await forger.post(f"{address}{PATH}/main", json=lie, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, "it is heard, and no stage is that"
    assert await workspace.settle()
    found = await looks(workspace, after=since)
    assert found == 0, [(r["at"], r["service"], r["path"]) for r in await workspace.requests(after=since)]

    sick = {"application": NAME, "resource": "Deployment/gateway", "message": "out of memory"}
    await workspace.argocd("health", status="Degraded", **sick)

    async def looked() -> bool:
        return await looks(workspace, after=since) > 0

    await workspace.until(looked, wants="what turned degraded is looked at")
    assert await workspace.settle()
    [sent] = await notifications(workspace, after=since)
    assert (sent["status"], sent["applied"], sent["body"]) == (202, True, BODY)
    await workspace.argocd("drift", application=NAME, resource="Deployment/gateway", patch={"spec": {"replicas": 9}})
    assert await workspace.settle()
    assert len(await notifications(workspace, after=since)) == 1, "once, for as long as it stays degraded"
    await workspace.argocd("health", status=None, **sick)
    assert await workspace.settle()

    since = await last_request(workspace)
    await workspace.fault("notifications", "reset", times=4)
    await synced(workspace)

    async def lost() -> bool:
        return len(await notifications(workspace, after=since)) == 4

    await workspace.until(lost, wants="Argo CD has tried four times")
    assert await workspace.settle()
    assert (await told(workspace), await looks(workspace, after=since)) == (0, 0), "nobody has told it"

    await synced(workspace)

    async def is_told() -> bool:
        return await told(workspace) > 0

    await workspace.until(is_told, wants="the next one is heard")
    assert await workspace.settle()
    assert await told(workspace) == 1


async def test_a_sync_past_tiphys_is_told_of_once_whoever_tells_of_it(workspace: Workspace) -> None:
    """By the watch and by a notification that comes twice, as its answer was lost; then by the watch alone."""
    await workspace.until(lambda: _first_look(workspace), wants="it knows what was there before")
    since = await last_request(workspace)
    await workspace.fault("notifications", "apply_then_reset", times=1)
    await synced(workspace)

    async def both() -> bool:
        return [sent["status"] for sent in await notifications(workspace, after=since)] == [202, 202]

    await workspace.until(both, wants="it is notified twice")
    assert await workspace.settle()

    async def is_told() -> bool:
        return await told(workspace) > 0

    await workspace.until(is_told, wants="the channel hears of it")
    assert await workspace.settle()
    assert await told(workspace) == 1

    since = await last_request(workspace)
    await workspace.fault("notifications", "reset")
    await synced(workspace)

    async def again() -> bool:
        return await told(workspace) == 2

    await workspace.until(again, wants="the watch tells of the next one")
    assert await workspace.settle()
    tries = await notifications(workspace, after=since)
    assert [(sent["status"], sent["applied"]) for sent in tries] == [(None, False)] * 4, "and then never again"
    assert await told(workspace) == 2


async def _first_look(workspace: Workspace) -> bool:
    return await looks(workspace, after=0) > 0
