"""Random histories of two branches, and what git itself makes of merging them in a work tree."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.integrations.git.forge import ENVIRONMENT, GitServer

NAME = "example/apm"
MAIN, STAGING = "main", "staging"
PATHS = (b"text", b"d/text", b"d/crlf", b"odd\xff/\xe9", b"big.bin", b"e/f/g")
ATTRIBUTES = (b".gitattributes", b"d/.gitattributes")
RULES = (b"text merge=union\n", b"* -merge\n", b"*.bin binary\n", b"crlf merge=union\n")
ENDS = {b"d/crlf": b"\r\n", b"odd\xff/\xe9": b"\xff\n"}

Tree = dict[bytes, tuple[str, bytes]]
"""Mode and content by path."""


@dataclass(frozen=True)
class Edit:
    """One change to one path. `number` chooses the line, the new name, or the rule."""

    kind: str
    path: bytes
    number: int


@dataclass(frozen=True)
class Work:
    """A commit on a branch."""

    branch: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Crossing:
    """One branch is merged into the other; where that conflicts, the merger keeps what his branch has."""

    into: str


EDITS = st.one_of(
    st.builds(Edit, st.sampled_from(["line", "line", "line", "rename", "rename", "delete", "write", "mode", "link"]),
              st.sampled_from(PATHS), st.integers(0, 11)),
    st.builds(Edit, st.just("rule"), st.sampled_from(ATTRIBUTES), st.integers(0, len(RULES) - 1)),
)  # fmt: skip
BRANCHES = st.sampled_from([MAIN, STAGING])
STEPS = st.one_of(
    st.builds(Work, BRANCHES, st.lists(EDITS, min_size=1, max_size=4).map(tuple)),
    st.builds(Work, BRANCHES, st.lists(EDITS, min_size=1, max_size=4).map(tuple)),
    st.builds(Work, BRANCHES, st.lists(EDITS, min_size=1, max_size=4).map(tuple)),
    st.builds(Crossing, BRANCHES),
)
HISTORIES = st.lists(STEPS, min_size=2, max_size=8)


def first_tree() -> Tree:
    return {
        path: ("100644", b"".join(b"%d %s" % (n, path[-4:]) + ENDS.get(path, b"\n") for n in range(12)))
        for path in PATHS
    }


def edited(tree: Tree, edit: Edit, salt: bytes) -> Tree:
    """The tree after an edit; one that has nothing to change changes nothing."""
    tree = dict(tree)
    match edit.kind:
        case "rule":
            tree[edit.path] = ("100644", RULES[edit.number])
        case "write":
            tree[edit.path] = ("100644", b"all %s\n\0" % salt)
        case _ if edit.path not in tree:
            return tree
        case "line":
            mode, data = tree[edit.path]
            lines = data.splitlines(keepends=True)
            lines[edit.number % len(lines)] = salt + ENDS.get(edit.path, b"\n")
            tree[edit.path] = (mode if mode != "120000" else "100644", b"".join(lines))
        case "rename":
            tree[b"%s-%d" % (edit.path, edit.number % 2)] = tree.pop(edit.path)
        case "delete":
            del tree[edit.path]
        case "mode":
            tree[edit.path] = ("100755", tree[edit.path][1].replace(b"\0", b""))
        case "link":
            tree[edit.path] = ("120000", b"text-%d" % edit.number)
    return tree


def build(server: GitServer, history: Sequence[Work | Crossing], salt: str) -> None:
    """Make the history on the branches main and staging of the served repository, in place of what they had."""
    for branch in (MAIN, STAGING):
        server.git(NAME, "update-ref", "-d", f"refs/heads/{branch}")
    _import(server, MAIN, first_tree())
    server.git(NAME, "update-ref", f"refs/heads/{STAGING}", f"refs/heads/{MAIN}")
    trees = dict.fromkeys((MAIN, STAGING), first_tree())
    for number, step in enumerate(history):
        match step:
            case Work(branch, edits):
                for edit in edits:
                    trees[branch] = edited(trees[branch], edit, f"{salt}.{number}".encode())
                _import(server, branch, trees[branch])
            case Crossing(into):
                _cross(server, into, STAGING if into == MAIN else MAIN)
                trees[into] = tree_of(server, into)


def tree_of(server: GitServer, treeish: str) -> Tree:
    """Every file of a commit or tree."""
    folder = server.root / f"{NAME}.git"
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", treeish], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True
    ).stdout.split(b"\0")
    entries = [(head.decode().split(" "), path) for head, _, path in (line.partition(b"\t") for line in listed if line)]
    asked = "".join(f"{blob}\n" for (_, _, blob), _ in entries).encode()
    out = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, input=asked
    ).stdout
    found: Tree = {}
    for (mode, _, _), path in entries:
        head, _, out = out.partition(b"\n")
        size = int(head.split(b" ")[2])
        found[path], out = (mode, out[:size]), out[size + 1 :]
    return found


class WorkTree:
    """A clone with files, in which a person merges."""

    def __init__(self, folder: Path, server: GitServer) -> None:
        self._folder = folder
        folder.mkdir()
        self._git("init", "--quiet", ".")
        self._git("remote", "add", "origin", str(server.root / f"{NAME}.git"))

    def merge(self) -> str | set[bytes]:
        """The tree of merging staging into main, or the paths in conflict (without the ends that git makes up)."""
        self._git("fetch", "--quiet", "--prune", "origin", "+refs/heads/*:refs/remotes/origin/*")
        self._git("checkout", "--quiet", "--force", "--detach", f"origin/{MAIN}")
        self._git("clean", "--quiet", "-ffdx")
        merged = subprocess.run(
            ["git", "merge", "--quiet", "--no-ff", "-m", "by hand", f"origin/{STAGING}"],
            cwd=self._folder, env=ENVIRONMENT, capture_output=True, check=False,
        )  # fmt: skip
        if merged.returncode == 0:
            return self._git("rev-parse", "HEAD^{tree}").decode().strip()
        unmerged = self._git("ls-files", "--unmerged", "-z").split(b"\0")
        self._git("reset", "--quiet", "--hard")
        assert any(unmerged), merged.stderr
        return {stripped(line.partition(b"\t")[2]) for line in unmerged if line}

    def _git(self, *arguments: str) -> bytes:
        done = subprocess.run(["git", *arguments], cwd=self._folder, env=ENVIRONMENT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def stripped(path: bytes) -> bytes:
    """A path without `~HEAD` or `~<commit>`, which git appends where a file and a directory want one name."""
    return path.partition(b"~")[0]


def _cross(server: GitServer, into: str, other: str) -> None:
    """Merge as somebody would who resolves every conflict for his own side."""
    folder = server.root / f"{NAME}.git"
    merged = subprocess.run(
        ["git", "merge-tree", "--write-tree", "--no-messages", into, other], cwd=folder, env=ENVIRONMENT,
        capture_output=True, check=False,
    )  # fmt: skip
    tree = merged.stdout.split(b"\n")[0].decode() if merged.returncode == 0 else f"{into}^{{tree}}"
    commit = server.git(NAME, "commit-tree", tree, "-p", into, "-p", other, "-m", "crossing")
    server.git(NAME, "update-ref", f"refs/heads/{into}", commit)


def _import(server: GitServer, branch: str, tree: Tree) -> None:
    """A commit with this whole tree on a branch."""
    tip = server.tip(NAME, branch)
    parts = [f"commit refs/heads/{branch}\ncommitter dev <dev@example.com> 1700000000 +0000\ndata 4\nwork\n".encode()]
    parts += [f"from {tip}\n".encode()] if tip else []
    parts.append(b"deleteall\n")
    for path, (mode, data) in sorted(tree.items()):
        quoted = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        parts.append(b'M %s inline "%s"\ndata %d\n%s\n' % (mode.encode(), quoted, len(data), data))
    server.git(NAME, "fast-import", "--quiet", "--force", stdin=b"".join(parts))
