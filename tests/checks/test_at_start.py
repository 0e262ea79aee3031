"""What a bot says after its start about stages that it cannot promote into."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.adapters import Adapters
from bot.checks.at_start import look_at_start
from bot.clock import SystemClock
from bot.domain.outgoing import Outgoing
from bot.store.store import SqlStore
from bot.wake import Bells
from tests.checks.scene import Scene
from tests.databases import sqlite_in

CLOCK = SystemClock()
ELSEWHERE = {"spec": {"source": {"path": "elsewhere"}}}
BACK = {"spec": {"source": {"path": "deployments/k8s/overlays/production"}}}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(await sqlite_in(tmp_path))
    yield opened
    await opened.close()


async def look(scene: Scene, store: SqlStore) -> list[Outgoing]:
    """One start, and what is to be shown afterwards."""
    configuration = scene.configuration()
    adapters = Adapters(scene.folder / "mirrors", CLOCK)
    try:
        await adapters.follow(configuration)
        await look_at_start(configuration, adapters, store, CLOCK, Bells())
    finally:
        await adapters.close()
    async with store.writing() as tx:
        return await tx.outbox.list_due(CLOCK.now(), limit=10)


async def test_differences_are_told_once_to_the_admin_channel_and_to_the_log(scene: Scene, store: SqlStore) -> None:
    scene.patch_application(ELSEWHERE, BACK)
    with capture_logs() as logs:
        [notice] = await look(scene, store)
    assert "path is 'elsewhere'" in str(notice)
    assert "C0ADMIN" in str(notice)
    [told] = [entry for entry in logs if entry["event"] == "configuration.differs"]
    assert told["path"] == "applications.apm-stack.stages.production"
    assert told["slug"] == "stage.mismatch"
    async with store.writing() as tx:
        await tx.outbox.mark_sent(notice)
    assert await look(scene, store) == []


async def test_warnings_that_keep_nobody_from_promoting_are_not_told(scene: Scene, store: SqlStore) -> None:
    """The branch without rules, people who may not act, `override`: `tiphys check --online` tells of those."""
    with capture_logs() as logs:
        assert await look(scene, store) == []
    rights = {entry["application"]: entry for entry in logs if entry["event"] == "argocd.rights"}
    assert set(rights) == {
        f"{name}-{environment}" for name in ("apm-stack", "apm-gateway") for environment in ("staging", "production")
    }
    assert rights["apm-stack-production"]["sync"] is True
    assert rights["apm-stack-production"]["override"] is False


async def test_an_argocd_without_an_answer_is_told(scene: Scene, store: SqlStore) -> None:
    scene.argocd.bend("/api/v1/", status=503, document={})
    [notice] = await look(scene, store)
    assert "argocd gives no answer" in str(notice)
