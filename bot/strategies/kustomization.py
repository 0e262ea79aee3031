"""Kustomize directories in a Git tree: which file is the kustomization, and what all of it reads."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.ports import Git, Unsupported
from bot.strategies.kustomize_fields import NotUnderstood, check_plugin, named_by
from bot.strategies.yaml_nodes import YamlRefused, read_document

OVERRIDES = ".argocd-source"
"""`.argocd-source.yaml` and `.argocd-source-<application>.yaml` in an Application's folder: Argo CD's repo-server lays
what they say over `spec.source`, components and plugins too."""
FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_DIRECTORY_LIMIT = 500
_LINK, _SUBMODULE = "120000", "160000"

_REMOTE = re.compile(
    r"^[a-zA-Z][a-zA-Z0-9+.-]*::?//|^[a-z]+::|^[^/]*@[^/]*:|^[^/]+:|^github\.com[/:]|[?&](ref|version)=|//"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPaths:
    """Everything that a Kustomize directory reads. Directories count whole; files are those outside of them.

    `widened` says why more than this may be read: then only the whole tree is a safe answer.
    """

    directories: tuple[str, ...]
    files: tuple[str, ...]
    widened: str | None = None


class AmbiguousKustomization(Exception):
    """A directory holds more than one kustomization file, which Kustomize refuses."""

    def __init__(self, directory: str, names: tuple[str, ...]) -> None:
        super().__init__(f"{directory or 'the root'} holds {' and '.join(names)}: Kustomize takes only one")
        self.directory, self.names = directory, names


async def kustomization_file(git: Git, treeish: str, directory: str) -> str | None:
    """The path of the directory's kustomization, None without one. Raises `AmbiguousKustomization`."""
    entries = await git.list_entries(treeish, directory)
    names = tuple(entry.name for entry in entries if entry.name in FILE_NAMES and entry.type == "blob")
    if len(names) > 1:
        raise AmbiguousKustomization(directory, names)
    return _join(directory, names[0]) if names else None


async def paths_of_key(git: Git, treeish: str, directory: str) -> tuple[Mapping[str, str], str | None]:
    """What a content key holds of a tree: path → object id (`"-"` when absent), or the whole tree and why."""
    read = await read_paths(git, treeish, directory)
    if read.widened is not None:
        root = await git.find_entry(treeish, "")
        return {"": root.id if root else "-"}, read.widened
    paths = [*read.directories, *read.files]
    entries = await asyncio.gather(*(git.find_entry(treeish, path) for path in paths))
    return {path: entry.id if entry else "-" for path, entry in zip(paths, entries, strict=True)}, None


async def read_paths(git: Git, treeish: str, directory: str) -> ReadPaths:
    """Follow a Kustomize directory through everything local that it names, directory after directory."""
    walk = _Walk(git, treeish)
    await walk.follow(directory.strip("/"))
    return walk.result()


class _Walk:
    def __init__(self, git: Git, treeish: str) -> None:
        self._git, self._treeish, self._application = git, treeish, ""
        self._directories: set[str] = set()
        self._files: set[str] = set()
        self._widened: list[str] = []

    async def follow(self, directory: str) -> None:
        self._application = directory
        level = {directory}
        while level and not self._widened:
            self._directories |= level
            if len(self._directories) > _DIRECTORY_LIMIT:
                self._widened.append(f"it reaches more than {_DIRECTORY_LIMIT} directories")
                return
            found = await asyncio.gather(*(self._enter(path) for path in sorted(level)))
            level = set().union(*found) - self._directories

    def result(self) -> ReadPaths:
        top = {path for path in self._directories if not self._is_covered(path)}
        files = {path for path in self._files if not self._is_covered(path)}
        return ReadPaths(
            directories=tuple(sorted(top)),
            files=tuple(sorted(files)),
            widened=min(self._widened) if self._widened else None,
        )

    def _is_covered(self, path: str) -> bool:
        """Whether a directory above is read as a whole."""
        parts = path.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))} | ({""} if path else set())
        return not above.isdisjoint(self._directories)

    async def _enter(self, directory: str) -> set[str]:
        """Read one directory's kustomization; answers the directories that it names."""
        try:
            return await self._read(directory)
        except NotUnderstood as unclear:
            self._widened.append(f"{directory or 'the root'}: {unclear}")
        except YamlRefused as refused:
            self._widened.append(f"{directory or 'the root'}: its kustomization cannot be read: {refused.reason}")
        except AmbiguousKustomization as ambiguous:
            self._widened.append(str(ambiguous))
        except Unsupported as unsupported:
            self._widened.append(f"{directory or 'the root'}: {unsupported.reason}")
        return set()

    async def _read(self, directory: str) -> set[str]:
        _, kind = await self._look("", directory)
        if kind is None:
            return set()
        if directory == self._application:  # Argo CD looks for them in no other folder
            for entry in await self._git.list_entries(self._treeish, directory):
                if entry.name.startswith(OVERRIDES):
                    raise NotUnderstood(f"its {entry.name[:100]} may make Argo CD read more")
        file = await kustomization_file(self._git, self._treeish, directory)
        if file is None:
            raise NotUnderstood("it has no kustomization")
        data = await self._git.read_file(self._treeish, file)
        if data is None:
            raise NotUnderstood("its kustomization is a symbolic link")
        named = named_by(read_document(data).root)
        directories: set[str] = set()
        for path in named.either:
            found, kind = await self._look(directory, path)
            if kind is None and _REMOTE.search(path):
                raise NotUnderstood(f"it reads the remote {path[:200]}")
            (directories if kind == "tree" else self._files).add(found)
        for path in (*named.files, *named.plugins):
            found, _ = await self._look(directory, path)
            self._files.add(found)
        for path in named.plugins:
            await self._check_plugin(directory, path)
        return directories

    async def _check_plugin(self, directory: str, path: str) -> None:
        file, kind = await self._look(directory, path)
        if kind == "tree":
            raise NotUnderstood(f"the plugins in {path} may read more")
        data = await self._git.read_file(self._treeish, file)
        if data is not None:
            check_plugin(data, path)

    async def _look(self, directory: str, path: str) -> tuple[str, str | None]:
        """Where a path written in a directory leads, and what is there: `blob`, `tree` or None."""
        if not path and directory:
            raise NotUnderstood("it names an empty path")
        if "://" in path:
            raise NotUnderstood(f"it reads the remote {path[:200]}")
        if path.startswith("/"):
            raise NotUnderstood(f"{path[:200]} is an absolute path")
        parts = directory.split("/") if directory else []
        kind: str | None = "tree"
        for step in path.split("/"):
            if step in ("", "."):
                continue
            if step == "..":
                if not parts:
                    raise NotUnderstood(f"{path[:200]} leads out of the repository")
                parts.pop()
                kind = "tree"
                continue
            parts.append(step)
            entry = await self._git.find_entry(self._treeish, "/".join(parts))
            kind = entry.type if entry else None
            if entry is not None and entry.mode in (_LINK, _SUBMODULE):
                what = "a symbolic link" if entry.mode == _LINK else "a submodule"
                raise NotUnderstood(f"{'/'.join(parts)} is {what}")
        return "/".join(parts), kind


def _join(directory: str, name: str) -> str:
    return f"{directory.strip('/')}/{name}" if directory.strip("/") else name
