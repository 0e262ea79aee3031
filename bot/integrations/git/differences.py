"""What differs between two trees, as paths or text, and what merging two commits would give."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.identity import Revision, is_revision
from bot.integrations.git.commands import GitCommands
from bot.integrations.git.failures import SYSTEM, Misses
from bot.integrations.git.objects import Objects
from bot.ports import MergeConflict, Unavailable

_DIFFED_FILES = 100
_FETCHES_PER_MERGE = 50
_NO_OBJECT = "0" * 40
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Changed:
    """One file that differs. `blobs` are its old and new content, where there is one."""

    path: bytes
    blobs: tuple[str, ...]


async def changed_files(commands: GitCommands, old: str, new: str, paths: Sequence[bytes] = ()) -> list[Changed]:
    """The files that differ between two trees or commits that are here."""
    ended = await commands.local("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", old, new, "--", *paths)
    fields = ended.out.split(b"\0")
    return [_changed(head, path) for head, path in zip(fields[::2], fields[1::2], strict=False)]


async def diff_text(
    objects: Objects, commands: GitCommands, changed: Sequence[Changed], old: str, new: str, limit: int
) -> str:
    """The textual difference of these files, cut at a line end below `limit` characters."""
    if not changed:
        return ""
    shown = changed[:_DIFFED_FILES]
    await objects.ensure_files([blob for one in shown for blob in one.blobs])
    ended = await commands.partial(
        "diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-commit-id",
        await objects.tree_id(old), await objects.tree_id(new), "--", *(one.path for one in shown),
        out_limit=limit * 4,
    )  # fmt: skip
    text = ended.out.decode("utf-8", "replace")
    if len(text) <= limit and not ended.cut and len(shown) == len(changed):
        return text
    last = f"… cut here; {len(changed)} files differ\n"
    kept = text[: max(limit - len(last), 0)]
    return kept[: kept.rfind("\n") + 1] + last


async def merge_trees(objects: Objects, commands: GitCommands, ours: Revision, theirs: Revision) -> str | MergeConflict:
    """The tree of merging two commits that are here. Files that git must look into are fetched, together if it can be
    foreseen which."""
    for attempt in range(_FETCHES_PER_MERGE):
        try:
            return await _merge(commands, ours, theirs)
        except Misses as misses:
            foreseen = await _changed_on_both_sides(commands, ours, theirs) if attempt == 0 else []
            await objects.ensure_files([misses.object_id, *foreseen])
    raise Unavailable(SYSTEM, "git merge-tree needs too many files")


async def _merge(commands: GitCommands, ours: Revision, theirs: Revision) -> str | MergeConflict:
    ended = await commands.partial(
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs, ok=(0, 1)
    )
    tree, *paths = ended.out.decode("utf-8", "surrogateescape").split("\0")
    if not is_revision(tree):  # git 2.39 ends with 1 and prints nothing where it cannot read what to merge
        commands.raise_if_damaged(ended)
        raise Unavailable(SYSTEM, f"git merge-tree failed: {commands.said(ended)}")
    if ended.code == 0:
        return tree
    return MergeConflict(paths=tuple(dict.fromkeys(path for path in paths if path)))


async def _changed_on_both_sides(commands: GitCommands, ours: Revision, theirs: Revision) -> list[str]:
    """The contents of every file that both sides changed: git merges those line by line."""
    ended = await commands.local("merge-base", ours, theirs, ok=(0, 1))
    base = ended.out.decode().strip()
    if not base:
        return []
    one = {change.path: change.blobs for change in await changed_files(commands, base, ours)}
    other = {change.path: change.blobs for change in await changed_files(commands, base, theirs)}
    return [blob for path in one.keys() & other.keys() for blob in (*one[path], *other[path])]


def _changed(head: bytes, path: bytes) -> Changed:
    old_mode, new_mode, old, new, *_ = head.decode("ascii").lstrip(":").split(" ")
    blobs = [blob for mode, blob in ((old_mode, old), (new_mode, new)) if mode != _SUBMODULE and blob != _NO_OBJECT]
    return Changed(path, tuple(blobs))
