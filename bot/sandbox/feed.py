"""Tells whoever watches (the page) that something in the world moved."""

import asyncio
from collections.abc import AsyncIterator


class Feed:
    """A counter that grows with every change of the world; watchers await the next value.

    Watchers that are slow see one jump instead of every step: the number says "look again", nothing else.
    """

    def __init__(self) -> None:
        self._count = 0
        self._moved = asyncio.Condition()
        self._dirty = asyncio.Event()

    @property
    def count(self) -> int:
        return self._count

    def touch(self) -> None:
        """Something changed. Cheap, never blocks, may be called from any coroutine of the loop."""
        self._count += 1
        self._dirty.set()

    async def watch(self) -> AsyncIterator[int]:
        """Yield the count now, and again after each change (coalesced)."""
        seen = -1
        while True:
            if self._count != seen:
                seen = self._count
                yield seen
            self._dirty.clear()
            if self._count == seen:
                await self._dirty.wait()
