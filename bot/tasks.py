"""The one place that starts background tasks: each is kept alive, and the end of one is never silent."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class TaskSet:
    """Background tasks that belong to one owner; `close` cancels and awaits all of them.

    A task that raises is logged as `task.failed`; it does not end its siblings.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def rest(self, seconds: float) -> bool:
        """Wait until every task has ended by itself; False when that takes longer."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if not tasks:
            return True
        _, under_way = await asyncio.wait(tasks, timeout=seconds)
        return not under_way

    async def close(self) -> None:
        """Cancel every task and wait for its end. May be called again."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", task=task.get_name(), exc_info=error)
