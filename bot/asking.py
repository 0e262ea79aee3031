"""Asking the database something for those who do not wait long, such as probes: its answer, or why there is none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from bot.ports_store import Store, StoreUnavailable, Transaction
from bot.tasks import TaskSet

PATIENCE_SECONDS = 2.0
Answer = TypeVar("Answer")
Question = Callable[[Transaction], Awaitable[Answer]]


class Asking:
    """Who asks is answered in time, whatever the database does: it is not waited for that a question can be called off.
    `close` ends those that are left."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._tasks = TaskSet("asking")

    async def ask(self, store: Store, question: Question[Answer]) -> Answer | StoreUnavailable:
        asked = self._tasks.start(_answer(store, question), name="ask")
        await asyncio.wait({asked}, timeout=self._patience)
        if not asked.done():
            return StoreUnavailable("it does not answer in time")
        found: Answer | StoreUnavailable = asked.result()
        return found

    async def close(self) -> None:
        await self._tasks.close()


async def _answer(store: Store, question: Question[Answer]) -> Answer | StoreUnavailable:
    try:
        async with store.reading() as tx:
            return await question(tx)
    except StoreUnavailable as error:
        return error
    except Exception as error:
        return StoreUnavailable(f"{type(error).__name__}: {error}"[:200])


async def count_due(tx: Transaction, now: datetime) -> dict[str, int]:
    """How much waits to be done now."""
    return {
        "inbound": await tx.inbound.count_due(now),
        "due": await tx.changes.count_due(now),
        "outbox": await tx.outbox.count_due(now),
        "intake": await tx.intake.count_due(now),
    }
