"""Every finding about an Argo CD, and about what our account may do there."""

import pytest

from bot.checks.argocd import check_instance, check_rights, judge_version
from bot.checks.catalogue import CATALOGUE
from bot.checks.finding import Findings
from bot.clock import SystemClock
from bot.integrations.argocd.client import ArgocdClient
from tests.checks.scene import Case, Scene, as_seeded, the

RIGHTS = "/api/v1/account/can-i/applications"
NO = {"value": "no"}


async def check(scene: Scene) -> Findings:
    configuration = scene.configuration()
    async with ArgocdClient(configuration.argocd["main"], clock=SystemClock()) as argocd:
        found, instance = await check_instance("main", argocd)
        if instance.usable:
            found += await check_rights("main", argocd, configuration.stages(), instance)
    return found


def version(told: str) -> Case:
    return Case(lambda s: s.argocd.bend("/api/version", document={"Version": told} if told else {}), told or "unknown")


def denied(action: str) -> Case:
    return Case(lambda s: s.argocd.bend(f"{RIGHTS}/{action}/", document=NO), f"can-i {action} applications apm/")


def nobody(scene: Scene) -> None:
    scene.argocd.bend("/api/v1/session/userinfo", document={})


def granted(scene: Scene) -> None:
    who = {"as": "admin", "do": "flag"}
    scene.change("POST", "/api/argocd", {**who, "grant_override": True}, back={**who, "grant_override": False})


CASES = {
    "argocd.version": Case(as_seeded, "v3.5.1"),
    "argocd.version-old": version("v2.11.7"),
    "argocd.version-unknown": version(""),
    "argocd.no-answer": Case(lambda s: s.argocd.bend("/api/version", status=503, document={}), "GET /api/version"),
    "argocd.account": Case(as_seeded, "our account is tiphys"),
    "argocd.account-is-admin": Case(
        lambda s: s.environ.update(ARGOCD_AUTH_TOKEN="sandbox.argocd.admin"), "our account is admin"
    ),
    "argocd.account-unknown": Case(
        lambda s: s.argocd.bend("/userinfo", status=502, document={}), "GET /api/v1/session/userinfo"
    ),
    "argocd.token-refused": Case(
        lambda s: s.environ.update(ARGOCD_AUTH_TOKEN="not.a.token"), "token signature is invalid"
    ),
    "argocd.anonymous": Case(nobody, "the token logs nobody in"),
    "argocd.override": Case(granted, "can-i override applications apm/apm-stack-staging"),
    "argocd.override-unknown": Case(as_seeded, "apm/apm-gateway-staging and apm/apm-gateway-production: no"),
    "stage.may-not-read": denied("get"),
    "stage.may-not-sync": denied("sync"),
    "stage.rights-unknown": Case(lambda s: s.argocd.bend(RIGHTS, status=503, document={}), "can-i on apm/apm-stack"),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    await CASES[slug].run(slug, scene, check)


async def test_a_missing_right_comes_with_the_line_to_add(scene: Scene) -> None:
    scene.argocd.bend(f"{RIGHTS}/sync/apm/apm-stack-production", document=NO)
    finding = the("stage.may-not-sync", await check(scene))
    assert finding.subject == "applications.apm-stack.stages.production"
    assert "`p, tiphys, applications, sync, apm/apm-stack-production, allow`" in finding.fix


async def test_where_argocd_syncs_by_itself_no_right_to_sync_is_needed(scene: Scene) -> None:
    scene.argocd.bend(f"{RIGHTS}/sync/apm/apm-stack-development", document=NO)
    assert "stage.may-not-sync" not in {finding.slug for finding in await check(scene)}


async def test_before_3_2_nothing_demands_override(scene: Scene) -> None:
    scene.argocd.bend("/api/version", document={"Version": "v3.1.9"})
    assert "3.1 never asks" in the("argocd.override", await check(scene)).evidence


async def test_an_instance_without_an_answer_is_asked_nothing_more(scene: Scene) -> None:
    scene.argocd.bend("/api/version", status=503, document={})
    assert [finding.slug for finding in await check(scene)] == ["argocd.no-answer"]
    assert [path for _, path in scene.argocd.asked] == ["/api/version"]


@pytest.mark.parametrize(
    ("told", "slug"),
    [
        ("v2.11.9", "argocd.version-old"), ("v2.12.0", "argocd.version"), ("2.13", "argocd.version"),
        ("v10.0.1", "argocd.version"), ("v1.8.7", "argocd.version-old"), ("latest", "argocd.version-unknown"),
    ],
)  # fmt: skip
def test_versions(told: str, slug: str) -> None:
    assert judge_version("main", told)[1].slug == slug
    assert slug in CATALOGUE
