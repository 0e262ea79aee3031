"""Makes `example/apm`: the tree in `apm/` with the history that led to it. Same files, same commit ids, every time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.stream import commit

APM = "example/apm"
BRANCH = "main"
ENVIRONMENTS = ("development", "staging", "production")
TREE = Path(__file__).parent / "apm"
BASE = "deployments/k8s/base"
OVERLAYS = "deployments/k8s/overlays"
COLLECTOR = "otel-collector"
IMAGE_TAG = re.compile(r"""(name: ["']?example/(?P<image>[\w-]+)["']?[^\n]*\n\s*newTag: )(?P<tag>\S+)""")


@dataclass(frozen=True, slots=True)
class Versions:
    """What an overlay's tags were: of the three applications, and of the collector."""

    apps: str
    collector: str


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: files that it brings (by prefix) and versions that it sets (by environment)."""

    author: str
    message: str
    brings: tuple[str, ...] = ()
    sets: Mapping[str, Versions] = field(default_factory=dict)


HISTORY = (
    Step(
        "developer",
        "Deploy the APM stack with Kustomize",
        brings=("README.md", "deployments/k8s/"),
        sets=dict.fromkeys(ENVIRONMENTS, Versions("2.13.0", "0.107.0")),
    ),
    Step("developer-2", "argocd: Describe the project and the applications", brings=("deployments/argocd/",)),
    Step("developer", "docs: Say how a version gets to production", brings=("docs/",)),
    Step("developer-2", "monitoring: Alert on errors and on drift", brings=("deployments/monitoring/",)),
    Step("developer", "development: apm 2.14.0", sets={"development": Versions("2.14.0", "0.108.0")}),
    Step("developer-2", "staging: apm 2.14.0", sets={"staging": Versions("2.14.0", "0.108.0")}),
    Step(
        "developer",
        "base: Let only the stack's own pods reach the database",
        brings=(f"{BASE}/ingress/network-policy.yaml",),
    ),
    Step(
        "developer-2",
        "production: apm 2.14.0\n\nAlso otel-collector 0.108.0, which apm 2.14 needs.",
        sets={"production": Versions("2.14.0", "0.108.0")},
    ),
    Step("developer", "development: apm 2.15.0", sets={"development": Versions("2.15.0", "0.109.0")}),
    Step(
        "developer-2",
        "development: apm 2.15.1\n\n2.15.0 lost spans when the collector restarted.",
        sets={"development": Versions("2.15.1", "0.109.0")},
    ),
    Step("developer", "staging: apm 2.15.1", sets={"staging": Versions("2.15.1", "0.109.0")}),
    Step("developer-2", "development: apm 2.16.0-dev", sets={"development": Versions("2.16.0-dev", "0.110.0")}),
)


async def seed_apm(repositories: Repositories) -> None:
    """Make the repository unless it is there already."""
    if await repositories.ensure(APM, _history_stream, default_branch=BRANCH):
        repositories.announce(APM, BRANCH, repositories.tips(APM)[BRANCH])


async def deployed_revisions(repositories: Repositories) -> dict[str, str]:
    """For each environment the newest commit that changed what it reads: what it runs when the world begins."""
    found = {}
    for environment in ENVIRONMENTS:
        paths = (BASE, f"{OVERLAYS}/{environment}")
        out = await repositories.git(APM, "log", "-1", "--format=%H", BRANCH, "--", *paths)
        found[environment] = out.decode().strip()
    return found


def trees() -> list[dict[str, bytes]]:
    """The whole tree after each step of the history; the last one is the seeded tree itself."""
    final = {path.relative_to(TREE).as_posix(): path.read_bytes() for path in TREE.rglob("*") if path.is_file()}
    later = {prefix for step in HISTORY for prefix in step.brings}
    versions: dict[str, Versions] = {}
    made = []
    for step in HISTORY:
        later -= set(step.brings)
        versions |= step.sets
        present = {path: content for path, content in final.items() if not path.startswith(tuple(later))}
        made.append({path: _as_it_was(path, content, present, versions) for path, content in present.items()})
    return made


def _history_stream() -> bytes:
    steps = enumerate(zip(HISTORY, trees(), strict=True))
    return b"".join(commit(BRANCH, number, step.author, step.message, files) for number, (step, files) in steps)


def _as_it_was(path: str, content: bytes, present: Mapping[str, bytes], versions: Mapping[str, Versions]) -> bytes:
    if path == f"{BASE}/kustomization.yaml":
        return _without_absent(content.decode(), present).encode()
    for environment, then in versions.items():
        if path == f"{OVERLAYS}/{environment}/kustomization.yaml":
            return _with_versions(content.decode(), then).encode()
    return content


def _without_absent(text: str, present: Mapping[str, bytes]) -> str:
    """The base's kustomization without the resources that had not been written yet."""
    lines = text.splitlines(keepends=True)
    named = ((line, line.strip().removeprefix("- ")) for line in lines)
    return "".join(line for line, name in named if "/" not in name or ":" in name or f"{BASE}/{name}" in present)


def _with_versions(text: str, versions: Versions) -> str:
    def set_tag(found: re.Match[str]) -> str:
        return found[1] + (versions.collector if found["image"] == COLLECTOR else versions.apps)

    return IMAGE_TAG.sub(set_tag, text)
