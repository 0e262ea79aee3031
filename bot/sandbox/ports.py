"""The world's ports: free ones at first, the same ones when it is started again."""

import json
import random
import socket
from pathlib import Path

RESERVED = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections and to whoever asks for any free one."""
_claims: list[socket.socket] = []
"""Of this process, until its end: a UDP socket on each port that it has reserved. Another sandbox cannot have that one
too, and so keeps off while nothing listens on the port yet."""


class Ports:
    """Remembers in `ports.json` which port each name had, so that links in old messages go on working."""

    def __init__(self, home: Path) -> None:
        self._file = home / "ports.json"
        self._known: dict[str, int] = json.loads(self._file.read_text()) if self._file.is_file() else {}

    def listen(self, name: str, *, wanted: int = 0) -> socket.socket:
        """A listening socket on 127.0.0.1: on the wanted port, else the one of last time, else a free one."""
        if wanted:
            return _bind(wanted)
        try:
            bound = _bind(self._known.get(name, 0))
        except OSError:
            bound = _bind(0)
        self.keep(name, bound.getsockname()[1])
        return bound

    def reserve(self, name: str) -> int:
        """A port for a process of its own, which binds it later: free now, reserved by no other sandbox, and none that
        the system hands out."""
        known = self._known.get(name)
        if known is not None and _is_free(known):
            _claim(known)  # or it is this home's already
            return known
        for port in random.sample(RESERVED, 50):
            if _claim(port) and _is_free(port):
                self.keep(name, port)
                return port
        raise OSError(f"no port is free among fifty between {RESERVED.start} and {RESERVED.stop}")

    def keep(self, name: str, port: int) -> None:
        self._known[name] = port
        self._file.write_text(json.dumps(self._known, indent=1, sort_keys=True))

    def find(self, name: str) -> int | None:
        return self._known.get(name)


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _is_free(port: int) -> bool:
    try:
        _bind(port).close()
    except OSError:
        return False
    return True


def _claim(port: int) -> bool:
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
