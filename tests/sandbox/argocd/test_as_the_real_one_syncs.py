"""Wrong in the same ways as Argo CD 3.5.1, in what it does: one test per trap, named after the sheet's section."""

from tests.sandbox.argocd.conftest import Json, World, Worlds, error, overlay

STAGING, DEVELOPMENT = "apm-stack-staging", "apm-stack-development"
UNKNOWN_SHA = "0000000000000000000000000000000000000001"


def state(app: Json) -> Json:
    return dict(app["status"].get("operationState") or {})


def lines(app: Json) -> dict[str, Json]:
    return {line["name"]: line for line in state(app)["syncResult"]["resources"]}


async def test_5_4_under_auto_sync_only_the_target_revision_itself_may_be_named(world: World) -> None:
    tip = world.git.run("rev-parse", "main")
    refused = await world.sync(DEVELOPMENT, revision=tip)
    assert error(refused) == (400, 9, f"Cannot sync to {tip}: auto-sync currently set to main")
    assert (await world.sync(DEVELOPMENT, revision="main")).status_code == 200
    await world.ended(DEVELOPMENT)
    assert (await world.sync(DEVELOPMENT)).status_code == 200
    await world.ended(DEVELOPMENT)
    assert (await world.sync(DEVELOPMENT, revision=tip, dryRun=True)).status_code == 200


async def test_5_4_with_the_flag_on_another_revision_needs_override(world: World) -> None:
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    await world.act("", "flag", require_override=True)
    status, code, message = error(await world.sync(STAGING, revision=sha))
    assert (status, code) == (403, 7)
    assert message.startswith(f"permission denied: applications, override, apm/{STAGING}, sub: tiphys, iat: 20")
    can_i = f"/api/v1/account/can-i/applications/override/apm/{STAGING}"
    assert (await world.api.get(can_i)).json() == {"value": "no"}
    assert (await world.sync(STAGING, revision="main")).status_code == 200
    await world.ended(STAGING)
    await world.act("", "flag", grant_override=True)
    assert (await world.api.get(can_i)).json() == {"value": "yes"}
    assert (await world.sync(STAGING, revision=sha)).status_code == 200


async def test_5_4_an_unknown_sha_is_accepted_and_ends_in_error(world: World) -> None:
    response = await world.sync(STAGING, revision=UNKNOWN_SHA)
    assert response.status_code == 200
    ended = state(await world.ended(STAGING))
    assert ended["phase"] == "Error"
    assert ended["message"].startswith("ComparisonError: Failed to load target state")
    assert ended["message"].endswith(f"fatal: remote error: upload-pack: not our ref {UNKNOWN_SHA}")


async def test_5_4_names_are_resolved_and_short_shas_stored_as_given(world: World) -> None:
    tip = world.git.run("rev-parse", "main")
    world.git.run("tag", "v1", tip)
    for asked, stored in (("v1", tip), ("main", tip), (tip[:7], tip[:7])):
        response = await world.sync(STAGING, revision=asked, dryRun=True)
        assert response.json()["operation"]["sync"]["revision"] == stored
        assert state(await world.ended(STAGING))["syncResult"]["revision"] == tip
    missing = await world.sync(STAGING, revision="no-such-branch")
    assert error(missing)[:2] == (400, 9)
    assert "unable to resolve 'no-such-branch' to a commit SHA" in error(missing)[2]


async def test_5_4_a_sha_on_an_unmerged_branch_is_deployed(world: World) -> None:
    sha = world.git.commit(overlay("staging", web="9.9.9"), branch="never-merged")
    await world.sync(STAGING, revision=sha)
    app = await world.ended(STAGING)
    assert app["status"]["history"][-1]["revision"] == sha
    assert "img.example/web:9.9.9" in app["status"]["summary"]["images"]


