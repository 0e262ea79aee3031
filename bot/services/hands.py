"""The hands of a worker: several pieces of what is due at a time, until it is told to rest."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.ports_store import StoreUnavailable
from bot.tasks import TaskSet
from bot.wake import Bell

log = structlog.get_logger(__name__)

WITHOUT_DATABASE = 1.0


class Hands:
    """Of one worker, whose `name` its tasks bear. `bell` wakes it, and rings when a hand is free again."""

    def __init__(self, name: str, bell: Bell, *, at_once: int) -> None:
        self._name, self._bell, self._at_once = name, bell, at_once
        self._under_way = 0
        self._tasks = TaskSet(name)
        self.are_resting = False

    @property
    def free(self) -> int:
        return self._at_once - self._under_way

    async def run(self, sweep: Callable[[], Awaitable[float]], *, no_database: str) -> None:
        """Loop until told to rest, or cancelled. `sweep` starts on what is due, and answers the seconds until there may
        be more. While the database gives no answer it is called again every second, and `no_database` is logged; so it
        is after any other failure, because nothing starts a worker again that has ended."""
        while not self.are_resting:
            try:
                nap = await sweep()
            except StoreUnavailable as error:
                log.warning(no_database, reason=error.reason)
                nap = WITHOUT_DATABASE
            except Exception:
                log.exception("worker.sweep_failed", worker=self._name)
                nap = WITHOUT_DATABASE
            await self._bell.wait(nap)

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        self._under_way += 1
        self._tasks.start(work, name=name).add_done_callback(self._ended)

    async def rest(self, seconds: float) -> bool:
        """Take up nothing more, and let what is under way end; False when that takes longer."""
        self.are_resting = True
        self._bell.ring()
        return await self._tasks.rest(seconds)

    async def close(self) -> None:
        await self._tasks.close()

    def _ended(self, _task: object) -> None:
        self._under_way -= 1
        self._bell.ring()
