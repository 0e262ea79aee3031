"""The service as the world uses it: seeding, state, going on after a restart."""

import json

import pytest

from bot.sandbox.argocd import rendering
from tests.sandbox.argocd.conftest import REPOSITORY, Worlds, overlay, seeds

STAGING = "apm-stack-staging"


async def test_every_application_starts_synced_healthy_and_deployed(worlds: Worlds) -> None:
    world = await worlds.start()
    tip = world.git.run("rev-parse", "main")
    for told in world.service.state()["applications"]:
        assert (told["sync"], told["health"]) == ("Synced", "Healthy")
        assert told["deployed_revision"] == told["compared_revision"] == tip
        assert told["history"] == [{"id": 0, "revision": tip}]
        assert told["operations"] == []
        assert told["images"] == ["img.example/store:1.0.0", "img.example/tool:1", "img.example/web:1.0.0"]


async def test_a_restart_keeps_the_world_and_follows_the_new_port(worlds: Worlds) -> None:
    world = await worlds.start()
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    await world.sync(STAGING, revision=sha, infos=[{"name": "id", "value": "1"}])
    await world.ended(STAGING)
    await world.act("", "flag", require_override=True)
    before = world.service.state()
    stored = json.loads(json.dumps(world.service.dump()))
    await world.close()
    again = await worlds.start(stored=stored, forge="http://127.0.0.1:4000")
    assert again.service.state() == before
    app = await again.get(STAGING)
    assert app["spec"]["source"]["repoURL"] == f"http://127.0.0.1:4000/{REPOSITORY}.git"
    assert app["status"]["history"][-1]["source"] == app["spec"]["source"]
    assert (await again.sync(STAGING, revision=sha)).status_code == 403


async def test_an_operation_goes_on_after_a_restart(worlds: Worlds) -> None:
    world = await worlds.start()
    sha = world.git.commit(overlay("staging", store="2.0.0-slow", web="2.0.0"))
    await world.sync(STAGING, revision=sha)
    waiting = "waiting for healthy state of apps/StatefulSet/store"
    await world.until(STAGING, lambda a: (a["status"].get("operationState") or {}).get("message") == waiting)
    stored = json.loads(json.dumps(world.service.dump()))
    await world.close()
    again = await worlds.start(stored=stored)
    app = await again.ended(STAGING)
    assert app["status"]["operationState"]["phase"] == "Succeeded"
    assert app["status"]["history"][-1]["revision"] == sha
    told = next(a for a in again.service.state()["applications"] if a["name"] == STAGING)
    assert [o["phase"] for o in told["operations"]] == ["Succeeded"]


async def test_without_kubectl_it_says_that_it_cannot_render(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_kubectl", lambda: None)
    monkeypatch.setattr(rendering.Renderer, "_memory", type(rendering.Renderer._memory)())
    world = await worlds.start(seeds())
    app = await world.get(STAGING)
    assert app["status"]["sync"]["status"] == "Unknown"
    assert "cannot render: no kubectl found" in app["status"]["conditions"][0]["message"]
    await world.sync(STAGING)
    assert (await world.ended(STAGING))["status"]["operationState"]["phase"] == "Error"


async def test_a_webhook_makes_it_look_at_once(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    headers = {"X-GitHub-Event": "push"}
    body = {"repository": {"full_name": REPOSITORY}}
    assert (await world.api.post("/api/webhook", json=body, headers=headers)).status_code == 200
    await world.until(STAGING, lambda a: a["status"]["sync"]["revision"] == sha, seconds=2.0)


async def test_the_request_log_names_what_took_effect(worlds: Worlds) -> None:
    world = await worlds.start()
    await world.sync(STAGING, dryRun=True)
    await world.sync("nope")
    logged, _ = world.traffic.requests(service="argocd")
    assert [(r.method, r.status, r.applied) for r in logged] == [("POST", 200, True), ("POST", 404, False)]
