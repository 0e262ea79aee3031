"""The notifications controller: what is told, once per what, and what is lost. Of the real one's engine see
`tests/deploy/test_argocd.py`."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.argocd.notifications import (
    DEGRADED,
    OPERATION,
    PATH,
    TOLD,
    UNKNOWN,
    Notifications,
    NotificationTarget,
    is_compared_since,
    triggered,
)  # fmt: skip
from bot.sandbox.traffic import Fault, FaultKind
from tests.desk import served
from tests.sandbox.argocd.conftest import World, Worlds, overlay

STAGING = "apm-stack-staging"
TOKEN = "made-up-token"
SICK = {"resource": "Deployment/web", "message": "out of memory"}


@dataclass
class Receiver:
    """Answers with the queued statuses, then with 202. `told` are the bearers and the bodies."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.told.append((request.headers["Authorization"], json.loads(await request.read())))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)

    def of(self, name: str) -> int:
        return len([body for _, body in self.told if body["app"] == name])


@dataclass
class Scene:
    world: World
    receiver: Receiver

    @property
    def notifications(self) -> Notifications:
        return self.world.service.notifications

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110  # filled by another connection
                await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Until nothing is left to be looked at."""
        await self.until(lambda: not self.notifications.under_way)

    async def turns(self, status: str | None) -> None:
        """The Deployment's health; returns when the Application has it and it is told."""
        await self.world.act(STAGING, "health", status=status, **SICK)
        wanted = status or "Healthy"
        await self.world.until(STAGING, lambda app: app["status"]["health"]["status"] == wanted)
        await self.quiet()

    async def keys(self) -> set[str]:
        """What the Application says it was told of."""
        annotations = (await self.world.get(STAGING))["metadata"]["annotations"]
        return {key.removesuffix(":[0]:tiphys:") for key in json.loads(annotations[TOLD])}

    def fault(self, do: FaultKind, times: int) -> None:
        self.world.traffic.add_fault(Fault(id="", service="notifications", do=do, left=times))


@pytest.fixture
async def scene(worlds: Worlds) -> AsyncIterator[Scene]:
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post(PATH, receiver.handle)])
    async with served(app) as url:
        world = await worlds.start()
        world.service.notifications.targets = lambda: [NotificationTarget(bot="bot-1", url=url, token=TOKEN)]
        yield Scene(world, receiver)


async def test_what_was_there_before_is_not_told(scene: Scene) -> None:
    for app in ("apm-stack-development", STAGING, "apm-stack-production"):
        await scene.world.refresh(app)
    await scene.quiet()
    assert scene.receiver.told == []


async def test_a_sync_is_told_once_and_the_next_one_anew(scene: Scene) -> None:
    scene.world.git.commit(overlay("staging", web="2.0.0"))
    await scene.world.act(STAGING, "sync")
    app = await scene.world.ended(STAGING)
    await scene.until(lambda: scene.receiver.of(STAGING) == 1)
    assert scene.receiver.told == [
        (f"Bearer {TOKEN}", {"schema": 1, "app": STAGING, "namespace": app["metadata"]["namespace"]})
    ]
    await scene.world.refresh(STAGING)
    await scene.quiet()
    assert scene.receiver.of(STAGING) == 1
    assert f"{app['status']['operationState']['startedAt']}:{OPERATION}" in await scene.keys()


async def test_degraded_is_told_each_time_that_it_turns_so(scene: Scene) -> None:
    await scene.turns("Degraded")
    assert scene.receiver.of(STAGING) == 1
    await scene.world.refresh(STAGING)
    await scene.quiet()
    assert scene.receiver.of(STAGING) == 1, "it still is"
    assert DEGRADED in await scene.keys()
    await scene.turns(None)
    assert DEGRADED not in await scene.keys()
    await scene.turns("Degraded")
    assert scene.receiver.of(STAGING) == 2


