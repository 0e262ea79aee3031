"""Wrong in the same ways as Argo CD 3.5.1, in what it answers: one test per trap, named after the sheet's section."""

import json

from tests.sandbox.argocd.conftest import World, Worlds, error, overlay, seeds

STAGING = "apm-stack-staging"


async def test_1_2_every_write_needs_exactly_application_json(world: World) -> None:
    path = f"/api/v1/applications/{STAGING}/operation"
    for content_type in ("", "application/json; charset=utf-8", "text/plain"):
        response = await world.api.delete(path, headers={"Content-Type": content_type})
        assert (response.status_code, response.text) == (415, "Invalid content type\n")
    upper = await world.api.delete(path, headers={"Content-Type": "Application/JSON"})
    assert upper.status_code == 400


async def test_1_4_rollback_without_id_is_an_internal_error(world: World) -> None:
    response = await world.api.post(f"/api/v1/applications/{STAGING}/rollback", json={})
    assert error(response) == (500, 13, 'grpc: error while marshaling: proto: required field "id" not set')


async def test_1_5_an_empty_list_is_null(world: World) -> None:
    response = await world.api.get("/api/v1/applications", params={"name": "nope"})
    assert response.json()["items"] is None


async def test_2_1_who_is_not_known_gets_401_and_userinfo_stays_200(world: World) -> None:
    for token, message in (
        ("a.b.c", "invalid session: token signature is invalid: signature is invalid"),
        ("nonsense", "no session information"),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        assert error(await world.api.get("/api/v1/applications", headers=headers)) == (401, 16, message)
        assert (await world.api.get("/api/v1/session/userinfo", headers=headers)).json() == {}


async def test_4_3_a_missing_application_is_403_without_project_and_404_with_it(world: World) -> None:
    assert error(await world.admin.get("/api/v1/applications/nope")) == (403, 7, "permission denied")
    with_project = await world.api.get("/api/v1/applications/nope", params={"project": "apm"})
    assert error(with_project) == (404, 5, 'applications.argoproj.io "nope" not found')


async def test_4_3_an_application_of_another_project_hides_the_same_way(worlds: Worlds) -> None:
    world = await worlds.start(seeds(project="other"))
    path = f"/api/v1/applications/{STAGING}"
    assert error(await world.api.get(path))[0] == 403
    assert error(await world.api.get(path, params={"project": "apm"}))[0] == 404
    assert error(await world.api.get(path, params={"project": "other"}))[0] == 403
    assert error(await world.admin.get(path, params={"project": "apm"}))[0] == 404


async def test_5_1_a_projection_of_spec_and_its_parts_breaks_at_random(world: World) -> None:
    statuses = set()
    for _ in range(20):
        response = await world.api.get("/api/v1/applications", params={"fields": "items.spec,items.spec.project"})
        statuses.add(response.status_code)
        if response.status_code == 500:
            assert response.json() == {"error": "failed to marshal error message"}
    assert statuses == {200, 500}


async def test_5_2_status_is_stale_until_a_refresh(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    before = await world.get(STAGING)
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    stale = await world.get(STAGING)
    assert stale["status"]["sync"] == before["status"]["sync"]
    assert stale["status"]["sync"]["status"] == "Synced"
    fresh = await world.refresh(STAGING)
    assert (fresh["status"]["sync"]["status"], fresh["status"]["sync"]["revision"]) == ("OutOfSync", sha)


async def test_5_2_git_is_polled(world: World) -> None:
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    await world.until(STAGING, lambda app: app["status"]["sync"]["revision"] == sha)


async def test_5_2_a_refresh_of_what_does_not_render_is_200_with_a_condition(world: World) -> None:
    world.git.commit({"deployments/k8s/overlays/staging/kustomization.yaml": "resources: [missing.yaml]\n"})
    app = await world.refresh(STAGING)
    assert (app["status"]["sync"]["status"], app["status"]["sync"]["revision"]) == ("Unknown", "main")
    condition = app["status"]["conditions"][0]
    assert condition["type"] == "ComparisonError"
    assert "`kustomize build <path to cached source>/deployments/k8s/overlays/staging` failed" in condition["message"]


async def test_5_8_manifests_mask_secrets_to_a_constant(world: World) -> None:
    first = world.git.run("rev-parse", "main")
    store = (world.git.run("show", "main:deployments/k8s/base/store.yaml") + "\n").replace("aHVudGVy", "b3RoZXI=")
    second = world.git.commit({"deployments/k8s/base/store.yaml": store})
    path = f"/api/v1/applications/{STAGING}/manifests"
    answers = [(await world.api.get(path, params={"revision": sha})).json() for sha in (first, second)]
    assert answers[0] == answers[1]
    secret = next(m for text in answers[0]["manifests"] if (m := json.loads(text))["kind"] == "Secret")
    assert secret["data"] == {"password": "++++++++"}


async def test_5_8_managed_resources_show_that_a_secret_differs_but_not_what(world: World) -> None:
    await world.act(STAGING, "drift", resource="Secret/store-login", patch={"data": {"password": "eA=="}})
    path = f"/api/v1/applications/{STAGING}/managed-resources"
    item = (await world.api.get(path, params={"kind": "Secret"})).json()["items"][0]
    assert "eA==" not in json.dumps(item)
    runs = {json.loads(item[name])["data"]["password"] for name in ("targetState", "liveState")}
    assert runs == {"++++++++", "+++++++++"}


async def test_5_8_a_branch_name_renders_the_commit_of_the_last_comparison(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    path = f"/api/v1/applications/{STAGING}/manifests"
    assert "web:1.0.0" in (await world.api.get(path, params={"revision": "main"})).text
    assert "web:2.0.0" in (await world.api.get(path, params={"revision": sha})).text
    assert "web:2.0.0" in (await world.api.get(path, params={"revision": "main", "noCache": "true"})).text
