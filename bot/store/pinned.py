"""One connection beside the pools, pinned to this process: hears wake-ups, tells the time, holds the scan lock."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from sqlalchemy import make_url

from bot.store.cancelling import QuickToCancel
from bot.store.engine import connect_arguments
from bot.store.locks import NAMESPACE, Lock
from bot.store.notices import CHANNEL, read_notice
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3.0
"""How long a lost connection goes unnoticed at most, and how often the time is asked."""
ANSWER_SECONDS = 5.0
AGAIN_SECONDS = 1.0
MICROSECONDS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class DatabaseClock:
    """The database's time, which all replicas share: what is due, lapsed or over means the same in each of them.

    Between two looks it runs on by this machine's monotonic clock; before the first one it is this machine's time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at, self._seen_at = datetime.now(UTC), monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._monotonic() - self._seen_at)

    def set(self, microseconds: int, *, asked: float, answered: float) -> None:
        """The database said so between two moments of the monotonic clock."""
        self._at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
        self._seen_at = (asked + answered) / 2


class Pinned:
    """`start` returns when it is connected or has failed once; from then on it connects again by itself.

    The lock that it holds belongs to the session: a lost connection is a lost lock. Who holds it runs the periodic
    scans; that two do so for a moment harms nothing, because everything that a scan does may be done twice.
    """

    def __init__(self, url: str, owner: str, clock: DatabaseClock) -> None:
        address = make_url(url)
        self._address = address.set(drivername="postgresql").render_as_string(hide_password=False)
        self._arguments = connect_arguments(url, ANSWER_SECONDS)
        self._owner, self._clock = owner, clock
        self._ring: Callable[[str], None] = lambda _: None
        self._tasks = TaskSet("store.pinned")
        self._looked = asyncio.Event()
        self.leads = False
        self.problem: str | None = "not connected yet"

    async def start(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._tasks.start(self._stay_connected(), name="connection")
        await self._looked.wait()

    async def close(self) -> None:
        await self._tasks.close()
        self.leads = False

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._serve()
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._lost(" ".join(str(error).split())[:300] or "it does not answer in time")
            await asyncio.sleep(AGAIN_SECONDS)

    def _lost(self, reason: str) -> None:
        if self.problem != reason:
            log.warning("store.connection_lost", reason=reason, led=self.leads)
        self.leads, self.problem = False, reason
        self._looked.set()

    async def _serve(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await QuickToCancel.connect(self._address, autocommit=True, **self._arguments)
        try:
            await self._ask(connection, f"LISTEN {CHANNEL}")
            while True:
                await self._look(connection)
                async for heard in connection.notifies(timeout=LOOK_SECONDS):
                    for bell in read_notice(heard.payload, owner=self._owner):
                        self._ring(bell)
        finally:
            connection.pgconn.finish()  # at once: closing politely would wait for a server that is gone

    async def _look(self, connection: QuickToCancel) -> None:
        asked = time.monotonic()
        [(microseconds,)] = await self._ask(connection, MICROSECONDS)
        self._clock.set(microseconds, asked=asked, answered=time.monotonic())
        if not self.leads:  # never asked twice in a session: it would be given twice
            [(given,)] = await self._ask(connection, f"SELECT pg_try_advisory_lock({NAMESPACE}, {Lock.SCANS})")
            self.leads = bool(given)
        if self.problem is not None:
            log.info("store.connected", leads=self.leads)
        self.problem = None
        self._looked.set()

    async def _ask(self, connection: QuickToCancel, statement: str) -> list[tuple[int, ...]]:
        async with asyncio.timeout(ANSWER_SECONDS):
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall() if cursor.description else []
