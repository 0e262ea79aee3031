"""Held against recordings of a real 3.5.1: the same call has the same status, keys and types."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.argocd.conftest import Json, World, Worlds, overlay, seeds
from tests.sandbox.argocd.shape import differences

SAMPLES = Path(__file__).parents[2] / "samples" / "argocd"
APP = "/api/v1/applications/apm-stack-staging"
UNKNOWN_SHA = "0000000000000000000000000000000000000001"
OPTIONAL = {
    r"\.metadata\.labels": "not every recorded object has labels",
    r"\.metadata\.annotations": "annotations of tools that the sandbox does not run",
    r"resources\[\]\.(syncWave|health|requiresPruning|hook|namespace|group)": "only where the resource has it",
    r"resources\[\]\.health\.message": "only while there is something to say",
    r"resources\[\]\.(images|hookType)": "only for workloads and hooks",
    r"\.status\.conditions": "only in trouble",
    r"\.summary\.images": "only with workloads",
}


def recorded(name: str) -> tuple[Json, Json]:
    """`file: label` as the file's exchange; the label may be shortened."""
    file, _, label = name.partition(": ")
    data = json.loads((SAMPLES / f"{file}.json").read_text())
    found = [e for e in data["exchanges"] if e["label"] == label] or [
        e for e in data["exchanges"] if e["label"].startswith(label)
    ]
    return data, found[0]


def check(name: str, response: httpx.Response, **optional: str) -> None:
    _, exchange = recorded(name)
    assert response.status_code == exchange["status"], response.text
    names = {h.lower() for h in exchange["headers"]} - {"grpc-metadata-content-type"}
    assert names - {h.lower() for h in response.headers} <= {"content-security-policy", "x-frame-options"} | {
        "x-xss-protection",
        "vary",
    }
    if isinstance(exchange["body"], str):
        assert response.text == exchange["body"]
        return
    assert differences(exchange["body"], response.json(), {**OPTIONAL, **optional}) == []
    if "code" in exchange["body"]:
        assert response.json()["code"] == exchange["body"]["code"]


