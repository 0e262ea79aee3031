"""Syncs that went past Tiphys are told of once, by what Argo CD itself says, whoever hears of them first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.domain.outgoing import OutgoingKind
from bot.domain.outside_sync import FOLLOWS_WITHIN
from bot.domain.pipeline import Stage
from bot.ports_store import StoreUnavailable
from bot.services.outside_syncs import APART, OutsideSyncs
from bot.services.watching import Watching
from bot.store.store import SqlStore
from tests import examples
from tests.databases import BOTH
from tests.desk import NOBODY_THERE, TIPHYS_YAML, Desk, open_office, served
from tests.examples import CHANGE, HOUR, MERGED, MINUTE, NOW

SECOND = timedelta(seconds=1)
PRODUCTION, STAGING = "apm-stack-production", "apm-stack-staging"


@dataclass
class ArgocdServer:
    """What `GET` of each Application tells. `down`: it answers nothing but 503."""

    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def synced(self, application: str, at: datetime, by: str = "admin", **facts: Any) -> None:
        operation = {"initiatedBy": {"username": by}, "sync": {"revision": MERGED}, "info": facts.pop("info", [])}
        self.operations[application] = {
            "operation": operation, "phase": "Succeeded", "message": "successfully synced",
            "startedAt": stamp(at), "finishedAt": stamp(at + 20 * SECOND), "syncResult": {"revision": MERGED}, **facts,
        }  # fmt: skip

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/applications/{name}", self._get)
        return app

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        if self.down:
            return web.Response(status=503, text="down")
        status: dict[str, Any] = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
        if (operation := self.operations.get(name)) is not None:
            status["operationState"] = operation
        source = {"repoURL": "https://github.com/example/apm.git", "path": "x", "targetRevision": "main"}
        return web.json_response({
            "metadata": {"name": name, "namespace": "argocd", "resourceVersion": "7", "uid": "u1"},
            "spec": {"project": "apm", "source": source, "destination": {"server": "s", "namespace": "apm"}},
            "status": status,
        })  # fmt: skip


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Lookout:
    desk: Desk
    argocd: ArgocdServer
    clients: Any

    def syncs(self, store: SqlStore | None = None) -> OutsideSyncs:
        """One process's; another one is another replica, or the same after a restart."""
        desk = self.desk
        return OutsideSyncs(store or desk.store, self.clients, desk.source, desk.clock, desk.bells)

    def stages(self, *environments: str) -> list[Stage]:
        return [self.desk.source.current.get_stage("apm-stack", name) for name in environments]

    async def look(self, syncs: OutsideSyncs, *environments: str, after: timedelta = MINUTE) -> float:
        """Some time later something moves there."""
        self.desk.clock.at += after
        syncs.moved(self.stages(*(environments or ("production",))))
        return await syncs.look()

    async def told(self) -> list[tuple[str | None, str]]:
        return [(row.channel, row.text.plain) for row in await self.desk.outgoing()
                if row.kind is OutgoingKind.NOTICE and row.text]  # fmt: skip


@pytest.fixture
async def lookout(tmp_path: Path, address: str) -> AsyncIterator[Lookout]:
    server = ArgocdServer()
    async with (
        served(server.app()) as url,
        open_office(tmp_path, TIPHYS_YAML.replace(NOBODY_THERE, url), url=address) as office,
    ):
        yield Lookout(office.desk, server, office.adapters.argocd)


SAID = "⚠️ production of apm-stack was synced by admin outside of Tiphys: 3333333 (Argo CD)"


@pytest.mark.parametrize("address", BOTH, indirect=True)
async def test_a_sync_by_somebody_is_told_of_once_by_whoever_hears_of_it(lookout: Lookout, address: str) -> None:
    syncs = lookout.syncs()
    await lookout.look(syncs)
    assert await lookout.told() == []
    lookout.argocd.synced(PRODUCTION, lookout.desk.clock.at)
    await lookout.look(syncs)
    assert await lookout.told() == [("C0DEPLOY", SAID)]
    other = SqlStore(address)
    try:
        await lookout.desk.put(examples.change(State.REJECTED, requested_at=NOW - HOUR))
        for again in (syncs, lookout.syncs(), lookout.syncs(other)):
            await lookout.look(again)
    finally:
        await other.close()
    assert await lookout.told() == [("C0DEPLOY", SAID)]
    lookout.argocd.synced(PRODUCTION, lookout.desk.clock.at, by="U1\n<!channel>")
    await lookout.look(syncs)
    assert [text for _, text in await lookout.told()] == [SAID, SAID.replace("admin", "U1 <!channel>")]


async def test_what_was_there_before_tiphys_was_is_no_news(lookout: Lookout) -> None:
    lookout.argocd.synced(PRODUCTION, NOW - HOUR)
    syncs = lookout.syncs()
    await lookout.look(syncs)
    await lookout.desk.put(examples.change(State.REJECTED, requested_at=NOW))
    await lookout.look(lookout.syncs())
    assert await lookout.told() == []


async def test_what_happened_while_tiphys_was_away_is_told_where_it_had_shipped_before(lookout: Lookout) -> None:
    await lookout.desk.put(examples.change(State.REJECTED, requested_at=NOW - 2 * HOUR))
    lookout.argocd.synced(PRODUCTION, NOW - HOUR)
    await lookout.look(lookout.syncs())
    assert await lookout.told() == [("C0DEPLOY", SAID)]


