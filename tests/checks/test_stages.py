"""Every finding about a stage: the live Application and the live repository against the configuration."""

import pytest

from bot.adapters import Adapters
from bot.checks.finding import Findings
from bot.checks.forge import check_git
from bot.checks.stages import check_stage
from bot.clock import SystemClock
from tests.checks.scene import Case, Scene, as_seeded, the

STAGING = "/api/v1/applications/apm-stack-staging"
PRODUCTION = "/api/v1/applications/apm-stack-production"
DENIED = {"error": "permission denied", "code": 7, "message": "permission denied"}
SOURCE = {"path": "deployments/k8s/overlays/production", "targetRevision": "main"}


async def check(scene: Scene, *, fetched: bool = True) -> Findings:
    """Of production alone: the other stages say the same about themselves."""
    configuration = scene.configuration()
    adapters = Adapters(scene.folder / "mirrors", SystemClock())
    try:
        await adapters.follow(configuration)
        if fetched:
            await check_git(configuration.repositories["apm"], adapters.git["apm"])
        stage = configuration.get_stage("apm-stack", "production")
        return await check_stage(stage, configuration, adapters.argocd, adapters.git if fetched else {})
    finally:
        await adapters.close()


def elsewhere(scene: Scene) -> None:
    scene.patch_application({"spec": {"source": {"path": "elsewhere"}}}, {"spec": {"source": SOURCE}})


def by_several_sources(scene: Scene) -> None:
    sources = [{"repoURL": "https://git.example.com/example/apm.git", "path": "x"}]
    scene.patch_application({"spec": {"sources": sources}}, {"spec": {"sources": None}})


def by_itself(scene: Scene) -> None:
    scene.argocd.bend(
        PRODUCTION,
        document=lambda told: {**told, "spec": {**told["spec"], "syncPolicy": {"automated": {"prune": True}}}},
    )


def never_deployed(scene: Scene) -> None:
    scene.argocd.bend(STAGING, document=lambda told: {**told, "status": {**told["status"], "history": []}})


CASES = {
    "stage.ready": Case(as_seeded, "apm-stack-production follows main:deployments/k8s/overlays/production and runs "),
    "stage.application-not-found": Case(lambda s: s.edit('"apm-stack-{env', '"apm-{env'), "no Application"),
    "stage.application-hidden": Case(
        lambda s: s.argocd.bend(PRODUCTION, status=403, document=DENIED), "apm-stack-production: permission denied"
    ),
    "stage.not-supported": Case(by_several_sources, "multi-source"),
    "stage.mismatch": Case(elsewhere, "path is 'elsewhere', tiphys.yaml says 'deployments/k8s/overlays/production'"),
    "stage.branch-missing": Case(lambda s: s.edit("branch: main", "branch: next"), "branch next does not exist"),
    "stage.path-missing": Case(lambda s: s.edit("k8s/overlays", "k8s/overlaid"), "is no folder of main at"),
    "stage.source-not-deployed": Case(never_deployed, "apm-stack-staging has no deployment in its history"),
    "stage.auto-sync-on": Case(by_itself, "is synced by Argo CD itself, tiphys.yaml says `sync: controlled`"),
    "stage.auto-sync-off": Case(lambda s: s.edit("sync: controlled", "sync: automated"), "no automated sync policy"),
    "stage.unknown": Case(lambda s: s.argocd.bend(PRODUCTION, status=503, document={}), "argocd gives no answer"),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    await CASES[slug].run(slug, scene, check)


async def test_all_that_differs_is_told_at_once(scene: Scene) -> None:
    elsewhere(scene)
    by_itself(scene)
    never_deployed(scene)
    assert sorted(finding.slug for finding in await check(scene)) == [
        "stage.auto-sync-on", "stage.mismatch", "stage.source-not-deployed",
    ]  # fmt: skip


async def test_without_git_a_stage_is_never_said_to_be_ready(scene: Scene) -> None:
    [finding] = await check(scene, fetched=False)
    assert finding.slug == "stage.unknown"


async def test_a_file_is_no_folder(scene: Scene) -> None:
    scene.edit("deployments/k8s/overlays/{environment}", "deployments/k8s/overlays/{environment}/kustomization.yaml")
    the("stage.path-missing", await check(scene))