async def test_a_comparison_that_cannot_be_made_is_told(scene: Scene) -> None:
    scene.world.git.commit({"deployments/k8s/overlays/staging/kustomization.yaml": "resources: [nowhere.yaml]\n"})
    app = await scene.world.refresh(STAGING)
    assert app["status"]["sync"]["status"] == "Unknown"
    await scene.quiet()
    assert scene.receiver.of(STAGING) == 1
    assert UNKNOWN in await scene.keys()


async def test_what_may_be_better_soon_is_tried_again(scene: Scene) -> None:
    scene.receiver.statuses = [503, 500, 429]
    await scene.turns("Degraded")
    assert (scene.receiver.statuses, scene.receiver.of(STAGING)) == ([], 4)
    assert DEGRADED in await scene.keys()


@pytest.mark.parametrize("status", [401, 404, 501])
async def test_any_other_no_is_one(scene: Scene, status: int) -> None:
    """What was told so counts as told where the trigger names what it is met once per."""
    scene.receiver.statuses = [status] * 4
    scene.world.git.commit(overlay("staging", web="2.0.0"))
    await scene.world.act(STAGING, "sync")
    await scene.world.ended(STAGING)
    await scene.until(lambda: scene.receiver.of(STAGING) > 0)
    await scene.quiet()
    assert scene.receiver.of(STAGING) == 1


async def test_an_operation_that_four_tries_did_not_tell_is_lost(scene: Scene) -> None:
    scene.receiver.statuses = [503] * 4
    scene.world.git.commit(overlay("staging", web="2.0.0"))
    await scene.world.act(STAGING, "sync")
    await scene.world.ended(STAGING)
    await scene.until(lambda: scene.receiver.of(STAGING) == 4)
    await scene.quiet()
    await scene.world.refresh(STAGING)
    await scene.quiet()
    assert scene.receiver.of(STAGING) == 4, "it counts as told"


async def test_degraded_that_was_not_told_is_tried_again_with_the_next_look(scene: Scene) -> None:
    scene.fault("reset", 4)
    await scene.turns("Degraded")
    assert scene.receiver.told == []
    await scene.world.refresh(STAGING)
    await scene.until(lambda: scene.receiver.of(STAGING) == 1)


async def test_faults_lose_double_and_answer_it(scene: Scene) -> None:
    scene.fault("apply_then_reset", 1)
    scene.fault("status", 1)
    await scene.turns("Degraded")
    assert scene.receiver.of(STAGING) == 2, "applied, answered by a proxy, and applied"
    sent, _ = scene.world.traffic.requests(service="notifications")
    assert [(each.status, each.applied, each.bot) for each in sent] == [
        (202, True, None),
        (500, False, None),
        (202, True, None),
    ]


async def test_killed_is_the_bot_that_it_goes_to(scene: Scene) -> None:
    killed: list[str] = []

    async def kill(name: str) -> None:
        killed.append(name)

    scene.world.traffic.kill = kill
    scene.fault("kill_before", 1)
    await scene.turns("Degraded")
    assert (killed, scene.receiver.of(STAGING)) == (["bot-1"], 1)


async def test_after_a_restart_nothing_is_told_again(worlds: Worlds, scene: Scene) -> None:
    await scene.turns("Degraded")
    stored = json.loads(json.dumps(scene.world.service.dump()))
    again = await worlds.start(stored=stored)
    again.service.notifications.targets = scene.notifications.targets
    await again.refresh(STAGING)
    await Scene(again, scene.receiver).quiet()
    assert scene.receiver.of(STAGING) == 1


def test_an_operation_counts_once_the_application_was_compared_after_it() -> None:
    over = {"phase": "Succeeded", "startedAt": "2026-11-29T10:00:00Z", "finishedAt": "2026-11-29T10:00:09Z"}
    assert triggered({"operationState": over}) == {OPERATION: over["startedAt"]}
    assert not is_compared_since({"operationState": over})
    assert not is_compared_since({"operationState": over, "reconciledAt": "2026-11-29T10:00:08Z"})
    assert is_compared_since({"operationState": over, "reconciledAt": "2026-11-29T10:00:09Z"})
    assert is_compared_since({"operationState": {"phase": "Running"}})
    assert is_compared_since({})
