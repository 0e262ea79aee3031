"""What merging two commits would give: a tree, or the files in conflict and how each side calls them."""

from collections.abc import Sequence
from contextlib import nullcontext

from bot.domain.identity import Revision, is_revision
from bot.integrations.git.attributes import attributes_at, laid_out
from bot.integrations.git.commands import GitCommands
from bot.integrations.git.differences import Changed, changed_files
from bot.integrations.git.failures import SYSTEM, Misses
from bot.integrations.git.objects import Objects
from bot.ports import ConflictedFile, MergeConflict, Unavailable, Unsupported

_FETCHES_PER_MERGE = 50
_OURS, _THEIRS = "2", "3"
_UNRELATED = "refusing to merge unrelated histories"


async def merge_trees(
    objects: Objects, commands: GitCommands, ours: Revision, theirs: Revision, *, attributes: bool = False
) -> str | MergeConflict:
    """The tree of merging two commits that are here; with `attributes` as in a work tree of `ours`.

    Files that git must look into are fetched, together if it can be foreseen which. Raises `Unsupported` for histories
    that have nothing in common.
    """
    found: dict[str, bytes] = {}
    if attributes:
        one, other = await _sides(commands, ours, theirs)
        found = await attributes_at(objects, ours, {change.path for change in (*one, *other)})
    with laid_out(found) if found else nullcontext() as folder:
        for attempt in range(_FETCHES_PER_MERGE):
            try:
                return await _merge(commands, ours, theirs, folder)
            except Misses as misses:
                foreseen = await _foreseen(commands, ours, theirs, attempt)
                await objects.ensure_files([misses.object_id, *foreseen])
    raise Unavailable(SYSTEM, "git merge-tree needs too many files")


async def _merge(commands: GitCommands, ours: Revision, theirs: Revision, folder: str | None) -> str | MergeConflict:
    there = ("-C", folder, "-c", "core.bare=false") if folder else ()
    ended = await commands.partial(
        *there, "merge-tree", "--write-tree", "-z", "--no-messages", ours, theirs, ok=(0, 1, 128)
    )
    tree, *entries = ended.out.decode("utf-8", "surrogateescape").split("\0")
    if _UNRELATED in ended.err:
        raise Unsupported(
            SYSTEM, "git-unrelated-histories", f"{ours[:7]} and {theirs[:7]} have no commit in common",
            way_out="merge one branch into the other once by hand, with `--allow-unrelated-histories`",
        )  # fmt: skip
    if not is_revision(tree):  # git 2.39 ends with 1 and prints nothing where it cannot read what to merge
        commands.raise_if_damaged(ended)
        raise Unavailable(SYSTEM, f"git merge-tree failed: {commands.said(ended)}")
    if ended.code == 0:
        return tree
    return await _conflict(commands, ours, theirs, [entry for entry in entries if entry])


async def _conflict(commands: GitCommands, ours: Revision, theirs: Revision, entries: Sequence[str]) -> MergeConflict:
    """Entries are `<mode> <object> <stage>\t<path>`. Where one side has renamed a file, all of its stages stand at the
    new path: the other side knows it by the path at which it has that very blob."""
    stages: dict[str, dict[str, str]] = {}
    for entry in entries:
        head, _, path = entry.partition("\t")
        _, blob, stage = head.split(" ")
        stages.setdefault(path, {})[stage] = blob
    one, other = await _sides(commands, ours, theirs)
    return MergeConflict(
        files=tuple(
            ConflictedFile(
                path=path, ours=_name_of(blobs.get(_OURS), path, one), theirs=_name_of(blobs.get(_THEIRS), path, other)
            )
            for path, blobs in stages.items()
        )
    )


def _name_of(blob: str | None, path: str, side: Sequence[Changed]) -> str:
    """By which path a side has what stands at `path` in the merge."""
    names = [change.path.decode("utf-8", "surrogateescape") for change in side if blob and change.new == blob]
    return path if path in names or not names else names[0]


async def _foreseen(commands: GitCommands, ours: Revision, theirs: Revision, attempt: int) -> list[str]:
    """What git will want to read after the first blob that it missed: first the files that both sides changed, which it
    merges line by line; then all that came or went, which it compares to find renames."""
    if attempt > 1:
        return []
    one, other = await _sides(commands, ours, theirs)
    if attempt == 0:
        both = {change.path for change in one} & {change.path for change in other}
        return [blob for change in (*one, *other) if change.path in both for blob in change.blobs]
    return [blob for change in (*one, *other) if len(change.blobs) == 1 for blob in change.blobs]


async def _sides(commands: GitCommands, ours: Revision, theirs: Revision) -> tuple[list[Changed], list[Changed]]:
    """What each side changed since the commits that both come from: several where branches were merged crosswise."""
    ended = await commands.local("merge-base", "--all", ours, theirs, ok=(0, 1))
    one: list[Changed] = []
    other: list[Changed] = []
    for base in ended.out.decode().split():
        one += await changed_files(commands, base, ours)
        other += await changed_files(commands, base, theirs)
    return one, other
