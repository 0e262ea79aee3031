"""The control API's part: what people do to Argo CD, and the errors of doing it wrong."""

import json
from typing import Any

import pytest

from tests.sandbox.argocd.conftest import World, Worlds, overlay

STAGING = "apm-stack-staging"


async def test_a_sync_is_written_in_the_persons_name(world: World) -> None:
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    assert (await world.act(STAGING, "sync", user="U0APPR1", revision=sha)).status_code == 200
    await world.ended(STAGING)
    told = next(a for a in world.service.state()["applications"] if a["name"] == STAGING)
    assert told["operations"] == [{
        "n": 1, "phase": "Succeeded", "revision": sha, "prune": False, "dry_run": False, "infos": {},
        "by": "approver-1", "message": "successfully synced (no more tasks)",
    }]  # fmt: skip
    assert told["deployed_revision"] == sha


async def test_health_is_forced_and_given_back(world: World) -> None:
    await world.act(STAGING, "health", resource="Deployment/web", status="Degraded", message="out of memory")
    app = await world.until(STAGING, lambda a: a["status"]["health"]["status"] == "Degraded")
    row = next(r for r in app["status"]["resources"] if r["kind"] == "Deployment")
    assert row["health"] == {"status": "Degraded", "message": "out of memory"}
    await world.act(STAGING, "health", resource="Deployment/web", status=None)
    await world.until(STAGING, lambda a: a["status"]["health"]["status"] == "Healthy")


async def test_drift_shows_and_a_null_patch_deletes(world: World) -> None:
    await world.act(STAGING, "drift", resource="Deployment/web", patch={"spec": {"replicas": 7}})
    app = await world.until(STAGING, lambda a: a["status"]["sync"]["status"] == "OutOfSync")
    assert [r["name"] for r in app["status"]["resources"] if r.get("status") == "OutOfSync"] == ["web"]
    await world.act(STAGING, "drift", resource="Service/web", patch=None)
    missing = {"status": "Missing"}
    await world.until(STAGING, lambda a: any(r.get("health") == missing for r in a["status"]["resources"]))


async def test_a_label_that_somebody_adds_is_no_drift(world: World) -> None:
    await world.act(STAGING, "drift", resource="Deployment/web", patch={"metadata": {"labels": {"by": "hand"}}})
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "Synced"


async def test_auto_sync_is_switched(world: World) -> None:
    await world.act(STAGING, "autosync", enabled=True, prune=True, self_heal=True)
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    await world.until(STAGING, lambda a: a["status"]["history"][-1]["revision"] == sha)
    await world.act(STAGING, "autosync", enabled=False)
    assert (await world.get(STAGING))["spec"]["syncPolicy"]["automated"]["enabled"] is False


async def test_auto_sync_without_pruning_prunes_no_more_and_what_is_not_said_stays(world: World) -> None:
    await world.act("apm-stack-development", "autosync", enabled=True, prune=False)
    policy = (await world.get("apm-stack-development"))["spec"]["syncPolicy"]["automated"]
    assert policy == {"enabled": True, "prune": False, "selfHeal": True}


async def test_the_spec_is_patched_and_compared(world: World) -> None:
    patch = {"spec": {"source": {"path": "no/such/path"}}, "metadata": {"labels": {"env": "other"}}}
    await world.act(STAGING, "spec", user="admin", patch=patch)
    app = await world.get(STAGING)
    assert app["status"]["sync"]["status"] == "Unknown"
    assert "no/such/path: app path does not exist" in app["status"]["conditions"][0]["message"]
    assert app["metadata"]["labels"]["env"] == "other"


