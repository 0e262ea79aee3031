"""All checks together: nothing hides anything else, nothing is said to be fine that could not be asked."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from bot.checks.catalogue import Severity
from bot.checks.finding import Findings
from bot.checks.online import Patience, check_online
from tests.checks.scene import Scene, the

LEISURELY = Patience(answer=20, fetch=20, more=20)
NEITHER = ("slack.", "approvals.", "alertmanager.", "database.")
"""Findings of neither Argo CD nor GitHub."""
HASTY = Patience(answer=4, fetch=6, more=1)


def errors(found: Findings) -> list[str]:
    return [finding.slug for finding in found if finding.severity is Severity.ERROR]


async def test_the_seeded_world_has_no_error(scene: Scene) -> None:
    found = await check_online(scene.settings(), scene.configuration(), patience=LEISURELY)
    assert errors(found) == []
    warnings = {finding.slug for finding in found if finding.severity is Severity.WARNING}
    assert warnings == {"slack.user-may-not-act", "argocd.override-unknown", "forge.branch-unprotected"}
    subjects = {finding.subject for finding in found if finding.severity is Severity.INFO}
    assert {
        "slack", "slack.channels.C0DEPLOY", "slack.groups.S0PLATFORM", "argocd.main", "repositories.apm",
        "applications.apm-stack.stages.development", "applications.apm-stack.stages.staging",
        "applications.apm-stack.stages.production", "alertmanagers.default", "database",
    } <= subjects  # fmt: skip


async def test_slack_that_hangs_hides_nothing_of_the_others(scene: Scene) -> None:
    scene.slack.bend("", hang=True)
    found = await check_online(scene.settings(), scene.configuration(), patience=HASTY)
    slugs = [finding.slug for finding in found]
    assert [slug for slug in slugs if slug.startswith("slack.")] == ["slack.no-answer", "slack.socket-mode-unknown"]
    assert {"argocd.version", "forge.repository", "git.fetched", "database.empty"} <= set(slugs)
    assert errors(found) == []


async def test_argocd_and_github_that_hang_hide_nothing_of_slack(scene: Scene) -> None:
    """A stage that could be compared with nothing is unknown, and never ready."""
    scene.argocd.bend("", hang=True)
    scene.github.bend("", hang=True)
    found = await check_online(scene.settings(), scene.configuration(), patience=HASTY)
    slugs = sorted(f.slug for f in found if not f.slug.startswith(NEITHER))
    assert slugs == ["argocd.no-answer", *["forge.no-answer"] * 2, *["git.no-answer"] * 2, *["stage.unknown"] * 6]
    assert {"slack.workspace", "slack.socket-mode", "alertmanager.list", "database.empty"} <= {
        finding.slug for finding in found
    }
    assert errors(found) == []


async def test_an_alertmanager_that_hangs_hides_nothing_of_the_others(scene: Scene) -> None:
    scene.alertmanager.bend("", hang=True)
    found = await check_online(scene.settings(), scene.configuration(), patience=HASTY)
    assert [f.slug for f in found if f.subject == "alertmanagers.default"] == ["alertmanager.no-answer"]
    assert {"slack.workspace", "argocd.version", "git.fetched"} <= {finding.slug for finding in found}
    assert errors(found) == []


async def test_a_list_that_hangs_hides_nothing_of_the_other(scene: Scene) -> None:
    scene.alertmanager.bend("/api/v2/alerts", hang=True)
    found = await check_online(scene.settings(), scene.configuration(), patience=replace(LEISURELY, more=4))
    told = {f.slug: f.evidence for f in found if f.subject == "alertmanagers.default"}
    assert told["alertmanager.list-unknown"] == "GET /api/v2/alerts: no answer in time"
    assert told["alertmanager.list"] == "GET /api/v2/silences: lists 0 silences in force"


async def test_a_source_without_an_address_is_said_to_be_heard_only(scene: Scene) -> None:
    del scene.environ["ALERTMANAGER_URL"]
    scene.edit("    url: https://alertmanager.example.com\n", "")
    found = await check_online(scene.settings(), scene.configuration(), patience=LEISURELY)
    assert [f.slug for f in found if f.subject == "alertmanagers.default"] == ["alertmanager.heard-only"]
    assert errors(found) == []


async def test_when_nothing_answers_everything_is_a_warning(scene: Scene) -> None:
    for server in (scene.slack, scene.argocd, scene.github, scene.alertmanager):
        server.bend("", status=503, document={"message": "later"})
    found = await check_online(scene.settings(), scene.configuration(), patience=LEISURELY)
    assert {finding.severity for finding in found if finding.subject != "database"} == {Severity.WARNING}


async def test_without_a_file_what_the_settings_name_is_asked(scene: Scene) -> None:
    """As while setting up: token after token, before a file says what they are for."""
    found = await check_online(scene.settings(), None, patience=LEISURELY)
    assert {finding.subject for finding in found} == {"slack", "argocd.main", "github", "database"}
    assert {finding.severity for finding in found} == {Severity.INFO}
    for name in ("ARGOCD_AUTH_TOKEN", "GITHUB_TOKEN"):
        del scene.environ[name]
    found = await check_online(scene.settings(), None, patience=LEISURELY)
    assert {finding.subject for finding in found} == {"slack", "database"}


async def test_mirrors_are_fetched_to_where_there_is_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container's /tmp has little, and a Pod that fills it is evicted."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    the("git.fetched", await check_online(scene.settings(), scene.configuration(), patience=LEISURELY))
    assert list(data.iterdir()) == []


async def test_nothing_is_left_behind(scene: Scene, tmp_path: Path) -> None:
    await check_online(scene.settings(), scene.configuration(), patience=LEISURELY)
    assert list(tmp_path.iterdir()) == []
    the("database.empty", await check_online(scene.settings(), None))
