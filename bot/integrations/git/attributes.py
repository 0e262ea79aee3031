"""The `.gitattributes` that hold for a merge: git looks for them in a work tree only, so they are laid out as in one.

Without them git would merge line by line also what is `binary` or `-merge`: encrypted files, locks, generated ones.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bot.integrations.git.failures import SYSTEM
from bot.integrations.git.objects import Objects
from bot.ports import Unsupported

_NAME = ".gitattributes"


async def attributes_at(objects: Objects, treeish: str, paths: Iterable[bytes]) -> dict[str, bytes]:
    """The attribute files of a tree that say something about these paths."""
    folders = {parent for path in paths for parent in PurePosixPath(path.decode("utf-8", "surrogateescape")).parents}
    names = sorted(str(folder / _NAME) for folder in folders)
    found = await asyncio.gather(*(objects.find_file(treeish, name) for name in names))
    return {name: data for name, data in zip(names, found, strict=True) if data is not None}


@contextmanager
def laid_out(files: Mapping[str, bytes]) -> Iterator[str]:
    """A folder that holds nothing but these files, for as long as the block lasts.

    Raises `Unsupported` for paths that no work tree could hold.
    """
    with tempfile.TemporaryDirectory(prefix="tiphys-merge-") as folder:
        for name, data in files.items():
            file = Path(folder) / os.fsdecode(name.encode("utf-8", "surrogateescape"))
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            except OSError as error:
                raise Unsupported(SYSTEM, "git-attributes", f"{name[:100]!r}: {error.strerror}") from error
        yield folder
