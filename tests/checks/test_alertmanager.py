"""Every finding about an Alertmanager; behind the bent answers stands the sandbox's own."""

import asyncio
import base64
import os
import sys
from pathlib import Path

import pytest

from bot.checks.alertmanager import check_alerts, check_silences, check_status, heard_only, judge_version
from bot.checks.finding import Findings
from bot.clock import SystemClock
from bot.integrations.alertmanager.client import AlertmanagerClient
from tests.checks.scene import Case, Json, Scene, as_seeded, the

STATUS, ALERTS, SILENCES = "/api/v2/status", "/api/v2/alerts", "/api/v2/silences"
URL = "    url: https://alertmanager.example.com\n"


async def check(scene: Scene) -> Findings:
    source = scene.configuration().alerts.sources["default"]
    if source.url is None:
        return [heard_only(source.name)]
    async with AlertmanagerClient(source, clock=SystemClock()) as client:
        found, usable = await check_status(source.name, client)
        if usable:
            found += await check_alerts(source.name, client) + await check_silences(source.name, client)
    return found


def version(told: str) -> Case:
    def bent(status: Json) -> Json:
        return {**status, "versionInfo": {"version": told}}

    return Case(lambda s: s.alertmanager.bend(STATUS, document=bent), f"GET /api/v2/status: {told}")


def cluster(told: Json) -> Case:
    words = told.get("status", "it says nothing of its cluster")
    return Case(lambda s: s.alertmanager.bend(STATUS, document=lambda status: {**status, "cluster": told}), words)


def refused(path: str, status: int) -> Case:
    def arrange(scene: Scene) -> None:
        scene.alertmanager.bend(path, status=status, document={"message": f"not for you ({status})"})

    return Case(arrange, f"GET {path}: not for you ({status})")


def without_address(scene: Scene) -> None:
    del scene.environ["ALERTMANAGER_URL"]
    scene.edit(URL, "")


CASES = {
    "alertmanager.version": Case(as_seeded, "GET /api/v2/status: 0.33.1"),
    "alertmanager.version-old": version("0.24.0"),
    "alertmanager.version-unknown": version("N/A"),
    "alertmanager.no-answer": Case(
        lambda s: s.alertmanager.bend(STATUS, status=503, document={}), "GET /api/v2/status"
    ),
    "alertmanager.credentials-refused": refused(STATUS, 401),
    "alertmanager.denied": refused(SILENCES, 403),
    "alertmanager.cluster-not-ready": cluster({"status": "settling"}),
    "alertmanager.list": Case(as_seeded, "GET /api/v2/silences: lists 0 silences in force"),
    "alertmanager.list-unknown": Case(
        lambda s: s.alertmanager.bend(ALERTS, status=502, document={}), "GET /api/v2/alerts"
    ),
    "alertmanager.heard-only": Case(without_address, "it has no `url`"),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    await CASES[slug].run(slug, scene, check)


async def test_as_seeded_all_is_fine(scene: Scene) -> None:
    assert [(found.slug, found.subject) for found in await check(scene)] == [
        ("alertmanager.version", "alertmanagers.default"),
        ("alertmanager.list", "alertmanagers.default"),
        ("alertmanager.list", "alertmanagers.default"),
    ]


@pytest.mark.parametrize("path", [STATUS, ALERTS, SILENCES])
@pytest.mark.parametrize(("status", "slug"), [(401, "alertmanager.credentials-refused"), (403, "alertmanager.denied")])
async def test_whatever_is_refused_is_an_error(path: str, status: int, slug: str, scene: Scene) -> None:
    await refused(path, status).run(slug, scene, check)


@pytest.mark.parametrize("path", [STATUS, ALERTS, SILENCES])
@pytest.mark.parametrize(
    ("status", "document"), [(500, {}), (404, {}), (429, {}), (400, "no tenant"), (302, {}), (200, "a proxy's page")]
)
async def test_what_cannot_be_told_is_never_fine(path: str, status: int, document: Json | str, scene: Scene) -> None:
    scene.alertmanager.bend(path, status=status, document=document)
    slug = "alertmanager.no-answer" if path == STATUS else "alertmanager.list-unknown"
    assert the(slug, await check(scene)).evidence.startswith(f"GET {path}: ")


async def test_the_right_to_read_one_list_is_not_the_right_to_read_the_other(scene: Scene) -> None:
    scene.alertmanager.bend(ALERTS, status=403, document={"message": "no permission"})
    found = await check(scene)
    assert the("alertmanager.denied", found).evidence == "GET /api/v2/alerts: no permission"
    assert the("alertmanager.list", found).evidence.startswith("GET /api/v2/silences")


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        ("token: {env: AM_SECRET}", "Bearer kept-to-itself"),
        (
            "basic: {username: tiphys, password: {env: AM_SECRET}}",
            f"Basic {base64.b64encode(b'tiphys:kept-to-itself').decode()}",
        ),
    ],
)
async def test_the_configured_credentials_are_what_is_tried(credential: str, header: str, scene: Scene) -> None:
    """The right ones are taken; others are refused, and stand nowhere in what is told."""
    scene.edit(URL, f"{URL}    {credential}\n")
    scene.alertmanager.bend("", unless=("Authorization", header), status=401, document={"message": "who are you?"})
    scene.environ["AM_SECRET"] = "kept-to-itself"
    assert the("alertmanager.version", await check(scene)).subject == "alertmanagers.default"
    scene.environ["AM_SECRET"] = "an-older-one"
    [finding] = await check(scene)
    assert (finding.slug, finding.evidence) == ("alertmanager.credentials-refused", "GET /api/v2/status: who are you?")
    assert "an-older-one" not in str(finding)