Call = tuple[str, str, str, str, Any]
READS: list[Call] = [
    ("version: anonymous", "nobody", "GET", "/api/version", None),
    ("version: with a token", "tiphys", "GET", "/api/version", None),
    ("session: userinfo with an API key", "tiphys", "GET", "/api/v1/session/userinfo", None),
    ("session: userinfo without a token", "nobody", "GET", "/api/v1/session/userinfo", None),
    ("account_can_i: can-i applications/sync/apm/apm-stack-staging", "tiphys", "GET",
     "/api/v1/account/can-i/applications/sync/apm/apm-stack-staging", None),
    ("account_can_i: can-i applications/rollback", "tiphys", "GET",
     "/api/v1/account/can-i/applications/rollback/apm/apm-stack-staging", None),
    ("account_can_i: can-i nonsense/get/x", "tiphys", "GET", "/api/v1/account/can-i/nonsense/get/x", None),
    ("account_can_i: own account", "tiphys", "GET", "/api/v1/account/tiphys", None),
    ("account_can_i: all accounts, tiphys", "tiphys", "GET", "/api/v1/account", None),
    ("auth_errors: no token: list", "nobody", "GET", "/api/v1/applications", None),
    ("auth_errors: outsider: get an app, no project given", "tiphys", "GET", "/api/v1/applications/other", None),
    ("auth_errors: tiphys: app that does not exist, project given", "tiphys", "GET",
     "/api/v1/applications/nope?project=apm", None),
    ("auth_errors: namespace that is not enabled", "admin", "GET", f"{APP}?appNamespace=kube-system", None),
    ("auth_errors: tiphys may not patch", "tiphys", "PATCH", APP, {"patch": "{}", "patchType": "merge"}),
    ("request_errors: malformed JSON", "tiphys", "POST", f"{APP}/sync", '{"dryRun": tru'),
    ("request_errors: JSON array instead of an object", "tiphys", "POST", f"{APP}/sync", []),
    ("request_errors: wrong JSON type in a field", "tiphys", "POST", f"{APP}/sync", {"dryRun": "yes"}),
    ("request_errors: rollback without id", "tiphys", "POST", f"{APP}/rollback", {}),
    ("request_errors: resource without version", "tiphys", "GET", f"{APP}/resource?resourceName=web&kind=X", None),
    ("request_errors: unknown route", "tiphys", "GET", "/api/v1/nonsense", None),
    ("request_errors: unknown sub-route", "tiphys", "GET", f"{APP}/nonsense", None),
    ("request_errors: wrong method on a known route", "tiphys", "PUT", f"{APP}/sync", None),
    ("request_errors: slash in the app name", "tiphys", "GET", "/api/v1/applications/team-a%2Fapm-team", None),
    ("request_errors: unknown path outside /api", "tiphys", "GET", "/nonsense", None),
    ("list: tiphys (project apm only)", "tiphys", "GET",
     "/api/v1/applications?fields=items.metadata.name,items.metadata.namespace,items.spec.project", None),
    ("list: by name, unknown", "tiphys", "GET", "/api/v1/applications?name=nope", None),
    ("list: bad selector", "tiphys", "GET", "/api/v1/applications?selector=env%20in%20%28dev", None),
    ("list_fields: without items prefix", "tiphys", "GET", "/api/v1/applications?fields=metadata.name", None),
    ("list_fields: exclude form, try 1", "tiphys", "GET", "/api/v1/applications?fields=-items.status", None),
    ("get: plain", "tiphys", "GET", APP, None),
    ("get: refresh=normal", "tiphys", "GET", f"{APP}?refresh=normal", None),
    ("get: two projects", "tiphys", "GET", f"{APP}?projects=apm&projects=other", None),
    ("manifests: no revision", "tiphys", "GET", f"{APP}/manifests", None),
    ("manifests: unknown SHA", "tiphys", "GET", f"{APP}/manifests?revision={UNKNOWN_SHA}", None),
    ("manifests: unknown branch", "tiphys", "GET", f"{APP}/manifests?revision=no-such-branch", None),
    ("manifests: HEAD~1", "tiphys", "GET", f"{APP}/manifests?revision=HEAD~1", None),
    ("manifests: empty revision", "tiphys", "GET", f"{APP}/manifests?revision=", None),
    ("managed_resources: in sync", "tiphys", "GET", f"{APP}/managed-resources", None),
    ("managed_resources: one Secret", "tiphys", "GET", f"{APP}/managed-resources?kind=Secret", None),
    ("managed_resources: fields", "tiphys", "GET",
     f"{APP}/managed-resources?fields=items.group,items.kind,items.namespace,items.name", None),
    ("resource_tree: stack, healthy", "tiphys", "GET", f"{APP}/resource-tree", None),
    ("revision_metadata: tag name", "tiphys", "GET", f"{APP}/revisions/v1.0.0/metadata", None),
    ("revision_metadata: unknown SHA", "tiphys", "GET", f"{APP}/revisions/{UNKNOWN_SHA}/metadata", None),
    ("events: resource not in the tree", "tiphys", "GET",
     f"{APP}/events?resourceNamespace=x&resourceName=nope&resourceUID=123", None),
    ("projects: get", "tiphys", "GET", "/api/v1/projects/apm", None),
    ("projects: list, tiphys", "tiphys", "GET", "/api/v1/projects", None),
    ("projects: detailed", "tiphys", "GET", "/api/v1/projects/apm/detailed", None),
    ("projects: syncwindows of a project without any", "tiphys", "GET", "/api/v1/projects/apm/syncwindows", None),
    ("projects: unknown project, tiphys", "tiphys", "GET", "/api/v1/projects/nope", None),
    ("projects: unknown project, viewer", "admin", "GET", "/api/v1/projects/nope", None),
    ("settings_clusters_repos: settings, anonymous", "nobody", "GET", "/api/v1/settings", None),
    ("settings_clusters_repos: clusters, viewer", "admin", "GET", "/api/v1/clusters", None),
    ("settings_clusters_repos: clusters, tiphys", "tiphys", "GET", "/api/v1/clusters", None),
    ("settings_clusters_repos: unknown cluster", "admin", "GET", "/api/v1/clusters/https%3A%2F%2Fnowhere.example.com",
     None),
    ("settings_clusters_repos: applicationsets", "tiphys", "GET", "/api/v1/applicationsets", None),
    ("resource_get_patch_actions: get a Secret (masked)", "tiphys", "GET",
     f"{APP}/resource?namespace=apm-stack-staging&resourceName=store-login&version=v1&kind=Secret", None),
    ("resource_get_patch_actions: get a Pod's owner that is not in the app", "tiphys", "GET",
     f"{APP}/resource?resourceName=nope&version=v1&group=apps&kind=Deployment", None),
    ("sync_window: windows of an app without windows", "tiphys", "GET", f"{APP}/syncwindows", None),
    ("sync_pinned_revision: branch that does not exist", "tiphys", "POST", f"{APP}/sync",
     {"revision": "no-such-branch"}),
    ("rollback: unknown id", "tiphys", "POST", f"{APP}/rollback", {"project": "apm", "id": 9999}),
    ("park_auto_sync: park with a wrong patchType", "admin", "PATCH", APP, {"patch": "{}", "patchType": "strategic"}),
    ("park_auto_sync: park with broken JSON inside", "admin", "PATCH", APP,
     {"patch": '{"spec":', "patchType": "merge"}),
    ("park_auto_sync: park with the patch as an object", "admin", "PATCH", APP, {"patch": {}, "patchType": "merge"}),
    ("park_auto_sync: patch that breaks the spec (path", "admin", "PATCH", APP,
     {"patch": '{"spec": {"source": {"path": "no/such/path"}}}', "patchType": "merge"}),
]  # fmt: skip
EXCUSED = {
    "get: refresh=normal": {r"syncStrategy": "the recorded application was last rolled back"},
    "projects: get": {r"roles|sourceNamespaces|jwtTokensByRole": "the sandbox's project has no roles"},
    "projects: list, tiphys": {r"roles|sourceNamespaces|jwtTokensByRole": "the sandbox's project has no roles"},
    "projects: detailed": {
        r"roles|sourceNamespaces|jwtTokensByRole": "the sandbox's project has no roles",
        r"\.(globalProjects|repositories|clusters)": "lists that are absent where empty",
    },
    "managed_resources: fields": {r"\.group": "the sample keeps two resources of the core group"},
    "resource_tree: stack, healthy": {r"health\.message": "only while there is something to say"},
}


