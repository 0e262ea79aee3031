"""Bells that wake workers: a hint that there is something to do, never the only way to learn of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Bell:
    """Rings for one worker. A ring while it works is remembered; many rings are one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._under_way = 0
        self._has_worker = self._is_waiting = False

    def ring(self) -> None:
        self._rung.set()
        if self._has_worker:
            self._quiet.clear()

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, or after that time."""
        self._has_worker = self._is_waiting = True
        asyncio.get_running_loop().call_soon(self._look)  # what the worker has just started begins before that
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._rung.wait()
        except TimeoutError:
            pass
        finally:
            self._is_waiting = False
        self._rung.clear()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Something that a ring has started goes on while the worker waits for the next one."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._look()

    async def quiet(self, seconds: float) -> None:
        """Return when all that was rung for is done, or after that time; at once if nobody works on it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._quiet.wait()

    def _look(self) -> None:
        if self._is_waiting and not self._rung.is_set() and not self._under_way:
            self._quiet.set()


class Bells:
    """The bells of one process: `inbox` (somebody did something), `changes` (a change may go on), `outbox`,
    `alerts` (cards of alerts wait to be shown), `intake` (webhooks of alerts were taken in), `checks` (an Alertmanager
    is to be asked), and `pulls` (anybody's pull requests may have moved), which looks often enough by itself to be left
    out of `ring_all`."""

    def __init__(self) -> None:
        self.inbox, self.changes, self.outbox, self.pulls = Bell(), Bell(), Bell(), Bell()
        self.alerts, self.intake, self.checks = Bell(), Bell(), Bell()

    def ring(self, name: str) -> None:
        """By name, as another process rings it; one that we do not have belongs to a newer version."""
        known = {"inbox": self.inbox, "changes": self.changes, "outbox": self.outbox, "alerts": self.alerts}
        known |= {"intake": self.intake, "checks": self.checks}
        if (bell := known.get(name)) is not None:
            bell.ring()

    def ring_all(self) -> None:
        for bell in (self.inbox, self.changes, self.outbox, self.alerts, self.intake, self.checks):
            bell.ring()
