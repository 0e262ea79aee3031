"""Callers of a server in a process of its own, at little cost of theirs: bytes over connections that are kept open."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Callers:
    """As many connections to one server as there are callers at once.

    `request` is the whole of the request of that number, counted from zero; `status` is what each must be answered.
    """

    port: int
    request: Callable[[int], bytes]
    status: int = 200
    lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    sent: int = 0

    async def round(self, *, acts: int, at_once: int) -> Sequence[float]:
        """So many requests, each caller beginning the next when the last is answered. The seconds until the answers."""
        while len(self.lines) < at_once:
            self.lines.append(await asyncio.open_connection("127.0.0.1", self.port))
        taken: list[float] = []

        async def caller(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(acts // at_once):
                request, self.sent = self.request(self.sent), self.sent + 1
                started = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                taken.append(time.perf_counter() - started)
                assert head.startswith(b"HTTP/1.1 %d " % self.status), head
                await reader.readexactly(_length(head))

        await asyncio.gather(*(caller(*line) for line in self.lines[:at_once]))
        return taken

    async def are_answered(self) -> bool:
        """Whether somebody listens, and is ready."""
        try:
            await self.round(acts=1, at_once=1)
        except (OSError, AssertionError):
            self.close()
            return False
        return True

    def close(self) -> None:
        for _, writer in self.lines:
            writer.close()
        self.lines.clear()


@asynccontextmanager
async def serving(folder: Path, *command: str, callers: Callers, **environ: str) -> AsyncIterator[None]:
    """`python -m` that command, from its first answer on. What it says stands in the file `log` of the folder."""
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, env={**os.environ, **environ}, stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(30):
            while not await callers.are_answered():
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.02)
        yield
    finally:
        callers.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _length(head: bytes) -> int:
    found = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b": 0")
    return int(found.partition(b":")[2])