async def ask(world: World, who: str, method: str, path: str, body: Any) -> httpx.Response:
    client = world.admin if who == "admin" else world.api
    headers = {"Authorization": ""} if who == "nobody" else {}
    content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    return await client.request(method, path, content=content, headers=headers)


@pytest.mark.parametrize("call", READS, ids=lambda call: call[0])
async def test_the_same_call_is_answered_in_the_same_shape(world: World, call: Call) -> None:
    name, who, method, path, body = call
    check(name, await ask(world, who, method, path, body), **EXCUSED.get(name, {}))


async def test_the_projection_that_the_web_interface_asks_for(world: World) -> None:
    _, exchange = recorded("list_fields: as the UI asks")
    check(
        "list_fields: as the UI asks", await world.api.get(exchange["path"]),
        **{r"operation\.sync": "only with an operation", r"helm|retry|automated|kustomize": "other recorded specs"},
    )  # fmt: skip


async def test_commit_metadata(world: World) -> None:
    sha = world.git.run("rev-parse", "main")
    world.git.run("tag", "v1.0.0", sha)
    check("revision_metadata: tagged commit", await world.api.get(f"{APP}/revisions/{sha}/metadata"))


async def test_application_events(world: World) -> None:
    await world.sync("apm-stack-staging", dryRun=True)
    await world.ended("apm-stack-staging")
    check("events: application events", await world.api.get(f"{APP}/events"))


async def test_an_application_that_does_not_render(worlds: Worlds) -> None:
    worlds.git.commit({"broken/kustomization.yaml": "resources: [missing.yaml]\n"})
    world = await worlds.start(seeds(path="broken"))
    broken = {r"resources|history|operationState": "the recorded one never was deployed"}
    check(
        "get: an application whose manifests do not render, refreshed",
        await world.api.get(f"{APP}?refresh=normal"),
        **broken,
    )
    check("resource_tree: does not render", await world.api.get(f"{APP}/resource-tree"))


async def _post(world: World, path: str, **body: Any) -> httpx.Response:
    return await world.api.post(f"{APP}/{path}", json={"project": "apm", **body})


async def test_a_sync_from_the_post_to_its_end(world: World) -> None:
    sha = world.git.commit(overlay("staging", web="2.0.0-slow"))
    info = [{"name": "tiphys-request", "value": "1"}]
    posted = await _post(
        world, "sync", revision=sha, prune=False, dryRun=False, strategy={"hook": {"force": False}}, infos=info
    )
    check("sync_waves_hooks: sync", posted)

    def is_running(app: Json) -> bool:
        return (app["status"].get("operationState") or {}).get("phase") == "Running"

    await world.until("apm-stack-staging", is_running)
    check("sync_waves_hooks: poll: state 2", await world.api.get(APP))
    await world.ended("apm-stack-staging")
    optional = {r"operation\.sync\.syncStrategy": "asked or not"}
    check("sync_waves_hooks: poll: state 18", await world.api.get(APP), **optional)


