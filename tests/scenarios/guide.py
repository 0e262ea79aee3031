"""The seeded world's files and settings, as scenarios change them: `example/apm` by path, `tiphys.yaml` by phrase."""

from pathlib import Path
from typing import Any

import httpx

from bot.sandbox.seed.seed import APM, TREE
from bot.sandbox.surroundings import seeded_configuration
from tests.scenarios.workspace import Message, Workspace

BASE = "deployments/k8s/base"
OVERLAYS = "deployments/k8s/overlays"
API = f"{BASE}/apps/api.yaml"
PROMETHEUS = f"{BASE}/monitoring/prometheus.yaml"
PRODUCTION = f"{OVERLAYS}/production/kustomization.yaml"
STAGING = f"{OVERLAYS}/staging/kustomization.yaml"


def seeded(path: str, *replaced: tuple[str, str]) -> str:
    """A file of the seeded tree, with phrases replaced that it must contain."""
    return _replaced((TREE / path).read_text(), replaced)


def quicker(configuration: str) -> str:
    """A seeded `tiphys.yaml` with a soak that nobody has to wait for."""
    return configuration.replace("    soak: 5s\n", "    soak: 1s\n")


def configured(folder: Path, *replaced: tuple[str, str]) -> Path:
    """The seeded `tiphys.yaml` with phrases replaced, as a file for `--config`."""
    file = folder / "tiphys.yaml"
    file.write_text(_replaced(quicker(seeded_configuration()), replaced))
    return file


async def monitoring_runs(workspace: Workspace, tag: str) -> None:
    """Somebody sets the version of a Deployment in `base/`: in an early wave of every environment's next sync."""
    await workspace.commit({PROMETHEUS: seeded(PROMETHEUS, ("example/prometheus:2.54.1", f"example/prometheus:{tag}"))})


async def deploy_staging(workspace: Workspace, tag: str, *, of: str = "2.15.1") -> str:
    """Somebody sets staging's versions by hand and syncs it; answers the commit that it then runs."""
    sha = await workspace.commit({STAGING: seeded(STAGING, (of, tag))})
    await workspace.argocd("sync", application="apm-stack-staging")

    async def runs() -> bool:
        staging = await workspace.application("apm-stack-staging")
        return bool(staging["deployed_revision"] == sha and staging["health"] == "Healthy")

    await workspace.until(runs, wants=f"staging runs {tag}")
    return sha


async def card_shows(workspace: Workspace, words: str, *, channel: str = "deployments") -> Message:
    """Wait until the newest card shows these words."""

    async def look() -> Message | None:
        card = await workspace.card(channel)
        return card if words in card.plain else None

    try:
        found: Message = await workspace.until(look, wants=f"the card shows {words!r}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it shows: {(await workspace.card(channel)).plain}") from None
    return found


async def on_github(workspace: Workspace, path: str, *, repository: str = APM) -> Any:
    """What GitHub's API says to a developer about a repository."""
    ready = await workspace.call("GET", "/api/ready")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(
            f"{ready['urls']['github_api']}/repos/{repository}/{path}",
            headers={"Authorization": f"Bearer {ready['tokens']['github']['developer']}"},
        )
    answer.raise_for_status()
    return answer.json()


async def comments(workspace: Workspace, number: int) -> list[str]:
    return [str(comment["body"]) for comment in await on_github(workspace, f"issues/{number}/comments")]


async def branches(workspace: Workspace, repository: str = APM) -> dict[str, str]:
    found: dict[str, str] = (await repository_of(workspace, repository))["branches"]
    return found


async def repository_of(workspace: Workspace, name: str = APM) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in (await workspace.state())["repositories"] if one["name"] == name)
    return found


async def syncs_asked(workspace: Workspace) -> list[dict[str, Any]]:
    """Every sync that the bot asked Argo CD for, with the status that it was answered."""
    asked = await workspace.requests(service="argocd")
    return [r for r in asked if r["bot"] and r["method"] == "POST" and r["path"].endswith("/sync")]


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for old, new in pairs:
        assert old in text, f"{old!r} is not there to be replaced"
        text = text.replace(old, new)
    return text
