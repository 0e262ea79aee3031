"""Processes of the product that begin with everything imported: most of what a scenario's world costs is its start.

`python -m tests.nursery` imports the product once and runs one world, so that what a process remembers (the seeded
repositories' renderings) is there; then it forks a process for whoever asks. Each is as separate as one of
`python -m bot`: its own memory, environment, folder, standard streams, signals and end. That the real entry works is
shown by the tests that start it: `tests/scenarios/test_sandbox_command.py`, `tests/test_main.py`, `tests/test_cli.py`.
"""

import asyncio
import gc
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

HEADER = struct.Struct("!I")
STREAMS = 2
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Forked:
    """One process that the nursery forked, as its starter sees it; the same as `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._writer = writer
        self._end = asyncio.get_running_loop().create_task(self._follow(reader))

    def send_signal(self, signal: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal)

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    def abandon(self) -> None:
        """What the end of the one who asked for it does."""
        self._writer.close()

    async def _follow(self, reader: asyncio.StreamReader) -> int:
        code = await reader.readline()
        self._writer.close()
        self.returncode = int(code) if code else -signal.SIGKILL  # the nursery's end is everybody's
        return self.returncode


async def fork(
    nursery: str, *arguments: str, environment: Mapping[str, str], folder: Path, output: int, errors: int
) -> Forked:
    """`tiphys` with these arguments, without input. Whoever gave the file descriptors closes them.

    It is killed when the one who asked for it ends.
    """
    request = {"nursery": nursery, "arguments": arguments, "environment": dict(environment), "folder": str(folder)}
    body = json.dumps(request).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(nursery)
    socket.send_fds(connection, [HEADER.pack(len(body))], [output, errors])
    connection.sendall(body)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    return Forked(int(await reader.readline()), reader, writer)


class Nursery:
    """This test process's nursery: started when it is first asked for, ended by `close` with all that it forked."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def address(self) -> str:
        """The path of its socket."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="nursery-")
            command = [
                sys.executable,
                "-m",
                "tests.nursery",
                f"{self._folder.name}/socket",
                f"{self._folder.name}/home",
            ]
            self._process = subprocess.Popen(
                command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == b"ready\n", "the nursery did not start"
        return f"{self._folder.name}/socket"

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = self._process = None


NURSERY = Nursery()


async def started(*arguments: str, errors: IO[bytes]) -> tuple[Forked, asyncio.StreamReader]:
    """`tiphys` with these arguments in this environment, and what it prints."""
    output = asyncio.StreamReader()
    read, write = os.pipe()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read, "rb"))
    with os.fdopen(write, "wb") as printed:
        process = await fork(
            NURSERY.address(), *arguments, environment=os.environ, folder=Path.cwd(),
            output=printed.fileno(), errors=errors.fileno(),
        )  # fmt: skip
    return process, output


class _Server:
    """One thread, one loop, no child but those asked for: whoever is forked inherits nothing that is under way."""

    def __init__(self, path: str) -> None:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(path)
        self._door.listen(16)
        self._pids: dict[socket.socket, int] = {}
        self._ended, self._end = socket.socketpair()
        self._end.setblocking(False)
        signal.set_wakeup_fd(self._end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of its standard input ends it
        self._selector = selectors.DefaultSelector()
        for heard in (self._door, self._ended, sys.stdin):
            self._selector.register(heard, selectors.EVENT_READ)

    def serve(self) -> list[str] | None:
        """Returns in each process that is forked, with its arguments; in the nursery itself at the end, with None."""
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            if sys.stdin in ready:
                self._end_all()
                return None
            for connection in [heard for heard in ready if heard in self._pids]:
                assert isinstance(connection, socket.socket)
                self._end_one(connection)
            if self._ended in ready:
                self._ended.recv(4096)
                self._tell_ends()
            if self._door in ready and (arguments := self._fork()) is not None:
                return arguments

    def _fork(self) -> list[str] | None:
        connection, _ = self._door.accept()
        header, streams, _, _ = socket.recv_fds(connection, HEADER.size, STREAMS)
        [length] = HEADER.unpack(header)
        body = b""
        while len(body) < length and (more := connection.recv(length - len(body))):
            body += more
        request = json.loads(body)
        pid = os.fork()
        if pid == 0:
            self._let_go(connection)
            return _become(request, streams)
        for stream in streams:
            os.close(stream)
        self._pids[connection] = pid
        self._selector.register(connection, selectors.EVENT_READ)
        connection.sendall(b"%d\n" % pid)
        return None

    def _let_go(self, connection: socket.socket) -> None:
        """In the new process: nothing of the nursery's stays open or is heard."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._selector.close()
        for held in (self._door, self._ended, self._end, connection, *self._pids):
            held.close()

    def _tell_ends(self) -> None:
        for connection, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._forget(connection, os.waitstatus_to_exitcode(status))

    def _end_one(self, connection: socket.socket) -> None:
        """Who asked for it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self._pids[connection], signal.SIGKILL)
        _, status = os.waitpid(self._pids[connection], 0)
        self._forget(connection, os.waitstatus_to_exitcode(status))

    def _forget(self, connection: socket.socket, code: int) -> None:
        del self._pids[connection]
        self._selector.unregister(connection)
        with suppress(OSError):
            connection.sendall(b"%d\n" % code)
        connection.close()

    def _end_all(self) -> None:
        for connection in list(self._pids):
            self._end_one(connection)


def _become(request: dict[str, object], streams: list[int]) -> list[str]:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate([nothing, *streams]):
        os.dup2(stream, number)
        os.close(stream)
    environment, folder, arguments = request["environment"], request["folder"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.chdir(str(folder))
    os.environ.clear()
    os.environ.update(environment)
    _launch_bots_from(str(request["nursery"]))
    return [str(argument) for argument in arguments]


def _launch_bots_from(nursery: str) -> None:
    """A sandbox's bots come from the nursery too."""
    from bot.sandbox import bots

    async def launch(environment: Mapping[str, str], *, folder: Path, log: int) -> bots.Process:
        return await fork(nursery, "run", environment=environment, folder=folder, output=log, errors=log)

    bots.launch = launch


async def _one_world(home: Path) -> None:
    from bot.sandbox.command import control_app
    from bot.sandbox.world import World, WorldOptions

    world = World(WorldOptions(home=home, port=0, bots=False))
    await world.start(control_app(world))
    await world.close()


def _prepare(home: Path) -> None:
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # as `tiphys run` does
    import alembic.command
    import alembic.script

    import bot.cli
    import bot.main
    import bot.settings
    import bot.store.migrate

    del alembic, bot
    asyncio.run(_one_world(home))
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork would be of this thread alone"


def main() -> None:
    path, home = sys.argv[1:]
    _prepare(Path(home))
    server = _Server(path)
    print("ready", flush=True)
    arguments = server.serve()
    if arguments is not None:
        from bot.cli import main as tiphys

        sys.argv = ["tiphys", *arguments]
        tiphys()


if __name__ == "__main__":
    main()
