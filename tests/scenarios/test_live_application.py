"""The live Application against tiphys.yaml: compared when it is asked, before each step, and by `check --online`."""

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from tests.scenarios.guide import card_shows, configured, repository_of, syncs_asked
from tests.scenarios.test_argocd_truth import merged_behind_a_window
from tests.scenarios.workspace import Workspace

OVERLAY = "deployments/k8s/overlays/production"
GIT = "https://git.example.com/example/apm.git"
HYDRATOR = {
    "drySource": {"repoURL": GIT, "path": OVERLAY, "targetRevision": "main"},
    "syncSource": {"targetBranch": "hydrated", "path": "production"},
}
CHILD = {"group": "argoproj.io", "version": "v1alpha1", "kind": "Application", "name": "child", "status": "Synced"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another path": (
        {"spec": {"source": {"path": "deployments/k8s/overlays/staging"}}},
        f"path is 'deployments/k8s/overlays/staging', tiphys.yaml says '{OVERLAY}'",
    ),
    "another repository": (
        {"spec": {"source": {"repoURL": "https://git.example.com/example/other.git"}}},
        "repoURL is 'https://git.example.com/example/other.git', tiphys.yaml means",
    ),
    "a tag": ({"spec": {"source": {"targetRevision": "refs/tags/v1"}}}, "targetRevision is 'refs/tags/v1': a tag"),
    "a commit": ({"spec": {"source": {"targetRevision": "0" * 40}}}, f"targetRevision is '{'0' * 40}'"),
    "another branch": ({"spec": {"source": {"targetRevision": "next"}}}, "tiphys.yaml promotes into branch 'main'"),
    "another project": ({"spec": {"project": "hidden"}}, "no Application apm-stack-production in project apm"),
    "several sources": ({"spec": {"sources": [{"repoURL": GIT, "path": OVERLAY}]}}, "(multi-source)"),
    "a chart": ({"spec": {"source": {"chart": "apm"}}}, "(helm-source)"),
    "a hydrator": ({"spec": {"sourceHydrator": HYDRATOR}}, "(source-hydrator)"),
    "frozen": (
        {"metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}},
        "(skip-reconcile)",
    ),
    "components of its own": (
        {"spec": {"source": {"kustomize": {"components": ["../../base/ingress"]}}}},
        "(outside-paths)",
    ),
    "a plugin": ({"spec": {"source": {"plugin": {"name": "vault"}}}}, "(not-kustomize)"),
    "a parent": ({"status": {"resources": [CHILD], "summary": {"isAppOfApps": True}}}, "(app-of-apps)"),
}
BACK: dict[str, Any] = {
    "spec": {
        "source": {
            "repoURL": None, "path": OVERLAY, "targetRevision": "main", "chart": None, "kustomize": None,
            "plugin": None,
        },
        "sources": None, "sourceHydrator": None, "project": "apm",
    },
    "metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": None}},
    "status": {"summary": {"isAppOfApps": None}},
}  # fmt: skip


async def repo_url(workspace: Workspace) -> str:
    return str((await repository_of(workspace))["clone_url"])


async def put_back(workspace: Workspace) -> None:
    patch = {
        **BACK,
        "spec": {**BACK["spec"], "source": {**BACK["spec"]["source"], "repoURL": await repo_url(workspace)}},
    }
    await workspace.argocd("spec", patch=patch)


