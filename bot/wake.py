"""Bells that wake workers: a hint that there is something to do, never the only way to learn of it."""

import asyncio


class Bell:
    """Rings for one worker. A ring while it works is remembered; many rings are one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, or after that time."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()


class Bells:
    """The bells of one process: `inbox` (somebody did something), `changes` (a change may go on), `outbox`."""

    def __init__(self) -> None:
        self.inbox, self.changes, self.outbox = Bell(), Bell(), Bell()

    def ring_all(self) -> None:
        for bell in (self.inbox, self.changes, self.outbox):
            bell.ring()
