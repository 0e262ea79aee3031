"""A file that one process holds: an operating-system lock, which goes with the process however that ends."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class LockedFile:
    """`in_use` is raised where another process has it. Folder and file are made where they are missing."""

    def __init__(self, path: Path, in_use: Exception) -> None:
        self._path, self._in_use = path, in_use
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise self._in_use from None
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read_or_write(self, text: str) -> str:
        """What stands in the file that we hold; this, from now on, where nothing did."""
        if self._descriptor is None:
            raise RuntimeError(f"{self._path} is not held")
        written = os.pread(self._descriptor, 64, 0).decode("ascii", "replace").strip()
        if not written:
            os.pwrite(self._descriptor, text.encode("ascii"), 0)
        return written or text