async def test_a_credential_that_it_repeats_is_not_printed(scene: Scene, tmp_path: Path) -> None:
    scene.edit(URL, f"{URL}    token: {{env: AM_SECRET}}\n")
    scene.alertmanager.bend(STATUS, status=401, document={"message": "unknown token: kept-to-itself"})
    (tmp_path / "tiphys.yaml").write_text(scene.text)
    environ = {**os.environ, **scene.environ, "AM_SECRET": "kept-to-itself"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "check", "--online", "--config", str(tmp_path / "tiphys.yaml"), env=environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed = (await process.communicate())[0].decode()
    assert "GET /api/v2/status: unknown token" in printed
    assert "kept-to-itself" not in printed, printed


async def test_who_does_not_know_us_is_asked_nothing_more(scene: Scene) -> None:
    scene.alertmanager.bend("", status=401, document={})
    await check(scene)
    assert [path for _, path in scene.alertmanager.asked] == [STATUS]


@pytest.mark.parametrize("told", [{}, {"status": "something new"}])
async def test_a_cluster_that_is_not_said_to_be_ready_is_not(told: Json, scene: Scene) -> None:
    await cluster(told).run("alertmanager.cluster-not-ready", scene, check)


async def test_what_fires_and_what_is_in_force_is_counted(scene: Scene) -> None:
    times = {"startsAt": "2026-11-23T12:00:00Z", "endsAt": "2036-11-23T12:00:00Z"}
    matcher = {"name": "a", "value": "b", "isRegex": False}
    scene.alertmanager.bend(
        SILENCES, document=[
            {"id": state, "status": {"state": state}, "matchers": [matcher], **times}
            for state in ("active", "expired", "pending")
        ]
    )  # fmt: skip
    scene.alertmanager.bend(
        ALERTS, document=[{"fingerprint": "366e2e089b2194d5", "labels": {"a": "b"}, "startsAt": times["startsAt"]}]
    )
    told = [finding.evidence for finding in await check(scene)]
    assert told[1:] == ["GET /api/v2/alerts: lists 1 alert", "GET /api/v2/silences: lists 1 silence in force"]


@pytest.mark.parametrize(
    ("told", "slug"),
    [
        ("0.24.9", "alertmanager.version-old"), ("0.25.0+ds", "alertmanager.version"),
        ("0.33.1", "alertmanager.version"), ("2.14.0", "alertmanager.version"), ("N/A", "alertmanager.version-unknown"),
        ("unknown", "alertmanager.version-unknown"),
    ],
)  # fmt: skip
def test_versions(told: str, slug: str) -> None:
    assert judge_version("default", told).slug == slug
