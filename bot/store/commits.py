"""What those who wait for a commit and those who make it agree on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError

CLOSE_SECONDS = 4.0
"""How long the end of a process waits for what is being written."""

End = str | None | Exception
"""What was known already of something that came again, None for what is new, or why it could not be recorded."""


class Withdrawn(Exception):
    """Somebody whose rows are in this transaction no longer waits for them."""


class Item(Protocol):
    """Rows that belong together, and who waits for them."""

    @property
    def known(self) -> asyncio.Future[Any]: ...
    def end(self, end: End) -> None:
        """Tell who waits, unless he has gone or was told something else."""


AnItem = TypeVar("AnItem", bound=Item)
AnyItem = TypeVar("AnyItem", bound=Item, contravariant=True)


class Commits(Protocol[AnyItem]):
    """How one kind of database commits one kind of rows."""

    def take(self, item: AnyItem) -> None:
        """Commit it together with those that come in the same moment or wait already, and end each. A bad one takes no
        others with it. One that has ended before its commit is not committed."""

    async def close(self) -> None:
        """Those that wait for their commit are cancelled; what is on its way into the database is brought to its
        end."""


def tell(waiting: asyncio.Future[Any], end: End) -> None:
    """The end to who waits for it, unless he has gone or was told something else."""
    if waiting.done():
        return
    if isinstance(end, Exception):
        waiting.set_exception(end)
    else:
        waiting.set_result(end)


@contextmanager
def errors_as_usual(dialect: Dialect) -> Iterator[None]:
    """The driver's errors as the rest of the store knows them."""
    base = dialect.loaded_dbapi.Error
    try:
        yield
    except base as error:
        raise DBAPIError.instance(None, None, error, base, dialect=dialect) from error
