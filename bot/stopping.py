"""How the process is asked to end, and that it ends in time: a signal is heard whatever the loop is busy with, and a
thread beside it ends the process when the rest of it hangs.

What is under way may be cut off at any instruction anyway, so an end by the thread loses nothing: it is only less tidy.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from threading import Thread
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

DEADLINE_SECONDS = 9.0
"""From the signal to the end, whatever hangs; Kubernetes and people are promised ten."""
SAY_SECONDS = 0.3
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Made and told to `listen` in the main thread, inside the running loop."""

    def __init__(self, *, seconds: float = DEADLINE_SECONDS, end: Callable[[int], object] = os._exit) -> None:
        self._seconds, self._end = seconds, end
        self._asked = asyncio.Event()
        self._hurry: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._heard, self._hear = os.pipe()
        self.stage = "starting"

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def listen(self) -> None:
        """From now on a signal asks for the end. There is no way back: the thread waits until the process is gone."""
        Thread(target=self._watch, name="stopping", daemon=True).start()
        for number in SIGNALS:
            # Not the loop's own handlers: those run when the loop comes round to them, which is what may hang.
            signal.signal(number, self._on_signal)

    async def wait(self) -> None:
        await self._asked.wait()

    @asynccontextmanager
    async def interrupting(self) -> AsyncIterator[None]:
        """The block is left when the end is asked for, whatever it waits for."""
        try:
            async with asyncio.timeout(None) as limit:
                self._hurry = lambda: limit.reschedule(self._loop.time())
                if self.is_asked:
                    self._hurry()
                yield
        except TimeoutError:
            if not self.is_asked:
                raise
        finally:
            self._hurry = None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Between any two instructions of the main thread: nothing here takes a lock."""
        os.write(self._hear, b".")
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._ask)

    def _ask(self) -> None:
        self._asked.set()
        if self._hurry is not None:
            self._hurry()

    def _watch(self) -> None:
        os.read(self._heard, 1)
        time.sleep(self._seconds)
        # Who hangs may hold the lock of the log.
        words = Thread(target=log.error, args=("bot.stop_cut_short",), kwargs={"at": self.stage}, daemon=True)
        words.start()
        words.join(SAY_SECONDS)
        self._end(0)
