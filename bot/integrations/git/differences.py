"""What differs between two trees, as paths or text."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.objects import Objects

_DIFFED_FILES = 100
_NO_OBJECT = "0" * 40
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Changed:
    """One file or submodule that differs. `old` and `new` are the blobs, None where it is absent or a submodule."""

    path: bytes
    old: str | None
    new: str | None
    is_submodule: bool  # on either side

    @property
    def blobs(self) -> tuple[str, ...]:
        return tuple(blob for blob in (self.old, self.new) if blob is not None)


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


def _changed(head: bytes, path: bytes) -> Changed:
    old_mode, new_mode, old, new, *_ = head.decode("ascii").lstrip(":").split(" ")
    return Changed(path, _blob(old_mode, old), _blob(new_mode, new), _SUBMODULE in (old_mode, new_mode))


def _blob(mode: str, object_id: str) -> str | None:
    return None if mode == _SUBMODULE or object_id == _NO_OBJECT else object_id
