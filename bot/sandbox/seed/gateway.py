"""Makes `example/gateway`: a branch for each environment, merged one into the next. Same files, same commit ids."""

import re
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.stream import commit, fork

GATEWAY = "example/gateway"
BRANCHES = {"development": "develop", "staging": "staging", "production": "main"}
TREE = Path(__file__).parent / "gateway"
TAG = re.compile(r"(newTag: )\S+")


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: work on `develop` that sets a version or brings a file, or a merge of one branch into the next."""

    author: str
    message: str
    branch: str = "develop"
    merges: str = ""
    version: str = ""
    brings: str = ""


def _promotion(author: str, source: str, target: str) -> Step:
    return Step(author, f"Merge branch '{source}' into {target}", branch=target, merges=source)


HISTORY = (
    Step("developer", "Deploy the gateway with Kustomize", version="1.7.0"),
    Step("developer-2", "docs: Say which branch runs where", brings="README.md"),
    _promotion("developer", "develop", "staging"),
    _promotion("developer-2", "staging", "main"),
    Step("developer", "Limit requests by client", brings="limits.yaml"),
    Step("developer-2", "gateway 1.8.0", version="1.8.0"),
    _promotion("developer", "develop", "staging"),
    Step("developer", "gateway 1.9.0-rc.1", version="1.9.0-rc.1"),
)


async def seed_gateway(repositories: Repositories) -> None:
    """Make the repository unless it is there already."""
    if await repositories.ensure(GATEWAY, _history_stream):
        for branch, tip in repositories.tips(GATEWAY).items():
            repositories.announce(GATEWAY, branch, tip)


def _history_stream() -> bytes:
    trees: dict[str, dict[str, bytes]] = {}
    parts = []
    final = {path.name: path.read_bytes() for path in TREE.iterdir()}
    later, version = {step.brings for step in HISTORY if step.brings}, ""
    for number, step in enumerate(HISTORY):
        if not step.merges:
            later, version = later - {step.brings}, step.version or version
        trees[step.branch] = trees[step.merges] if step.merges else _as_it_was(final, later, version)
        parts.append(commit(step.branch, number, step.author, step.message, trees[step.branch], merges=step.merges))
        if number == 0:
            parts += [fork(branch, step.branch) for branch in BRANCHES.values() if branch != step.branch]
    return b"".join(parts)


def _as_it_was(final: dict[str, bytes], later: set[str], version: str) -> dict[str, bytes]:
    """The tree before the files in `later` were written, with this version."""
    files = {path: content for path, content in final.items() if path not in later}
    lines = files["kustomization.yaml"].decode().splitlines(keepends=True)
    text = "".join(line for line in lines if line.strip().removeprefix("- ") not in later)
    return files | {"kustomization.yaml": TAG.sub(rf"\g<1>{version}", text).encode()}
