"""The seeded repository: its history, its tags, and that every environment renders."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.seed import APM, ENVIRONMENTS, HISTORY, TREE, deployed_revisions, seed_apm, trees

OVERLAY = "deployments/k8s/overlays/{}/kustomization.yaml"


async def overlay_tags(repositories: Repositories, revision: str, environment: str) -> dict[str, str]:
    text = await repositories.git(APM, "show", f"{revision}:{OVERLAY.format(environment)}")
    return {image["name"]: image["newTag"] for image in yaml.safe_load(text)["images"]}


async def test_the_tip_is_the_tree_of_the_package(repositories: Repositories) -> None:
    assert trees()[-1] == {
        path.relative_to(TREE).as_posix(): path.read_bytes() for path in TREE.rglob("*") if path.is_file()
    }


async def test_seeding_again_gives_the_same_commits_and_changes_nothing(
    repositories: Repositories, tmp_path: Path
) -> None:
    before = repositories.tips(APM)
    await seed_apm(repositories)
    other = Repositories(tmp_path / "other")
    await seed_apm(other)
    assert list(before) == ["main"]
    assert repositories.tips(APM) == before == other.tips(APM)


async def test_no_approver_wrote_a_commit(repositories: Repositories) -> None:
    out = await repositories.git(APM, "log", "--format=%an <%ae>|%cn|%P", "main")
    lines = out.decode().splitlines()
    assert len(lines) == len(HISTORY)
    assert {line.split("|")[0] for line in lines} == {
        "developer <developer@example.com>",
        "developer-2 <developer-2@example.com>",
    }
    assert {line.split("|")[1] for line in lines} == {"developer", "developer-2"}


async def test_every_commit_changes_something(repositories: Repositories) -> None:
    assert all(earlier != later for earlier, later in zip(trees(), trees()[1:], strict=False))


async def test_development_is_ahead_of_staging_and_staging_of_production(repositories: Repositories) -> None:
    tags = {env: (await overlay_tags(repositories, "main", env))["example/apm-api"] for env in ENVIRONMENTS}
    assert tags == {"development": "2.16.0-dev", "staging": "2.15.1", "production": "2.14.0"}
    deployed = await deployed_revisions(repositories)
    for older, newer in (("production", "staging"), ("staging", "development")):
        assert deployed[older] != deployed[newer]
        await repositories.git(APM, "merge-base", "--is-ancestor", deployed[older], deployed[newer])
    assert deployed["development"] == repositories.tips(APM)["main"]


async def test_what_an_environment_runs_at_first_is_what_the_tip_says(repositories: Repositories) -> None:
    for environment, revision in (await deployed_revisions(repositories)).items():
        for path in ("deployments/k8s/base", f"deployments/k8s/overlays/{environment}"):
            then = await repositories.git(APM, "rev-parse", f"{revision}:{path}")
            assert then == await repositories.git(APM, "rev-parse", f"main:{path}")


def test_tags_are_unquoted_in_every_overlay() -> None:
    for environment in ENVIRONMENTS:
        lines = (TREE / OVERLAY.format(environment)).read_text().splitlines()
        tags = [line.split("newTag:")[1].split("#")[0].strip() for line in lines if "newTag:" in line]
        assert len(tags) == 4
        assert not [tag for tag in tags if tag[0] in "\"'"]


async def render(folder: Path) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "kubectl"), "kustomize", str(folder), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return list(yaml.safe_load_all(out))


async def test_the_first_commit_renders_too(tmp_path: Path) -> None:
    for path, content in trees()[0].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    kinds = {obj["kind"] for obj in await render(tmp_path / "deployments/k8s/overlays/production")}
    assert "Ingress" in kinds
    assert "NetworkPolicy" not in kinds


@pytest.mark.parametrize("environment", ENVIRONMENTS)
async def test_every_environment_renders_with_its_waves(environment: str) -> None:
    objects = await render(TREE / "deployments/k8s/overlays" / environment)
    assert 15 <= len(objects) <= 20
    waves: dict[str, set[str]] = {}
    for obj in objects:
        annotations = obj["metadata"]["annotations"]
        assert obj["metadata"]["namespace"] == f"apm-{environment}"
        if "argocd.argoproj.io/hook" in annotations:
            assert (obj["kind"], annotations["argocd.argoproj.io/hook"]) == ("Job", "PreSync")
        else:
            names = waves.setdefault(annotations["argocd.argoproj.io/sync-wave"], set())
            names.add(f"{obj['kind']}/{obj['metadata']['name']}")
    assert {wave: "StatefulSet/apm-db" in names for wave, names in waves.items()} == {
        "-10": True, "-5": False, "0": False, "5": False,
    }  # fmt: skip
    assert "Deployment/otel-collector" in waves["-5"]
    assert {"Deployment/apm-api", "Deployment/apm-ingest", "Deployment/apm-query"} <= waves["0"]
    assert "Ingress/apm" in waves["5"]
