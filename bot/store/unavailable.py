"""When the database gives no answer: what the drivers say of it, in the one word that services know."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, ExceptionContext, event
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


READ_ONLY = "25006"
"""PostgreSQL's `read_only_sql_transaction`: after a failover, of a server that follows another one now.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def let_go_when_read_only(engine: Engine) -> None:
    """Of an engine that writes: a connection to a server that only reads is as good as lost, and all others with it.
    It would pass every look at whether it lives, and stay in the pool for as long as that server does."""
    event.listen(engine, "handle_error", _lost_when_read_only)


def _lost_when_read_only(context: ExceptionContext) -> None:
    if _state(context.original_exception) == READ_ONLY:
        context.is_disconnect = True


@contextmanager
def unavailable_when_lost() -> Iterator[None]:
    """A database that is down, restarts, is too slow, follows another one or breaks off two who wait for each other:
    `StoreUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(_reason(error)) from error
    except PoolTimeout as error:
        raise StoreUnavailable("every connection is in use") from error
    except TimeoutError as error:
        raise StoreUnavailable("it does not answer in time") from error
    except DBAPIError as error:
        if not error.connection_invalidated and _state(error.orig) != READ_ONLY:
            raise
        raise StoreUnavailable(_reason(error)) from error


def _state(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300] or type(error.orig).__name__
