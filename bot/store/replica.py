"""Which replica this is: the one of its data folder, and the only process in it."""

import socket
from pathlib import Path
from typing import Self

from ulid import ULID

from bot.store.locked_file import LockedFile


class FolderInUse(Exception):
    """Another process works in this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another tiphys: end that one, or give this one its own TIPHYS_DATA")
        self.folder = folder


class Replica(LockedFile):
    """The name of the process that runs in `folder`; whoever runs there next has it again.

    So a process that is started anew knows what its former self was at, and need not wait for its leases to end. The
    machine's name is part of it: a folder that was copied to another machine is another replica.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "replica", FolderInUse(folder))
        self.name = ""

    def __enter__(self) -> Self:
        """Raises `FolderInUse`."""
        super().__enter__()
        self.name = f"{socket.gethostname()[:48]}/{self.read_or_write(str(ULID()))[:26]}"
        return self
