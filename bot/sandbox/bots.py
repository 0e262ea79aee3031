"""The bots of the world: separate processes of the product, started, killed and restarted from here."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from bot.sandbox.orphans import hold, remember
from bot.tasks import TaskSet

READY_SECONDS = 30.0
STOP_SECONDS = 15.0
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is asked over TLS; to read the usual authorities takes 14 ms for each client."""
WAITING = ("inbound", "due", "outbox")
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TZ", "PYTHONPATH", "COVERAGE_PROCESS_START", "SSL_CERT_FILE")


class BotFailed(Exception):
    """The bot ended instead of becoming ready; the message is the end of what it said."""


class Process(Protocol):
    """What is asked of a process; asyncio's own has more."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None: ...

    async def wait(self) -> int: ...


async def launch(environment: Mapping[str, str], *, folder: Path, log: int) -> Process:
    """`tiphys run` in `folder` with this environment and no other; what it says goes to the file descriptor `log`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, cwd=folder,
        stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
    )  # fmt: skip


class Bot:
    """One process of the bot. A crash of its own is noticed, not mended: only `kill_*` faults start it again, and not
    one that was killed or stopped meanwhile."""

    def __init__(self, name: str, home: Path, environment: Callable[[], dict[str, str]]) -> None:
        self.name = name
        self.environment = environment
        self.extra: dict[str, str] = {}
        self.log = home / f"{name}.log"
        self._home = home
        self._process: Process | None = None
        self._is_wanted = False
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def address(self) -> str:
        return f"http://{self.environment()['TIPHYS_LISTEN']}"

    async def start(self) -> None:
        """Start it if it is down, and return when it is ready. Raises `BotFailed`, also when it is ended meanwhile."""
        self._is_wanted = True
        await self._come_up()

    async def kill(self) -> None:
        """SIGKILL; return when it is gone, also where it was about to come up. Down already is no error."""
        await self._end_for_good(self.crash)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough; else as `kill`."""
        await self._end_for_good(self._terminate)

    async def crash(self) -> None:
        """SIGKILL, after which it may `come_back`."""
        await self._end(signal.SIGKILL)

    async def come_back(self) -> None:
        """Start it again, unless it was killed or stopped meanwhile. Raises `BotFailed`."""
        try:
            await self._come_up()
        except BotFailed:
            if self._is_wanted:
                raise

    async def readiness(self) -> dict[str, Any] | None:
        """What `/readyz?verbose=1` says, ready or not; None when nobody answers."""
        if self.pid is None:
            return None
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5, verify=NO_CERTIFICATES) as client:
                answer = await client.get(f"{self.address}/readyz", params={"verbose": "1"})
                found: dict[str, Any] = answer.json()
                return found
        except (httpx.HTTPError, ValueError):
            return None

    async def _come_up(self) -> None:
        async with self._turn:
            if self.pid is None and self._is_wanted:
                await self._launch()
            await self._until_ready()

    async def _end_for_good(self, end: Callable[[], Awaitable[None]]) -> None:
        self._is_wanted = False
        await end()
        async with self._turn:  # a start that was under way has given up by then, but may have made a process
            if not self._is_wanted:
                await end()

    async def _terminate(self) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)

    async def _launch(self) -> None:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        with self.log.open("ab") as log:
            environment = {**kept, **self.environment(), **self.extra}
            hold(log.fileno())  # or the last one's own children are not gone yet
            self._process = await launch(environment, folder=self._home, log=log.fileno())
            remember(self.log, self._process.pid)

    async def _until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if not self._is_wanted:
                raise BotFailed(f"{self.name} was ended before it was ready")
            if self.pid is None:
                raise BotFailed(self._last_words())
            found = await self.readiness()
            if found is not None and found.get("ready"):
                return
            await asyncio.sleep(0.05)
        raise BotFailed(f"{self.name} was not ready after {READY_SECONDS:.0f} s\n{self._last_words()}")

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        await process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.is_file() else []
        return "\n".join(lines[-20:]) or f"{self.name} ended without a word"


class Bots:
    """All bots of one world."""

    def __init__(self, bots: Mapping[str, Bot]) -> None:
        self.by_name = dict(bots)
        self._tasks = TaskSet("bots")

    async def start(self) -> None:
        await asyncio.gather(*(bot.start() for bot in self.by_name.values()))

    async def close(self) -> None:
        await self._tasks.close()
        await asyncio.gather(*(bot.stop() for bot in self.by_name.values()))

    async def kill_and_restart(self, name: str) -> None:
        """For faults: gone when this returns, on its way up again by itself."""
        bot = self.by_name.get(name)
        if bot is not None:
            await bot.crash()
            self._tasks.start(bot.come_back(), name=f"restart-{name}")

    async def pending(self) -> dict[str, int] | None:
        """What waits to be done now; None when nobody can tell.

        All bots share one database, so each of them tells the same; one that is down leaves the telling to the others.
        """
        if not self.by_name:
            return dict.fromkeys(WAITING, 0)
        seen = await asyncio.gather(*(bot.readiness() for bot in self.by_name.values() if bot.pid is not None))
        known = [found for found in seen if found is not None and all(key in found for key in WAITING)]
        if not known or len(known) < len(seen):
            return None
        return {key: max(int(found[key]) for found in known) for key in WAITING}