async def check_online(workspace: Workspace, *options: str) -> tuple[int, dict[str, list[str]]]:
    """`tiphys check --online` as an operator runs it, with the environment that the sandbox prints: how it ended, and
    the errors by subject."""
    home = (await workspace.call("GET", "/api/ready"))["paths"]["home"]
    tiphys = f"{sys.executable} -m bot"
    script = f'eval "$({tiphys} sandbox env --home {home})" && {tiphys} check --online --json {shlex.join(options)}'
    process = await asyncio.create_subprocess_shell(
        script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    errors: dict[str, list[str]] = {}
    for finding in json.loads(out)["findings"]:
        if finding["severity"] == "error":
            errors.setdefault(finding["subject"], []).append(finding["evidence"])
    return process.returncode, errors


async def test_what_cannot_be_promoted_is_refused_before_anything_is_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    production = "applications.apm-stack.stages.production"
    assert await check_online(workspace) == (0, {})
    config = configured(tmp_path, ("project: apm,", "project: other,"))
    code, errors = await check_online(workspace, "--config", str(config))
    assert code == 1
    assert "apm-stack-production: project is 'apm', tiphys.yaml says 'other'" in errors[production]
    for name, (patch, expected) in REFUSED.items():
        await workspace.argocd("spec", patch=patch)
        before = len(await workspace.ephemerals("developer"))
        await workspace.say("developer", "/promote apm-stack prod")

        async def answered(seen: int = before) -> str | None:
            new = (await workspace.ephemerals("developer"))[seen:]
            return new[-1] if new else None

        told = await workspace.until(answered, wants=f"an answer about {name}", patience=15)
        assert expected in told, name
        await put_back(workspace)
    assert await workspace.cards() == []
    assert await workspace.pulls() == []

    await workspace.argocd("spec", patch=REFUSED["another path"][0])
    await workspace.argocd("spec", patch=REFUSED["several sources"][0], application="apm-stack-staging")
    code, errors = await check_online(workspace)
    assert code == 1
    assert list(errors) == ["applications.apm-stack.stages.staging", production]
    assert REFUSED["another path"][1] in errors[production][0]
    assert "multi-source" in errors["applications.apm-stack.stages.staging"][0]


async def test_the_default_branch_by_another_name_is_the_branch(workspace: Workspace) -> None:
    await workspace.argocd("spec", patch={"spec": {"source": {"targetRevision": ""}}})
    card = await workspace.propose()
    await workspace.click("developer", "change.abort", card)
    await workspace.card_is("aborted")
    await workspace.argocd("spec", patch={"spec": {"source": {"targetRevision": "HEAD"}}})
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")


async def test_the_application_changes_after_an_approval(workspace: Workspace) -> None:
    """Led elsewhere: void until it is put right and rebuilt. Another destination: it asks again, for just that."""
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.argocd("spec", patch=REFUSED["another path"][0])
    card = await workspace.card_is("approvals void")
    assert REFUSED["another path"][1] in card.plain
    await workspace.click("developer", "change.rebuild", card)
    await workspace.thread_says("Put it right and rebuild, or abort")
    await put_back(workspace)
    await workspace.click("developer", "change.rebuild", await workspace.card_is("approvals void"))
    card = await workspace.card_is("waiting for approval")
    assert "0 of 2" in card.plain

    await workspace.approve("approver-1")
    await workspace.argocd("spec", patch={"spec": {"destination": {"namespace": "elsewhere"}}})
    await workspace.thread_says("the live Application changed: the destination")
    card = await card_shows(workspace, "0 of 2")
    assert card.state == "waiting for approval"
    assert "earlier approvals no longer count: the live Application changed" in card.plain
    assert not (await workspace.pulls())[0]["merged"]


async def test_components_that_git_does_not_name_are_no_way_around_an_approval(workspace: Workspace) -> None:
    """Anybody may change what the Application alone names, and no approval would be held to it: nothing is merged."""
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.argocd("spec", patch=REFUSED["components of its own"][0])
    card = await workspace.card_is("approvals void")
    assert "(outside-paths): it has spec.source.kustomize.components; list them in kustomization.yaml" in card.plain
    await put_back(workspace)
    await workspace.click("developer", "change.rebuild", card)
    await workspace.card_is("waiting for approval")
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")


async def test_the_application_changes_after_the_merge(workspace: Workspace) -> None:
    """Nothing is synced into another destination without a new yes; put back, the old ones are for exactly that."""
    await merged_behind_a_window(workspace)
    await workspace.argocd("spec", patch={"spec": {"destination": {"namespace": "elsewhere"}}})
    card = await workspace.card_is("merged-differs")
    assert "the destination (https://kubernetes.default.svc/apm-production" in card.plain
    await workspace.argocd("window", clear=True)
    await workspace.approve("approver-1")
    await workspace.thread_says("(1 of 2)")
    assert await workspace.settle()
    assert await syncs_asked(workspace) == []
    await workspace.argocd("spec", patch={"spec": {"destination": {"namespace": "apm-production"}}})
    await workspace.card_is("succeeded")
    assert len(await syncs_asked(workspace)) == 1
