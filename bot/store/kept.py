"""A connection to PostgreSQL that is kept, and used on the loop itself.

What is sent at once goes in libpq's pipeline mode: all statements, and then their results, one way there and back.
Every statement is prepared by the server when it is used for the first time. The driver's own layers take several times
as long for a statement as the server does.
https://www.psycopg.org/psycopg3/docs/api/pq.html and https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import psycopg
from psycopg import errors, pq
from sqlalchemy import make_url

from bot.store.cancelling import QuickToCancel
from bot.store.engine import connect_arguments

Value = str | int | None
Statement = tuple[str, Sequence[Value]]
"""With `$1`, `$2`, … for its values."""
Answer = str | None
"""The first value of the first row; None where it is null or there is no row. The word for what was done, of statements
that give no rows."""
Found = list[Answer] | psycopg.Error
"""The answers to several statements, or the error of the first one that fails: those after it are skipped."""
Then = Callable[[Found], None]
_ROWS, _DONE, _FAILED = int(pq.ExecStatus.TUPLES_OK), int(pq.ExecStatus.COMMAND_OK), int(pq.ExecStatus.FATAL_ERROR)
_END = int(pq.ExecStatus.PIPELINE_SYNC)


@dataclass(slots=True)
class _Exchange:
    """What was sent at once, and what has come of it so far."""

    is_asked: list[bool]  # for each result whether it answers a statement, or only says that one is prepared
    then: Then
    wanted: int
    results: int = 0
    answers: list[Answer] = field(default_factory=list)
    error: psycopg.Error | None = None
    is_told: bool = False

    @property
    def has_more(self) -> bool:
        """Whether something goes with it that nobody waits for."""
        return sum(self.is_asked) > self.wanted

    def end(self) -> None:
        if not self.is_told:
            self.is_told = True
            self.then(self.answers if self.error is None else self.error)


def answers(found: Found) -> list[Answer]:
    """Raises the error."""
    if isinstance(found, psycopg.Error):
        raise found
    return found


class KeptConnection:
    """`close` it after any error: what has failed once is not used again. One that was lost is not `is_open`."""

    def __init__(self, connection: QuickToCancel) -> None:
        self._connection = connection  # whose end would be the end of what it lends
        self._pgconn = connection.pgconn
        self._encoding, self._socket = connection.info.encoding, self._pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, bytes] = {}
        self._under_way: deque[_Exchange] = deque()
        self._is_writing = False
        self._pgconn.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._read)
        self.is_open = True

    @classmethod
    async def open(cls, url: str, seconds: float) -> Self:
        """`seconds`: as `connect_arguments` takes them. Raises `psycopg.Error`."""
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return cls(await QuickToCancel.connect(address, autocommit=True, **connect_arguments(url, seconds)))

    def send(self, statements: Sequence[Statement], then: Then, *, after: Statement | None = None) -> None:
        """`then` gets what came of it, and may do so before this returns. After an error the connection is to be
        closed, which undoes what was begun. `after` goes with it, and nobody waits for what comes of that."""
        exchange = _Exchange([], then, len(statements))
        self._under_way.append(exchange)
        try:
            for text, values in [(text, self._encoded(values)) for text, values in statements]:
                self._add(exchange, text, values)
            if after is not None:
                self._pgconn.send_flush_request()  # by the server, which would keep the answers back until the end
                self._add(exchange, after[0], self._encoded(after[1]))
            self._pgconn.pipeline_sync()
            self._flush()
        except psycopg.Error as error:
            self._lose(error)

    async def ask(self, statements: Sequence[Statement], *, after: Statement | None = None) -> Found:
        """The same for who can wait."""
        found: asyncio.Future[Found] = self._loop.create_future()
        self.send(statements, lambda what: None if found.done() else found.set_result(what), after=after)
        return await found

    def close(self) -> None:
        """At once: closing politely would wait for a server that is gone."""
        self._lose(psycopg.OperationalError("the connection is closed"))

    def _add(self, exchange: _Exchange, text: str, values: Sequence[bytes | None]) -> None:
        if (name := self._prepared.get(text)) is None:
            name = self._prepared[text] = b"s%d" % len(self._prepared)
            self._pgconn.send_prepare(name, text.encode(self._encoding))
            exchange.is_asked.append(False)
        self._pgconn.send_query_prepared(name, values)
        exchange.is_asked.append(True)

    def _encoded(self, values: Sequence[Value]) -> list[bytes | None]:
        """As text, which the server reads as the columns' types say. libpq would cut it off at a NUL."""
        try:
            found = [None if value is None else str(value).encode(self._encoding) for value in values]
        except UnicodeEncodeError as error:
            raise psycopg.DataError(f"text that {error.encoding} does not have") from None
        if any(value is not None and b"\0" in value for value in found):
            raise psycopg.DataError("text with a NUL in it")
        return found

    def _flush(self) -> None:
        """Send what libpq could not yet hand to the system, and the rest when that takes more."""
        try:
            is_left = self._pgconn.flush() == 1
        except psycopg.Error as error:
            self._lose(error)
            return
        if is_left != self._is_writing:
            self._is_writing = is_left
            if is_left:
                self._loop.add_writer(self._socket, self._flush)
            else:
                self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        pgconn = self._pgconn
        try:
            pgconn.consume_input()
            while self._under_way and not pgconn.is_busy():
                if (result := pgconn.get_result()) is not None:
                    self._take(result)
        except psycopg.Error as error:
            self._lose(error)

    def _take(self, result: pq.abc.PGresult) -> None:
        exchange, status = self._under_way[0], result.status
        if status == _END:
            self._under_way.popleft()
            exchange.end()
        elif status in (_ROWS, _DONE):
            is_asked = exchange.is_asked[exchange.results]
            exchange.results += 1
            if is_asked and len(exchange.answers) < exchange.wanted:
                exchange.answers.append(self._answer(result, status))
                if len(exchange.answers) == exchange.wanted and exchange.has_more:
                    exchange.end()
        elif status == _FAILED and exchange.error is None:
            exchange.error = self._error(result)

    def _answer(self, result: pq.abc.PGresult, status: int) -> Answer:
        if status == _DONE:
            return (result.command_status or b"").decode()
        found = result.get_value(0, 0) if result.ntuples else None
        return None if found is None else found.decode(self._encoding)

    def _error(self, result: pq.abc.PGresult) -> psycopg.Error:
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        message = result.get_error_message(self._encoding)
        try:
            return errors.lookup(state)(message)
        except KeyError:
            return psycopg.DatabaseError(f"{message} ({state})")

    def _lose(self, error: psycopg.Error) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._pgconn.finish()
        while self._under_way:
            exchange = self._under_way.popleft()
            exchange.error = exchange.error or error
            exchange.end()