async def test_an_application_that_is_being_deleted_refuses_syncs(world: World) -> None:
    await world.act(STAGING, "spec", patch={"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    refused = await world.sync(STAGING)
    assert (refused.status_code, refused.json()["message"]) == (400, "application is deleting")


async def test_an_operation_that_somebody_writes_is_run(world: World) -> None:
    sha = world.git.commit(overlay("staging", store="2.0.0-slow"))
    operation = {"sync": {"revision": sha}, "initiatedBy": {"username": "admin"}}
    assert (await world.act(STAGING, "spec", user="admin", patch={"operation": operation})).status_code == 200
    busy = await world.act(STAGING, "spec", patch={"operation": {"sync": {"revision": "0" * 40}}})
    assert (busy.status_code, busy.json()["error"]["slug"]) == (409, "busy")
    app = await world.ended(STAGING)
    assert app["status"]["history"][-1]["revision"] == sha
    told = next(a for a in world.service.state()["applications"] if a["name"] == STAGING)
    assert [(o["revision"], o["by"], o["phase"]) for o in told["operations"]] == [(sha, "admin", "Succeeded")]
    assert (await world.sync(STAGING)).status_code == 200


async def test_what_is_the_api_servers_own_is_not_patched(world: World) -> None:
    before = (await world.get(STAGING))["metadata"]
    patch = {"metadata": {"uid": "x", "generation": "x", "resourceVersion": None, "name": "x", "creationTimestamp": 1}}
    assert (await world.act(STAGING, "spec", patch=patch)).status_code == 200
    after = (await world.get(STAGING))["metadata"]
    assert {**after, "resourceVersion": "", "generation": 0} == {**before, "resourceVersion": "", "generation": 0}
    assert after["generation"] == before["generation"] + 1


UNFIT: list[tuple[Any, str]] = [
    ({"metadata": None}, "metadata: Required value"),
    ({"metadata": {"labels": "x"}}, "metadata.labels: must be of type object"),
    ({"metadata": {"labels": {"env": 1}}}, "metadata.labels.env: must be of type string"),
    ({"metadata": {"deletionTimestamp": "soon"}}, "metadata.deletionTimestamp: 'soon' is no time"),
    ({"spec": None}, "spec: Required value"),
    ({"spec": "x"}, "spec: must be of type object"),
    ({"spec": {"syncPolicy": "x"}}, "spec.syncPolicy: must be of type object"),
    ({"spec": {"syncPolicy": {"automated": True}}}, "spec.syncPolicy.automated: must be of type object"),
    ({"spec": {"syncPolicy": {"syncOptions": [1]}}}, "spec.syncPolicy.syncOptions[0]: must be of type string"),
    ({"spec": {"syncPolicy": {"retry": {"backoff": {"duration": "5"}}}}}, "'5' is no duration"),
    ({"spec": {"source": ["x"]}}, "spec.source: must be of type object"),
    ({"spec": {"source": {"path": 7}}}, "spec.source.path: must be of type string"),
    ({"spec": {"destination": None}}, "spec.destination: Required value"),
    ({"spec": {"revisionHistoryLimit": True}}, "spec.revisionHistoryLimit: must be of type integer"),
    ({"status": None}, "status: Required value"),
    ({"status": {"sync": None}}, "status.sync: Required value"),
    ({"status": {"history": [{"id": 0}]}}, "status.history[0].revision: Required value"),
    ({"status": {"operationState": {"phase": None}}}, "status.operationState.phase: Required value"),
    ({"operation": "x"}, "operation: must be of type object"),
    ({"operation": {}}, "operation.sync: Required value"),
    ({"operation": {"sync": {}, "info": [{"name": "id"}]}}, "operation.info[0].value: Required value"),
]


@pytest.mark.parametrize(("patch", "why"), UNFIT)
async def test_what_kubernetes_would_refuse_is_not_stored(worlds: Worlds, world: World, patch: Any, why: str) -> None:
    before = await world.get(STAGING)
    refused = await world.act(STAGING, "spec", patch=patch)
    assert (refused.status_code, refused.json()["error"]["slug"]) == (422, "refused")
    assert why in refused.json()["error"]["message"]
    assert await world.get(STAGING) == before
    await worlds.start(stored=json.loads(json.dumps(world.service.dump())))


DRIFTS: list[tuple[str, Any, str]] = [
    ("Deployment/web", {"metadata": None}, "metadata: Required value"),
    ("Deployment/web", {"spec": "x"}, "spec: must be of type object"),
    ("Deployment/web", {"spec": {"replicas": "two"}}, "spec.replicas: must be of type integer"),
    ("Deployment/web", {"spec": {"template": None}}, "spec.template: Required value"),
    ("Deployment/web", {"spec": {"template": {"spec": {"containers": ["web"]}}}}, "containers[0]: must be of type obj"),
    ("Deployment/web", {"spec": {"template": {"metadata": {"labels": "x"}}}}, "labels: must be of type object"),
    ("Deployment/web", {"kind": "StatefulSet"}, "cannot be changed"),
    ("Deployment/web", {"metadata": {"name": "other"}}, "cannot be changed"),
    ("Service/web", {"spec": {"selector": "x"}}, "spec.selector: must be of type object"),
    ("Secret/store-login", {"data": {"password": 1}}, "data.password: must be of type string"),
]


@pytest.mark.parametrize(("resource", "patch", "why"), DRIFTS)
async def test_an_object_that_the_cluster_would_refuse_is_not_changed(
    world: World, resource: str, patch: Any, why: str
) -> None:
    path = f"/api/v1/applications/{STAGING}/managed-resources"
    before = (await world.api.get(path)).json()
    refused = await world.act(STAGING, "drift", resource=resource, patch=patch)
    assert (refused.status_code, refused.json()["error"]["slug"]) == (422, "refused")
    assert why in refused.json()["error"]["message"]
    assert (await world.api.get(path)).json() == before
    assert (await world.api.get(f"/api/v1/applications/{STAGING}/resource-tree")).status_code == 200


async def test_terminate(world: World) -> None:
    assert (await world.act(STAGING, "terminate")).status_code == 409
    world.git.commit(overlay("staging", store="2.0.0-slow"))
    await world.act(STAGING, "sync")
    await world.until(STAGING, lambda a: (a["status"].get("operationState") or {}).get("phase") == "Running")
    assert (await world.act(STAGING, "terminate")).status_code == 200
    app = await world.ended(STAGING)
    assert app["status"]["operationState"]["message"] == "Operation terminated"


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"do": "nonsense"}, 400, "malformed"),
    ({"do": "sync", "as": "nobody"}, 404, "no_such_user"),
    ({"do": "sync", "as": "guest"}, 422, "not_allowed"),
    ({"do": "sync", "as": "gone"}, 422, "not_allowed"),
    ({"do": "sync", "as": "robot"}, 422, "not_allowed"),
    ({"do": "sync", "application": "nope"}, 404, "no_such_application"),
    ({"do": "sync", "revision": "nope"}, 422, "refused"),
    ({"do": "health", "resource": "Deployment/nope", "status": "Degraded"}, 404, "no_such_resource"),
    ({"do": "health", "resource": "Deployment/web", "status": "Sick"}, 400, "malformed"),
    ({"do": "drift", "resource": "Deployment/web"}, 400, "malformed"),
    ({"do": "window", "kind": "deny"}, 400, "malformed"),
    ({"do": "window", "kind": "deny", "minutes": -1}, 400, "malformed"),
    ({"do": "autosync"}, 400, "malformed"),
    ({"do": "spec"}, 400, "malformed"),
    ({"do": "spec", "patch": None}, 400, "malformed"),
    ({"do": "window", "kind": "deny", "minutes": None}, 400, "malformed"),
    ({"do": "window", "kind": None, "minutes": 5}, 400, "malformed"),
    ({"do": "autosync", "enabled": None}, 400, "malformed"),
    ({"do": "flag"}, 400, "malformed"),
    ({"do": "sync", "surprise": 1}, 400, "malformed"),
]


@pytest.mark.parametrize(("body", "status", "slug"), REFUSALS)
async def test_what_is_wrong_is_said(world: World, body: dict[str, Any], status: int, slug: str) -> None:
    response = await world.control.post("/api/argocd", json={"as": "developer", "application": STAGING, **body})
    assert (response.status_code, response.json()["error"]["slug"]) == (status, slug)


async def test_a_busy_application_is_a_conflict(world: World) -> None:
    world.git.commit(overlay("staging", store="2.0.0-slow"))
    await world.act(STAGING, "sync")
    assert (await world.act(STAGING, "sync")).status_code == 409
