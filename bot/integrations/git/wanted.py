"""Objects that the partial mirror lacks: those wanted at the same time are fetched by one network command."""

import asyncio
import contextlib

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.failures import SYSTEM
from bot.ports import NotFound, Unavailable
from bot.tasks import TaskSet

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "--", "origin")
_SAY_NOTHING_OF_WHAT_WE_HAVE = ("-c", "fetch.negotiationAlgorithm=noop")


class Wanted:
    """Collects missing objects. The fetch leaves when every reader that is under way waits for it: nobody waits for a
    timer, and files read together travel together.

    Writes objects only, no refs, and therefore needs no lock.
    """

    def __init__(self, commands: GitCommands, tasks: TaskSet, *, files: bool) -> None:
        """`files`: only blobs are wanted. Told of our commits, the remote would believe that we have their files too,
        and send differences to those."""
        self._commands, self._tasks = commands, tasks
        self._arguments = (*_SAY_NOTHING_OF_WHAT_WE_HAVE, *_FETCH) if files else _FETCH
        self._readers = 0
        self._waiting = 0
        self._batch: dict[str, None] = {}
        self._arrived: asyncio.Future[None] | None = None

    def enter(self) -> None:
        """A reader starts. Must be followed by `leave`."""
        self._readers += 1

    def leave(self) -> None:
        self._readers -= 1
        self._go_if_all_wait()

    async def fetch(self, *ids: str) -> None:
        """Have these objects fetched, from within a reader. Raises as the network command does."""
        self._batch.update(dict.fromkeys(ids))
        if self._arrived is None:
            self._arrived = asyncio.get_running_loop().create_future()
        arrived = self._arrived
        self._waiting += 1
        try:
            self._go_if_all_wait()
            await asyncio.shield(arrived)
        finally:
            self._waiting -= 1

    def _go_if_all_wait(self) -> None:
        if self._batch and self._arrived is not None and self._waiting >= self._readers:
            batch, arrived = self._batch, self._arrived
            self._batch, self._arrived = {}, None
            self._tasks.start(self._fetch(tuple(batch), arrived), name="fetch-objects")

    async def _fetch(self, ids: tuple[str, ...], arrived: asyncio.Future[None]) -> None:
        try:
            await self._fetch_together(ids)
        except asyncio.CancelledError:
            arrived.set_exception(Unavailable(SYSTEM, "we are shutting down"))
            raise
        except Exception as error:  # every reader that waits must hear of it
            arrived.set_exception(error)
        else:
            arrived.set_result(None)
        finally:
            arrived.exception()  # its readers may all be gone: then nobody else looks

    async def _fetch_together(self, ids: tuple[str, ...]) -> None:
        try:
            await self._commands.network(*self._arguments, stdin="".join(f"{oid}\n" for oid in ids).encode())
        except NotFound:
            if len(ids) == 1:
                raise
            for oid in ids:  # one unknown object fails the whole command: the others must not suffer
                with contextlib.suppress(NotFound):
                    await self._commands.network(*self._arguments, stdin=f"{oid}\n".encode())
