"""Whether the database gives an answer, by what came of the transactions that we asked for."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.ports_store import StoreUnavailable

LONG_SECONDS = 1.5
"""Without an answer for so long it is silent: our transactions take milliseconds."""


class Silence:
    """Told of every transaction. One that was answered since ends a silence, whatever else waits."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[object, float] = {}
        self._answered = self._given_up = -math.inf

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For the length of a transaction."""
        this, began = object(), self._monotonic()
        self._waiting[this] = began
        try:
            yield
        except (StoreUnavailable, asyncio.CancelledError):
            if self._is_long(began):
                self._given_up = self._monotonic()
            raise
        else:
            self._answered = self._monotonic()
        finally:
            del self._waiting[this]

    @property
    def has_fallen(self) -> bool:
        longest = min(self._waiting.values(), default=math.inf)
        return self._given_up > self._answered or (self._is_long(longest) and longest > self._answered)

    def _is_long(self, began: float) -> bool:
        return self._monotonic() - began >= LONG_SECONDS
