"""Trees with some files replaced: only the directories on the way are made anew, whatever the repository's size."""

import hashlib
from collections.abc import Mapping

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.failures import SYSTEM, Corrupt
from bot.integrations.git.objects import EMPTY_TREE, REGULAR, Objects, Tree
from bot.ports import Refused, TreeEntry, Unsupported

_NEW_FILE = "100644"


async def blob_id_of(commands: GitCommands, data: bytes) -> str:
    """Store a blob."""
    return (await commands.local("hash-object", "-w", "--stdin", stdin=data)).out.decode().strip()


def known_blob_id(data: bytes) -> str:
    return _object_id(b"blob", data)


async def tree_with_files(objects: Objects, commands: GitCommands, root: str, files: Mapping[str, str]) -> str:
    """The id of `root` with these paths standing at these blob ids; modes stay, new files are plain ones.

    Raises `Unsupported` where a path leads through or to anything but directories and regular files.
    """
    changed: dict[str, dict[str, TreeEntry]] = {}
    for path, blob in files.items():
        *directories, name = checked_path(path).split("/")
        await _open(objects, root, directories, changed)
        directory = changed["/".join(directories)]
        old = directory.get(name)
        if old is not None and old.mode not in REGULAR:
            raise Unsupported(SYSTEM, "git-not-a-file", f"{path} is not a regular file")
        directory[name] = TreeEntry(mode=old.mode if old else _NEW_FILE, type="blob", id=blob, name=name)
    if not changed:
        return root
    written: list[tuple[str, bytes]] = []
    for path in sorted(changed, key=lambda path: (-_depth(path), path)):
        entries = _in_order(changed[path])
        tree_id = _object_id(b"tree", b"".join(_raw(entry) for entry in entries))
        written.append((tree_id, b"".join(_line(entry) for entry in entries)))
        if path:
            parent, _, name = path.rpartition("/")
            changed[parent][name] = TreeEntry(mode="040000", type="tree", id=tree_id, name=name)
    ended = await commands.local(
        "mktree", "-z", "--batch", "--missing", stdin=b"".join(lines + b"\0" for _, lines in written)
    )
    if ended.out.decode().split() != [tree_id for tree_id, _ in written]:
        raise Corrupt("git mktree wrote other trees than were asked for")
    return written[-1][0]


def checked_path(path: str) -> str:
    """`path` if it names a file inside a repository. Raises `Refused`."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise Refused(SYSTEM, "git-bad-path", f"{path!r} is not a path inside the repository")
    return path


async def _open(objects: Objects, root: str, directories: list[str], changed: dict[str, dict[str, TreeEntry]]) -> None:
    """Load the directories on the way into `changed`."""
    if "" not in changed:
        changed[""] = dict(await objects.tree(root))
    for depth, name in enumerate(directories):
        here, there = "/".join(directories[:depth]), "/".join(directories[: depth + 1])
        if there in changed:
            continue
        entry = changed[here].get(name)
        if entry is not None and entry.type != "tree":
            raise Unsupported(SYSTEM, "git-not-a-directory", f"{there} is not a directory")
        tree: Tree = await objects.tree(entry.id) if entry else {}
        changed[there] = dict(tree)
        changed[here][name] = entry or TreeEntry(mode="040000", type="tree", id=EMPTY_TREE, name=name)


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0


def _in_order(entries: Mapping[str, TreeEntry]) -> list[TreeEntry]:
    """Git orders a directory as if its name ended with a slash."""
    return sorted(entries.values(), key=lambda e: _name(e) + (b"/" if e.type == "tree" else b""))


def _raw(entry: TreeEntry) -> bytes:
    return entry.mode.lstrip("0").encode() + b" " + _name(entry) + b"\0" + bytes.fromhex(entry.id)


def _line(entry: TreeEntry) -> bytes:
    return f"{entry.mode} {entry.type} {entry.id}\t".encode() + _name(entry) + b"\0"


def _name(entry: TreeEntry) -> bytes:
    return entry.name.encode("utf-8", "surrogateescape")


def _object_id(kind: bytes, body: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
