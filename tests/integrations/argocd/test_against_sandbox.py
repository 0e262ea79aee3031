"""The client against the sandbox's Argo CD, which keeps state: whole stories instead of single answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.identity import Revision
from bot.domain.live import Health, LiveApplication, Phase
from bot.domain.pipeline import ArgocdInstance
from bot.domain.progress import progress_of
from bot.integrations.argocd.client import ArgocdClient
from bot.ports import Argocd, NotFound, Refused, Unavailable
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Fault, FaultKind
from bot.tasks import TaskSet
from tests.integrations.argocd.conftest import IMPATIENT, SOON, STAGING, reference
from tests.integrations.replay import FixedClock
from tests.sandbox.argocd.conftest import World, Worlds, overlay

DEVELOPMENT = reference("apm-stack-development")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    worlds = Worlds(tmp_path)
    worlds.create_repository()
    yield await worlds.start()
    for world in worlds.running:
        await world.close()


@pytest.fixture
async def argocd(world: World) -> AsyncIterator[ArgocdClient]:
    instance = ArgocdInstance(name="main", server=world.url, token=TOKENS.argocd_tiphys)
    async with ArgocdClient(instance, clock=FixedClock(datetime.now(UTC)), patience=IMPATIENT) as client:
        yield client


async def _ended(argocd: Argocd) -> list[LiveApplication]:
    """What staging looked like at every look, until its operation was over."""
    seen = [await argocd.get(STAGING)]
    async with asyncio.timeout(4 * SOON):
        while (operation := seen[-1].operation) is None or not operation.phase.is_over:
            await asyncio.sleep(0.01)
            seen.append(await argocd.get(STAGING))
    return seen


async def test_a_pinned_sync_ships_the_pinned_commit_and_is_ours(world: World, argocd: ArgocdClient) -> None:
    merged = Revision(world.git.commit(dict(overlay("staging", web="1.1.0")), "promote"))
    world.git.commit(dict(overlay("staging", web="1.2.0")), "the branch moves on")
    assert (await argocd.get(STAGING, refresh=True)).active != merged
    assert (await argocd.sync_windows(STAGING)).can_sync
    await argocd.start_sync(STAGING, revision=merged, prune=False, infos={"tiphys-change": "01J"})
    seen = await _ended(argocd)
    last = seen[-1]
    assert last.operation is not None
    assert (last.operation.phase, last.operation.revision) == (Phase.SUCCEEDED, merged)
    assert all(live.operation is not None and live.operation.info("tiphys-change") == "01J" for live in seen)
    assert last.active == merged
    progress = progress_of(last)
    assert progress.done == progress.total > 0
    assert [wave.wave for wave in progress.waves] == [-1, 0]
    assert [hook.split()[0] for hook in progress.hooks] == ["PreSync", "PostSync"]


async def test_a_sync_whose_answer_was_lost_is_found_by_its_infos(world: World, argocd: ArgocdClient) -> None:
    tip = (await argocd.get(STAGING)).active
    assert tip is not None
    world.traffic.add_fault(Fault(id="1", service="argocd", do="apply_then_reset", method="POST", left=1))
    with pytest.raises(Unavailable):
        await argocd.start_sync(STAGING, revision=tip, prune=False, infos={"tiphys-change": "01J"})
    operation = (await argocd.get(STAGING)).operation
    assert operation is not None
    assert operation.info("tiphys-change") == "01J"


@pytest.mark.parametrize(
    ("do", "status"), [("status", 500), ("status", 503), ("status", 429), ("timeout", 0), ("reset", 0), ("html", 200)]
)
async def test_a_fault_is_waited_out(world: World, argocd: ArgocdClient, do: FaultKind, status: int) -> None:
    world.traffic.add_fault(Fault(id="1", service="argocd", do=do, status=status, seconds=60, left=1))
    with pytest.raises(Unavailable):
        await argocd.get(STAGING)
    assert (await argocd.get(STAGING)).name == STAGING.name


async def test_the_watch_tells_of_it(world: World, argocd: ArgocdClient) -> None:
    tip = (await argocd.get(STAGING)).active
    assert tip is not None
    async with aclosing(argocd.watch()) as watch:
        tasks = TaskSet("test")
        opening = [await asyncio.wait_for(tasks.start(anext(watch), name="watch"), SOON) for _ in range(2)]
        assert opening == [None, None]
        await argocd.start_sync(STAGING, revision=tip, prune=False, infos={})
        assert await asyncio.wait_for(anext(watch), SOON) == STAGING


async def test_what_auto_sync_refuses(argocd: ArgocdClient) -> None:
    live = await argocd.get(DEVELOPMENT)
    assert live.auto_sync is not None
    assert live.active is not None
    with pytest.raises(Refused) as refused:
        await argocd.start_sync(DEVELOPMENT, revision=live.active, prune=False, infos={})
    assert refused.value.slug == "auto-sync-on"


async def test_a_closed_window(world: World, argocd: ArgocdClient) -> None:
    response = await world.act("apm-stack-staging", "window", kind="deny", minutes=30)
    assert response.status_code == 200, response.text
    windows = await argocd.sync_windows(STAGING)
    assert not windows.can_sync
    assert windows.description.startswith("inside the deny window")
    assert windows.opens_at is None or windows.opens_at > datetime.now(UTC) - timedelta(hours=1)
    tip = (await argocd.get(STAGING)).active
    assert tip is not None
    with pytest.raises(Refused) as refused:
        await argocd.start_sync(STAGING, revision=tip, prune=False, infos={})
    assert refused.value.slug == "blocked-by-window"


async def test_the_right_to_pin(world: World, argocd: ArgocdClient) -> None:
    response = await world.act("apm-stack-staging", "flag", require_override=True)
    assert response.status_code == 200, response.text
    tip = (await argocd.get(STAGING)).active
    assert tip is not None
    assert not await argocd.can_i("override", STAGING)
    with pytest.raises(Refused) as refused:
        await argocd.start_sync(STAGING, revision=tip, prune=False, infos={})
    assert refused.value.slug == "needs-override"
    assert "applications, override, apm/apm-stack-staging, allow" in refused.value.way_out


async def test_one_operation_at_a_time_and_its_end(world: World, argocd: ArgocdClient) -> None:
    slow = Revision(world.git.commit(dict(overlay("staging", web="1.1.0-slow")), "promote"))
    await argocd.start_sync(STAGING, revision=slow, prune=False, infos={})
    with pytest.raises(Refused) as refused:
        await argocd.start_sync(STAGING, revision=slow, prune=False, infos={})
    assert refused.value.slug == "busy"
    await argocd.terminate(STAGING)
    last = (await _ended(argocd))[-1]
    assert last.operation is not None
    assert last.operation.phase is Phase.FAILED
    with pytest.raises(Refused) as refused:
        await argocd.terminate(STAGING)
    assert refused.value.slug == "nothing-running"


async def test_a_commit_that_does_not_exist(argocd: ArgocdClient) -> None:
    await argocd.start_sync(STAGING, revision=Revision("0" * 39 + "1"), prune=False, infos={})
    last = (await _ended(argocd))[-1]
    assert last.operation is not None
    assert last.operation.phase is Phase.ERROR


async def test_who_and_what(world: World, argocd: ArgocdClient) -> None:
    assert (await argocd.version()).startswith("v3.5")
    assert await argocd.find_username() == "tiphys"
    assert await argocd.can_i("sync", STAGING)
    assert not await argocd.can_i("delete", STAGING)
    assert {live.name for live in await argocd.list("apm")} >= {STAGING.name, DEVELOPMENT.name}
    live = await argocd.get(STAGING)
    assert live.health is Health.HEALTHY
    assert live.unsupported == ()
    assert live.active is not None
    assert (await argocd.revision_metadata(STAGING, live.active)).message.startswith("first version")
    with pytest.raises(NotFound):
        await argocd.get(reference("nope"))