def ours(**facts: Any) -> Change:
    return examples.syncing_change(**facts)


async def test_our_own_sync_is_not_told_of_and_an_id_that_is_not_ours_is_no_excuse(lookout: Lookout) -> None:
    await lookout.desk.put(ours())
    syncs = lookout.syncs()
    await lookout.look(syncs, "production", "staging")
    info = [{"name": "tiphys-change", "value": CHANGE}]
    lookout.argocd.synced(PRODUCTION, lookout.desk.clock.at, info=info)
    lookout.argocd.synced(STAGING, lookout.desk.clock.at, info=info)
    await lookout.look(syncs, "production", "staging")
    assert [channel for channel, _ in await lookout.told()] == ["C0STAGING"], "that change is one of production"
    forged = [{"name": "tiphys-change", "value": "01HZX3K6Q4T8V2M5N7P9R1S3WZ"}]
    lookout.argocd.synced(STAGING, lookout.desk.clock.at, info=forged)
    await lookout.look(syncs, "staging")
    assert len(await lookout.told()) == 2


async def test_what_a_change_may_follow_is_waited_for_and_then_told(lookout: Lookout) -> None:
    await lookout.desk.put(examples.merged_change(State.WAITING_FOR_SYNC))
    syncs = lookout.syncs()
    await lookout.look(syncs)
    lookout.argocd.synced(PRODUCTION, lookout.desk.clock.at)
    nap = await lookout.look(syncs, after=20 * SECOND)
    assert (await lookout.told(), nap) == ([], FOLLOWS_WITHIN.total_seconds())
    lookout.desk.clock.at += FOLLOWS_WITHIN
    await syncs.look()
    assert await lookout.told() == [("C0DEPLOY", SAID)]


async def test_what_runs_is_told_of_when_it_is_over(lookout: Lookout) -> None:
    syncs = lookout.syncs()
    started = lookout.desk.clock.at
    lookout.argocd.synced(PRODUCTION, started, phase="Running", finishedAt=None)
    await lookout.look(syncs)
    assert await lookout.told() == []
    lookout.argocd.synced(PRODUCTION, started, phase="Failed", message="no such image")
    await lookout.look(syncs)
    [(_, text)] = await lookout.told()
    assert (
        text
        == "⚠️ A sync of production of apm-stack by admin outside of Tiphys has failed: 3333333, no such image (Argo CD)"
    )


async def test_a_first_stage_is_nobodys_business_and_argo_cd_is_asked_about_it_by_nobody(lookout: Lookout) -> None:
    syncs = lookout.syncs()
    await lookout.look(syncs, "development")
    assert lookout.argocd.asked == []


async def test_many_moves_are_one_question_a_second(lookout: Lookout) -> None:
    syncs = lookout.syncs()
    for _ in range(20):
        await lookout.look(syncs, after=timedelta())
    assert lookout.argocd.asked == [PRODUCTION]
    lookout.desk.clock.at += APART
    await syncs.look()
    assert lookout.argocd.asked == [PRODUCTION, PRODUCTION]
    lookout.desk.clock.at += HOUR
    await syncs.look()
    assert len(lookout.argocd.asked) == 2, "nothing moved"


async def test_an_argo_cd_that_is_away_is_asked_once_and_again_when_something_moves(lookout: Lookout) -> None:
    syncs = lookout.syncs()
    await lookout.look(syncs, "production", "staging")
    lookout.argocd.synced(STAGING, lookout.desk.clock.at)
    lookout.argocd.down = True
    lookout.argocd.asked.clear()
    with capture_logs() as logs:
        await lookout.look(syncs, "production", "staging")
    assert set(lookout.argocd.asked) == {STAGING}
    assert [line["event"] for line in logs] == ["outside_syncs.no_answer"]
    lookout.argocd.down = False
    await lookout.look(syncs, "staging")
    assert len(await lookout.told()) == 1


async def test_a_database_that_is_away_loses_nothing(lookout: Lookout, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = lookout.syncs()
    await lookout.look(syncs)
    lookout.argocd.synced(PRODUCTION, lookout.desk.clock.at)

    def gone(self: object) -> None:
        raise StoreUnavailable("the server is gone")

    with monkeypatch.context() as patch:
        patch.setattr(SqlStore, "writing", gone)
        with pytest.raises(StoreUnavailable):
            await lookout.look(syncs)
    lookout.desk.clock.at += APART
    await syncs.look()
    assert await lookout.told() == [("C0DEPLOY", SAID)]


async def test_a_notification_wakes_the_change_and_the_look_for_others_syncs(lookout: Lookout) -> None:
    desk = lookout.desk
    change = await desk.put(examples.merged_change(State.MERGED, due_at=NOW + HOUR))
    moved: list[Stage] = []
    watching = Watching(
        desk.store, lookout.clients, desk.source, desk.clock, desk.bells, moved=lambda stages: moved.extend(stages)
    )
    assert await watching.heard("main", PRODUCTION, "argocd") == 1
    assert (await desk.get(change.id)).due_at == NOW
    assert moved == lookout.stages("production")
    assert await watching.heard("main", PRODUCTION, "argocd") == 0, "it is due already"
    for instance, name, namespace in (("eu", PRODUCTION, "argocd"), ("main", "x", "argocd"), ("main", PRODUCTION, "x")):
        assert await watching.heard(instance, name, namespace) is None
    assert len(moved) == 2
