"""Commits, trees and blobs of a mirror by their ids; what is missing is fetched once, what was read is remembered."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from bot.domain.identity import is_revision
from bot.integrations.git.cat_file import CatFile, RawObject
from bot.integrations.git.failures import SYSTEM, Corrupt
from bot.integrations.git.history import parse_commit
from bot.integrations.git.wanted import Wanted
from bot.ports import Commit, NotFound, TreeEntry, Unsupported

FILE_LIMIT = 1024 * 1024
_OBJECT_LIMIT = 64 * 1024 * 1024
_REMEMBERED_ENTRIES = 200_000
_REMEMBERED_COMMITS = 5_000
REGULAR = ("100644", "100755", "100664")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

Tree = Mapping[str, TreeEntry]


class Objects:
    """Reads objects. Ids name contents, so what was read once holds for ever."""

    def __init__(self, cat_file: CatFile, history: Wanted, files: Wanted) -> None:
        self._cat_file, self._history, self._files = cat_file, history, files
        self._trees: OrderedDict[str, Tree] = OrderedDict()
        self._remembered = 0
        self._commits: OrderedDict[str, Commit] = OrderedDict()

    async def find_ref(self, ref: str) -> str | None:
        """The commit id that a full ref name stands at, None when there is no such ref."""
        (found,) = await self._cat_file.read([ref])
        return found.id if found else None

    async def commit(self, revision: str) -> Commit:
        """Raises `NotFound` when it is neither here nor, after one fetch, there."""
        if known := self._commits.get(revision):
            return known
        found = await self._get(revision)
        if found.type != "commit":
            raise _no_such(revision, "is not a commit")
        return self._remember_commit(found)

    async def tree_id(self, treeish: str) -> str:
        """The root tree of a commit or tree id."""
        if treeish in self._trees or treeish == EMPTY_TREE:
            return treeish
        if known := self._commits.get(treeish):
            return known.tree
        found = await self._get(treeish)
        if found.type == "commit":
            return self._remember_commit(found).tree
        if found.type != "tree":
            raise _no_such(treeish, f"is a {found.type}, not a commit or tree")
        self._remember_tree(found)
        return treeish

    async def tree(self, tree_id: str) -> Tree:
        """The entries of a tree by name, in Git's order."""
        if (known := self._trees.get(tree_id)) is not None:
            self._trees.move_to_end(tree_id)
            return known
        if tree_id == EMPTY_TREE:
            return {}
        found = await self._get(tree_id)
        if found.type != "tree":
            raise _no_such(tree_id, f"is a {found.type}, not a tree")
        return self._remember_tree(found)

    async def find_entry(self, treeish: str, path: str) -> TreeEntry | None:
        root = await self.tree_id(treeish)
        entry: TreeEntry | None = TreeEntry(mode="040000", type="tree", id=root, name="")
        for name in path.split("/") if path else ():
            if entry is None or entry.type != "tree":
                return None
            entry = (await self.tree(entry.id)).get(name)
        return entry

    async def find_file(self, treeish: str, path: str) -> bytes | None:
        """The bytes of the regular file at `path`, None when there is none.

        Raises `Unsupported` when there are too many.
        """
        self._files.enter()
        try:
            entry = await self.find_entry(treeish, path)
            if entry is None or entry.mode not in REGULAR:
                return None
            found = await self._find(entry.id, self._files, limit=FILE_LIMIT)
        finally:
            self._files.leave()
        if found is None:
            raise _no_such(entry.id, "is not in the repository")
        if found.data is None:
            raise Unsupported(SYSTEM, "git-file-too-large", f"{path} has {found.size} bytes, more than we read")
        return found.data

    async def ensure_files(self, ids: Sequence[str]) -> None:
        """Have these blobs here, fetching what is missing by one command."""
        self._files.enter()
        try:
            found = await self._cat_file.read(ids, limit=0)
            if missing := [oid for oid, known in zip(ids, found, strict=True) if known is None]:
                await self._files.fetch(*missing)
        finally:
            self._files.leave()

    async def forget(self) -> None:
        """Read anew from the folder as it is now."""
        await self._cat_file.restart()

    async def _get(self, object_id: str) -> RawObject:
        """A commit or tree."""
        if not is_revision(object_id):
            raise _no_such(object_id, "is not a full object id")
        self._history.enter()
        try:
            found = await self._find(object_id, self._history, limit=_OBJECT_LIMIT)
        finally:
            self._history.leave()
        if found is None:
            raise _no_such(object_id, "is not in the repository")
        if found.data is None:
            raise Unsupported(SYSTEM, "git-object-too-large", f"object {object_id} has {found.size} bytes")
        return found

    async def _find(self, object_id: str, wanted: Wanted, *, limit: int) -> RawObject | None:
        (found,) = await self._cat_file.read([object_id], limit=limit)
        if found is None:
            await wanted.fetch(object_id)
            (found,) = await self._cat_file.read([object_id], limit=limit)
        return found

    def _remember_commit(self, found: RawObject) -> Commit:
        commit = parse_commit(found.id, found.data or b"")
        if not is_revision(commit.tree):
            raise Corrupt(f"commit {found.id} has no tree")
        self._commits[found.id] = commit
        while len(self._commits) > _REMEMBERED_COMMITS:
            self._commits.popitem(last=False)
        return commit

    def _remember_tree(self, found: RawObject) -> Tree:
        tree = parse_tree(found.data or b"")
        self._trees[found.id] = tree
        self._remembered += len(tree)
        while self._remembered > _REMEMBERED_ENTRIES and len(self._trees) > 1:
            self._remembered -= len(self._trees.popitem(last=False)[1])
        return tree


def parse_tree(data: bytes) -> Tree:
    """Read a raw tree object. Names that are not UTF-8 keep their bytes as surrogate escapes."""
    entries: dict[str, TreeEntry] = {}
    position, end = 0, len(data)
    while position < end:
        space = data.index(b" ", position)
        zero = data.index(b"\0", space)
        mode = data[position:space].decode("ascii").zfill(6)
        name = data[space + 1 : zero].decode("utf-8", "surrogateescape")
        position = zero + 21
        kind = "tree" if mode == "040000" else "commit" if mode == "160000" else "blob"
        entries[name] = TreeEntry(mode=mode, type=kind, id=data[zero + 1 : position].hex(), name=name)
    return entries


def _no_such(object_id: str, why: str) -> NotFound:
    return NotFound(SYSTEM, "git-revision-not-found", f"{object_id[:60]!r} {why}")
