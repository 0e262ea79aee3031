"""Removing rows that serve no more, a page at a time: so that nobody waits for long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a page of rows: how many were removed, and the key that the next page follows (None: there is
    none)."""

    removed: int
    last: str | int | None


class Forget(Protocol):
    """Removes, of the `limit` rows that follow the key `after`, those that were done before that moment."""

    async def __call__(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten: ...