async def test_5_4_what_is_not_pruned_is_skipped_and_leaves_the_application_out_of_sync(world: World) -> None:
    world.git.commit({"deployments/k8s/base/kustomization.yaml": "resources: [store.yaml]\n"})
    await world.sync(STAGING)
    app = await world.ended(STAGING)
    assert state(app)["phase"] == "Succeeded"
    assert lines(app)["web"]["status"] == "PruneSkipped"
    assert lines(app)["web"]["message"] == "ignored (requires pruning)"
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "OutOfSync"
    await world.sync(STAGING, prune=True)
    app = await world.ended(STAGING)
    assert lines(app)["web"]["status"] == "Pruned"
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "Synced"


async def test_5_4_a_dry_run_is_a_real_operation_without_history(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    sha = world.git.commit(overlay("staging", web="2.0.0"))
    before = (await world.get(STAGING))["status"]["history"]
    response = await world.sync(STAGING, revision=sha, dryRun=True)
    assert "operationState" not in response.json()["status"]
    assert error(await world.sync(STAGING))[2] == "another operation is already in progress"
    app = await world.ended(STAGING)
    assert lines(app)["web"]["message"].endswith("(dry run)")
    assert app["status"]["history"] == before
    assert "img.example/web:1.0.0" in app["status"]["summary"]["images"]


async def test_5_4_a_partial_sync_of_nothing_succeeds(world: World) -> None:
    await world.sync(STAGING, resources=[{"group": "apps", "kind": "Deployment", "name": "nope"}])
    app = await world.ended(STAGING)
    assert (state(app)["phase"], state(app)["message"]) == ("Succeeded", "successfully synced (no more tasks)")
    assert "resources" not in state(app)["syncResult"]


async def test_5_4_a_partial_sync_runs_no_hooks_and_writes_no_history(world: World) -> None:
    world.git.commit(overlay("staging", web="2.0.0", store="2.0.0"))
    await world.sync(STAGING, resources=[{"group": "apps", "kind": "Deployment", "name": "web"}])
    app = await world.ended(STAGING)
    assert list(lines(app)) == ["web"]
    assert len(app["status"]["history"]) == 1
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "OutOfSync"


async def test_5_5_terminate_is_refused_before_the_controller_began(worlds: Worlds) -> None:
    world = await worlds.start(speed=1)
    await world.sync(STAGING)
    path = f"/api/v1/applications/{STAGING}/operation"
    nothing = (400, 3, "Unable to terminate operation. No operation is in progress")
    assert error(await world.api.delete(path)) == nothing
    await world.until(STAGING, lambda app: state(app).get("phase") == "Running")
    assert (await world.api.delete(path)).json() == {}
    app = await world.ended(STAGING)
    assert (state(app)["phase"], state(app)["message"]) == ("Failed", "Operation terminated")
    assert error(await world.api.delete(path)) == nothing


async def test_5_6_a_rollback_runs_no_hooks_and_writes_a_new_entry(world: World) -> None:
    world.git.commit(overlay("staging", web="2.0.0"))
    await world.sync(STAGING)
    await world.ended(STAGING)
    response = await world.api.post(f"/api/v1/applications/{STAGING}/rollback", json={"id": 0, "project": "apm"})
    assert response.json()["operation"]["sync"]["syncStrategy"] == {"apply": {}}
    app = await world.ended(STAGING)
    assert "migrate" not in lines(app)
    assert [entry["id"] for entry in app["status"]["history"]] == [0, 1, 2]
    assert app["status"]["history"][2]["revision"] == app["status"]["history"][0]["revision"]
    assert (await world.refresh(STAGING))["status"]["sync"]["status"] == "OutOfSync"


async def test_5_6_rollback_refusals(world: World) -> None:
    auto = await world.api.post(f"/api/v1/applications/{DEVELOPMENT}/rollback", json={"id": 0})
    assert error(auto) == (400, 9, "rollback cannot be initiated when auto-sync is enabled")
    unknown = await world.api.post(f"/api/v1/applications/{STAGING}/rollback", json={"id": 99})
    assert error(unknown) == (400, 3, f"application argocd/{STAGING} does not have deployment with id 99")
