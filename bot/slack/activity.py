"""What is under way right now, so that an end can wait for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    def __init__(self) -> None:
        self._count = 0
        self._rest = asyncio.Event()
        self._rest.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._count += 1
        self._rest.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._rest.set()

    async def rest(self, patience: float) -> bool:
        """Wait until nothing is under way; False when that takes longer than `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._rest.wait()
        except TimeoutError:
            return False
        return True