async def test_what_is_refused_while_an_operation_waits_for_the_controller(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    await _post(world, "sync", dryRun=True)
    check("sync_busy: second sync at once", await _post(world, "sync"))
    check("sync_busy: terminate at once", await world.api.delete(f"{APP}/operation"))
    await world.ended("apm-stack-staging")


async def test_refusals_and_failures_of_syncs(world: World) -> None:
    development = "/api/v1/applications/apm-stack-development"
    tip = world.git.run("rev-parse", "main")
    refused = await world.api.post(f"{development}/sync", json={"revision": tip})
    check("sync_failures: auto-sync on, other revision", refused)
    check("rollback: auto-sync on: refused", await world.api.post(f"{development}/rollback", json={"id": 0}))
    check("sync_pinned_revision: SHA that does not exist", await _post(world, "sync", revision=UNKNOWN_SHA))
    await world.ended("apm-stack-staging")
    info = {r"operation\.info|syncStrategy": "asked or not"}
    check("sync_pinned_revision: poll unknown SHA: state 2", await world.api.get(APP), **info)
    world.git.commit(overlay("staging", web="1-hookfail"))
    await _post(world, "sync")
    await world.ended("apm-stack-staging")
    check("sync_failures: hook: state 5", await world.api.get(APP), history="the recorded one never was deployed")


async def test_a_window_and_a_rollback(world: World) -> None:
    check("rollback: rollback", await _post(world, "rollback", id=0, prune=False))
    await world.ended("apm-stack-staging")
    check("rollback: poll: state 6", await world.api.get(APP))
    await world.act("apm-stack-staging", "window", kind="deny", minutes=5)
    check("sync_window: windows of an app in a deny window", await world.api.get(f"{APP}/syncwindows"))
    check("sync_window: sync in a deny window", await _post(world, "sync"))
    description = {r"description": "windows of people have one"}
    check("projects: syncwindows of a frozen", await world.admin.get("/api/v1/projects/apm/syncwindows"), **description)


async def test_self_heal(world: World) -> None:
    path = "/api/v1/applications/apm-stack-development"
    await world.act("apm-stack-development", "drift", resource="Deployment/web", patch={"spec": {"replicas": 4}})
    healed: Callable[[Json], bool] = lambda a: (  # noqa: E731
        "autoHeal" in str(a["status"].get("operationState")) and "operation" not in a
    )
    await world.until("apm-stack-development", healed)
    by = {r"history\[\]\.initiatedBy": "a person deployed the sandbox's first version"}
    check("self_heal: drift: state 2", await world.api.get(path), **by)


Prepare = Callable[[World], Awaitable[None]]
STREAMS = [
    ("stream_applications: bad selector", "tiphys"),
    ("stream_applications: bad selector, NDJSON, no fields", "tiphys"),
    ("stream_applications: no token, SSE", "nobody"),
    ("stream_applications: no token, NDJSON", "nobody"),
    ("stream_applications: no token, NDJSON with fields that lack error", "nobody"),
    ("stream_applications: no token, NDJSON with fields that have error", "nobody"),
    ("stream_sync: resource tree stream, unknown app", "tiphys"),
]


@pytest.mark.parametrize(("name", "who"), STREAMS)
async def test_a_refused_stream_says_the_very_same(world: World, name: str, who: str) -> None:
    _, exchange = recorded(name)
    headers = {"Accept": exchange["accept"] or "*/*", **({"Authorization": ""} if who == "nobody" else {})}
    response = await world.api.get(exchange["path"], headers=headers)
    assert response.status_code == exchange["status"]
    sse = exchange["chunks"][0].startswith("data: ")
    assert response.headers["Content-Type"] == ("text/event-stream" if sse else "application/json")
    ours, then = (text.removeprefix("data: ").strip() for text in (response.text, exchange["chunks"][0]))
    assert json.loads(ours) == json.loads(then)
    assert response.text.endswith("} \n\n" if sse else "}")


@pytest.mark.parametrize("name", ["SSE with a small projection", "NDJSON with a small projection"])
async def test_a_projected_snapshot_is_framed_as_recorded(world: World, name: str) -> None:
    _, exchange = recorded(f"stream_applications: {name}")
    headers = {"Accept": exchange["accept"] or "*/*"}
    async with world.api.stream("GET", exchange["path"], headers=headers) as response:
        assert {h.lower() for h in exchange["headers"]} <= {h.lower() for h in response.headers}
        first = await anext(response.aiter_raw())
    then = exchange["chunks"][0]
    ours = first.decode().partition("\n")[0]
    event = then.partition("\n")[0]
    assert ours.startswith("data: ") == event.startswith("data: ")
    assert ours.endswith(" ") == event.endswith(" ")
    shapes = [json.loads(text.removeprefix("data: ")) for text in (event, ours)]
    assert differences(shapes[0], shapes[1], OPTIONAL) == []
