"""When the database gives no answer: what the drivers say of it, in the one word that services know."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.ports_store import StoreUnavailable

DEFINITE = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|(role|database) \"[^\"]*\" does not exist|permission denied for database|server does not support SSL"
)


class DatabaseRefused(Exception):
    """The database has answered, and will not let us in however long we wait."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database refuses us: {reason}. Correct DATABASE_URL, or the database's users")


def raise_if_definite(error: StoreUnavailable) -> None:
    """Raises `DatabaseRefused` for what no waiting mends; while we run it may be a rotation, and is waited for."""
    if DEFINITE.search(error.reason):
        raise DatabaseRefused(error.reason) from error


@contextmanager
def unavailable_when_lost() -> Iterator[None]:
    """A database that is down, restarts, is too slow or breaks off two who wait for each other: `StoreUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(_reason(error)) from error
    except PoolTimeout as error:
        raise StoreUnavailable("every connection is in use") from error
    except TimeoutError as error:
        raise StoreUnavailable("it does not answer in time") from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise StoreUnavailable(_reason(error)) from error


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300] or type(error.orig).__name__
