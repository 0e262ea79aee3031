"""Which replica this is: the one of its data folder, and the only process in it."""

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from ulid import ULID


class FolderInUse(Exception):
    """Another process works in this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another tiphys: end that one, or give this one its own TIPHYS_DATA")
        self.folder = folder


class Replica:
    """The name of the process that runs in `folder`; whoever runs there next has it again.

    So a process that is started anew knows what its former self was at, and need not wait for its leases to end. The
    machine's name is part of it: a folder that was copied to another machine is another replica.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self.name = ""

    def __enter__(self) -> Self:
        """Raises `FolderInUse`. The operating-system lock goes with the process, however that ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "replica", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise FolderInUse(self._folder) from None
        self._descriptor = descriptor
        written = os.read(descriptor, 64).decode("ascii", "replace").strip()
        if not written:
            written = str(ULID())
            os.write(descriptor, written.encode())
        self.name = f"{socket.gethostname()[:48]}/{written[:26]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
