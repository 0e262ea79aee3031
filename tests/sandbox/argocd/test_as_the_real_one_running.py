"""Wrong in the same ways as Argo CD 3.5.1, in how operations run: a test per trap, named after the sheet's section."""

import json
from typing import Any

from bot.sandbox.argocd.application import ApplicationSeed
from tests.sandbox.argocd.conftest import REPOSITORY, Json, World, Worlds, error, overlay

STAGING, DEVELOPMENT = "apm-stack-staging", "apm-stack-development"
UNKNOWN_SHA = "0000000000000000000000000000000000000001"


def state(app: Json) -> Json:
    return dict(app["status"].get("operationState") or {})


def lines(app: Json) -> dict[str, Json]:
    return {line["name"]: line for line in state(app)["syncResult"]["resources"]}


async def test_6_the_post_drops_the_operation_state(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    assert state(await world.get(STAGING))["phase"] == "Succeeded"
    response = await world.sync(STAGING, dryRun=True, infos=[{"name": "id", "value": "1"}])
    app = response.json()
    assert "operationState" not in app["status"]
    assert app["operation"]["info"] == [{"name": "id", "value": "1"}]
    again = await world.get(STAGING)
    assert "operationState" not in again["status"]
    ended = state(await world.ended(STAGING))
    assert ended["operation"]["info"] == [{"name": "id", "value": "1"}]


async def test_6_a_pinned_sync_is_compared_with_the_branch_tip(world: World) -> None:
    pinned = world.git.commit(overlay("staging", web="2.0.0"))
    tip = world.git.commit(overlay("staging", web="3.0.0"))
    await world.sync(STAGING, revision=pinned)
    await world.ended(STAGING)
    app = await world.refresh(STAGING)
    assert state(app)["syncResult"]["revision"] == app["status"]["history"][-1]["revision"] == pinned
    assert (app["status"]["sync"]["status"], app["status"]["sync"]["revision"]) == ("OutOfSync", tip)


async def test_6_phases_and_waves_follow_each_other(world: World) -> None:
    world.git.commit(overlay("staging", web="2.0.0-slow", store="2.0.0-slow"))
    async with world.watching(STAGING) as seen:
        await world.sync(STAGING)
        await world.ended(STAGING)
    messages = [state(event["application"]).get("message", "") for event in seen[2:]]
    assert [m for n, m in enumerate(messages) if m and messages[n - 1] != m] == [
        "waiting for deletion of hook batch/Job/migrate",
        "waiting for completion of hook batch/Job/migrate",
        "waiting for healthy state of /Secret/store-login and 1 more resources",
        "waiting for healthy state of apps/StatefulSet/store",
        "waiting for healthy state of /Service/web and 1 more resources",
        "waiting for healthy state of apps/Deployment/web",
        "waiting for deletion of hook batch/Job/smoke",
        "waiting for completion of hook batch/Job/smoke",
        "successfully synced (no more tasks)",
    ]
    ended = await world.get(STAGING)
    reached = [line["name"] for line in state(ended)["syncResult"]["resources"]]
    assert reached == ["migrate", "store-login", "store", "web", "web", "smoke"]


async def test_6_waves_are_shown_on_the_resources(world: World) -> None:
    rows = {row["name"]: row for row in (await world.get(STAGING))["status"]["resources"]}
    assert rows["store"]["syncWave"] == -1
    assert "syncWave" not in rows["web"]
    assert rows["migrate"]["hook"] is True


async def test_6_the_last_wave_is_not_awaited(worlds: Worlds) -> None:
    worlds.git.commit({"deployments/k8s/base/kustomization.yaml": "resources: [store.yaml, web.yaml]\n"})
    world = await worlds.start()
    world.git.commit(overlay("staging", web="2.0.0-bad"))
    await world.sync(STAGING)
    app = await world.ended(STAGING)
    assert (state(app)["phase"], state(app)["message"]) == ("Succeeded", "successfully synced (all tasks run)")
    assert lines(app)["web"]["hookPhase"] == "Running"
    app = await world.until(STAGING, lambda a: a["status"]["health"]["status"] == "Degraded")
    assert state(app)["phase"] == "Succeeded"


async def test_6_a_degraded_resource_in_an_awaited_wave_fails_the_sync(world: World) -> None:
    world.git.commit(overlay("staging", store="2.0.0-bad", web="2.0.0"))
    await world.sync(STAGING)
    app = await world.ended(STAGING)
    assert state(app)["phase"] == "Failed"
    assert state(app)["message"] == "one or more synchronization tasks completed unsuccessfully"
    assert "pulling image" in lines(app)["store"]["message"]
    assert "web" not in lines(app)
    assert "img.example/web:1.0.0" in app["status"]["summary"]["images"]


async def test_6_a_failing_hook_fails_the_sync(world: World) -> None:
    world.git.commit(overlay("staging", web="2.0.0-hookfail"))
    await world.sync(STAGING)
    app = await world.ended(STAGING)
    assert state(app)["phase"] == "Failed"
    assert lines(app)["migrate"]["hookPhase"] == "Failed"
    assert list(lines(app)) == ["migrate"]


async def test_6_while_waiting_for_a_retry_it_is_running_with_a_finish_time(worlds: Worlds) -> None:
    world = await worlds.start(speed=20)
    world.git.commit(overlay("staging", web="2.0.0-hookfail"))
    await world.sync(STAGING, retryStrategy={"limit": 1, "backoff": {"duration": "2s", "factor": 2}})
    app = await world.until(STAGING, lambda a: bool(state(a).get("finishedAt")))
    assert (state(app)["phase"], state(app)["retryCount"]) == ("Running", 1)
    assert ". Retrying attempt #1 at " in state(app)["message"]
    app = await world.ended(STAGING)
    assert state(app)["message"].endswith("unsuccessfully (retried 1 times).")


async def test_10_a_window_blocks_syncs_before_the_right_to_sync_is_looked_at(world: World) -> None:
    await world.act(STAGING, "window", kind="deny", minutes=5)
    assert error(await world.sync(STAGING)) == (403, 7, "cannot sync: blocked by sync window")
    windows = (await world.api.get(f"/api/v1/applications/{STAGING}/syncwindows")).json()
    assert windows["canSync"] is False
    assert windows["activeWindows"] == windows["assignedWindows"]
    await world.act(STAGING, "window", clear=True)
    assert (await world.sync(STAGING)).status_code == 200


async def test_10_a_rollback_in_a_window_waits_and_cannot_be_terminated(world: World) -> None:
    await world.act(STAGING, "window", kind="deny", minutes=5)
    await world.api.post(f"/api/v1/applications/{STAGING}/rollback", json={"id": 0})
    blocked = "Sync operation blocked by sync window"
    app = await world.until(STAGING, lambda a: state(a).get("message") == blocked)
    assert state(app)["phase"] == "Running"
    await world.api.delete(f"/api/v1/applications/{STAGING}/operation")
    assert state(await world.get(STAGING))["phase"] == "Terminating"
    world.git.commit({"README.md": "so that the poll after this proves that time has passed"})
    await world.until(STAGING, lambda a: a["status"]["sync"]["revision"] == world.git.run("rev-parse", "main"))
    assert state(await world.get(STAGING))["phase"] == "Terminating"
    await world.act(STAGING, "window", clear=True)
    assert state(await world.ended(STAGING))["message"] == "Operation terminated"


async def test_6_auto_sync_takes_a_new_commit_once_with_prune_and_hooks(world: World) -> None:
    sha = world.git.commit(overlay("development", web="2.0.0"))
    app = await world.until(DEVELOPMENT, lambda a: a["status"]["history"][-1]["revision"] == sha)
    operation = state(app)["operation"]
    assert operation["initiatedBy"] == {"automated": True}
    assert operation["sync"]["prune"] is True
    assert app["status"]["history"][-1]["initiatedBy"] == {"automated": True}


async def test_10_auto_sync_waits_for_its_window(world: World) -> None:
    await world.act(DEVELOPMENT, "window", kind="deny", minutes=5, manual_sync=True)
    sha = world.git.commit(overlay("development", web="2.0.0"))
    app = await world.until(DEVELOPMENT, lambda a: a["status"]["sync"]["revision"] == sha)
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert world.service.state()["applications"][0]["operations"] == []
    await world.act(DEVELOPMENT, "window", clear=True)
    await world.until(DEVELOPMENT, lambda a: a["status"]["history"][-1]["revision"] == sha)


async def test_6_drift_is_healed_where_self_heal_is_on_and_only_there(world: World) -> None:
    patch: dict[str, Any] = {"spec": {"replicas": 5}}
    for name in (STAGING, DEVELOPMENT):
        await world.act(name, "drift", resource="Deployment/web", patch=patch)
    app = await world.until(DEVELOPMENT, lambda a: "autoHealAttemptsCount" in str(state(a)))
    assert state(app)["operation"]["sync"]["resources"] == [{"group": "apps", "kind": "Deployment", "name": "web"}]
    await world.until(DEVELOPMENT, lambda a: a["status"]["sync"]["status"] == "Synced")
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "OutOfSync"


async def test_9_a_failed_revision_is_not_tried_again(worlds: Worlds) -> None:
    world = await worlds.start([
        ApplicationSeed(
            name="plain", application="plain", environment="development", repository=REPOSITORY, path="plain",
            autosync=True,
        )
    ])  # fmt: skip
    await world.act("plain", "spec", patch={"spec": {"syncPolicy": {"retry": {"limit": 0}}}})
    bad = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "c"}}}}}  # fmt: skip
    world.git.commit({"plain/x.json": json.dumps(bad)})
    app = await world.until("plain", lambda a: "SyncError" in str(a["status"].get("conditions")))
    assert app["status"]["conditions"][0]["message"].startswith("Failed last sync attempt to [")
    assert len(world.service.state()["applications"][0]["operations"]) == 1
