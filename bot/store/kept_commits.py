"""Committing acts to PostgreSQL, on the loop: two ways to the server and back for all who come together.

With the first one go the rows, with the second one COMMIT, unless somebody has gone meanwhile: a database that was
frozen would otherwise commit what a person was told has not happened. No clock decides that: the one of a machine that
was stopped goes on as if nothing had been.

The other processes are told after that, on the same way: transactions that tell somebody something are let to the disk
one at a time, in the whole cluster.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from bot.domain.identity import ChangeId
from bot.store.acts import MOST_TOGETHER, PATIENCE_SECONDS, Act, Columns, touches
from bot.store.commits import CLOSE_SECONDS, End, Withdrawn, errors_as_usual
from bot.store.engine import RECORD_SECONDS
from bot.store.kept import Found, KeptConnection, Statement, answers
from bot.store.notices import CHANNEL, notice
from bot.store.outbox import card_touched
from bot.store.tables import audit_entries, inbound, outbox
from bot.tasks import TaskSet

MOST_CONNECTIONS = 4
"""So many commits are under way at most. They reach the disk together; more of them would be smaller ones."""
BEGIN: Statement = ("BEGIN ISOLATION LEVEL READ COMMITTED", ())
COMMIT: Statement = ("COMMIT", ())
KNOWN = "INSERT 0 0"
"""What becomes of the rows of an act that is there already."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Acts on their way into the database on one connection, which is closed when that takes too long."""

    acts: Sequence[Act]
    kept: KeptConnection
    limit: asyncio.Handle

    @property
    def is_wanted(self) -> bool:
        """Whether everybody still waits for it."""
        return not any(act.known.done() for act in self.acts)


class KeptCommits:
    """See `bot.store.commits.Commits`. What usually happens is a chain of callbacks, because every task and every
    future would take the loop another turn; what rarely happens is a task."""

    def __init__(self, url: str, owner: str) -> None:
        self._url = url
        self._dialect = create_engine(url, paramstyle="numeric_dollar").dialect  # connects to nothing
        self._inbound, self._audit = Columns(inbound, self._dialect), Columns(audit_entries, self._dialect)
        self._outbox = Columns(outbox, self._dialect)
        self._rows = _at_once(self._inbound, last=self._audit)
        self._rows_with_answer = _at_once(self._inbound, self._outbox, last=self._audit)
        self._notice: Statement = ("SELECT pg_notify($1, $2)", (CHANNEL, notice(owner, ("inbox", "outbox"))))
        self._waiting: list[Act] = []
        self._begins: asyncio.Handle | None = None
        self._idle: list[KeptConnection] = []  # the last one used goes first
        self._writing = 0
        self._at_rest: asyncio.Event | None = None  # somebody waits for it
        self._tasks = TaskSet("store.recorder")

    def take(self, act: Act) -> None:
        self._waiting.append(act)
        if self._begins is None and self._writing < MOST_CONNECTIONS:
            self._begins = asyncio.get_running_loop().call_soon(self._begin)

    async def close(self) -> None:
        if self._begins is not None:
            self._begins.cancel()
        for act in self._waiting:
            act.known.cancel()
        self._waiting.clear()
        if self._writing:
            self._at_rest = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._at_rest.wait(), CLOSE_SECONDS)
        await self._tasks.close()
        while self._idle:
            self._idle.pop().close()

    def _begin(self) -> None:
        """On the loop, a moment after the first of those who wait has come, or when a connection is free again."""
        self._begins = None
        while self._waiting and self._writing < MOST_CONNECTIONS:
            # In an order that everybody keeps, so that no two transactions wait for each other.
            acts = sorted(self._waiting[:MOST_TOGETHER], key=lambda act: act.id)
            del self._waiting[:MOST_TOGETHER]
            if not (acts := [act for act in acts if not act.known.done()]):
                continue
            self._writing += 1
            if not self._send(acts):
                self._tasks.start(self._write(acts), name="write")

    def _send(self, acts: Sequence[Act]) -> bool:
        """The usual way; False where there is no connection, or an act that is none."""
        try:
            statements = [BEGIN, *map(self._rows_of, acts)]
        except Exception:  # told to who sent it when each is written by itself
            return False
        if (kept := self._take_idle()) is None:
            return False
        batch = self._batch(acts, kept)
        kept.send(statements, partial(self._on_rows, batch))
        return True

    def _on_rows(self, batch: _Batch, found: Found) -> None:
        is_usual = isinstance(found, list) and KNOWN not in found and not any(act.touch for act in batch.acts)
        if not is_usual or not batch.is_wanted:
            self._tasks.start(self._go_on(batch, found), name="write")
            return
        batch.kept.send([COMMIT], partial(self._on_commit, batch), after=self._notice)

    def _on_commit(self, batch: _Batch, found: Found) -> None:
        if found == ["COMMIT"]:
            self._give_back(batch)
            self._over(batch.acts, [None] * len(batch.acts))
        else:
            self._tasks.start(self._go_on(batch, _failure(found)), name="write")

    def _over(self, acts: Sequence[Act], ends: Sequence[End]) -> None:
        for act, end in zip(acts, ends, strict=True):
            act.end(end)
        self._writing -= 1
        if self._waiting:
            self._begin()
        elif self._at_rest is not None and not self._writing:
            self._at_rest.set()

    async def _write(self, acts: Sequence[Act]) -> None:
        try:
            ends: Sequence[End] = await self._commit(acts)
        except Exception:
            ends = await self._commit_each(acts)
        self._over(acts, ends)

    async def _go_on(self, batch: _Batch, found: Found) -> None:
        """From where the rows are there, or have failed."""
        try:
            ends: Sequence[End] = await self._finish(batch, found)
        except Exception:
            ends = await self._commit_each(batch.acts)
        self._over(batch.acts, ends)

    async def _commit_each(self, acts: Sequence[Act]) -> list[End]:
        """After a batch has failed: one bad act takes no others with it. Where nobody answers, that is asked once."""
        ends: list[End] = []
        for act in acts:
            if act.known.done():
                ends.append(None)
                continue
            try:
                ends += await self._commit([act])
            except (OperationalError, TimeoutError) as error:
                return ends + [error] * (len(acts) - len(ends))
            except Exception as error:
                ends.append(error)
        return ends

    async def _commit(self, acts: Sequence[Act]) -> list[str | None]:
        statements = [BEGIN, *map(self._rows_of, acts)]
        with errors_as_usual(self._dialect):
            if (kept := self._take_idle()) is None:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    kept = await KeptConnection.open(self._url, RECORD_SECONDS)
        batch = self._batch(acts, kept)
        try:
            found = await kept.ask(statements)
        except asyncio.CancelledError:
            kept.close()
            raise
        return await self._finish(batch, found)

    async def _finish(self, batch: _Batch, found: Found) -> list[str | None]:
        """Answers the acks of acts that were known: of them nothing is written again."""
        try:
            with errors_as_usual(self._dialect):
                ends = await self._finish_on(batch.kept, batch, found)
        except BaseException:
            batch.kept.close()
            raise
        finally:
            self._give_back(batch)
        return ends

    async def _finish_on(self, kept: KeptConnection, batch: _Batch, found: Found) -> list[str | None]:
        _, *done = answers(found)
        known = [act.id for act, what in zip(batch.acts, done, strict=True) if what == KNOWN]
        acks = iter(answers(await kept.ask([_ack(one) for one in known]))) if known else iter(())
        ends = [_there(next(acks)) if what == KNOWN else None for what in done]
        if touched := touches(batch.acts, ends):
            answers(await kept.ask([self._touch(*touch) for touch in touched]))
        if not batch.is_wanted:
            raise Withdrawn
        if (committed := await kept.ask([COMMIT], after=self._notice)) != ["COMMIT"]:
            raise _failure(committed)
        return ends

    def _take_idle(self) -> KeptConnection | None:
        while self._idle:
            if (kept := self._idle.pop()).is_open:
                return kept
        return None

    def _batch(self, acts: Sequence[Act], kept: KeptConnection) -> _Batch:
        return _Batch(acts, kept, asyncio.get_running_loop().call_later(PATIENCE_SECONDS, kept.close))

    def _give_back(self, batch: _Batch) -> None:
        batch.limit.cancel()
        if batch.kept.is_open:
            self._idle.append(batch.kept)

    def _rows_of(self, act: Act) -> Statement:
        received, audited = self._inbound.values(act.received), self._audit.values(act.audited)
        if act.answered is None:
            return self._rows, received + audited
        return self._rows_with_answer, received + self._outbox.values(act.answered) + audited

    def _touch(self, change: ChangeId, at: datetime) -> Statement:
        compiled = card_touched(change, now=at, dialect=self._dialect).compile(dialect=self._dialect)
        values = compiled.construct_params()
        converts = {
            name: compiled.binds[name].type.bind_processor(self._dialect) for name in compiled.positiontup or ()
        }
        return str(compiled), [convert(values[name]) if convert else values[name] for name, convert in converts.items()]


def _ack(key: str) -> Statement:
    return "SELECT ack FROM inbound WHERE id = $1", (key,)


def _failure(found: Found) -> psycopg.Error:
    if isinstance(found, psycopg.Error):
        return found
    return psycopg.OperationalError(f"asked to commit, the database did something else: {found}")


def _there(ack: str | None) -> str:
    if ack is None:
        raise psycopg.OperationalError("an act that was there is gone")
    return ack


def _at_once(first: Columns, *more: Columns, last: Columns) -> str:
    """A statement that inserts the first row, and the others only if that one is new. It is done with as many rows as
    the last one has: it is to be one that nothing can be in the way of."""
    numbers = itertools.count(1)
    parts = [
        f"first AS ({_insert(first, numbers)} ON CONFLICT DO NOTHING RETURNING id)",
        *(f"{m.table}_ AS ({_insert(m, numbers)} FROM first ON CONFLICT DO NOTHING)" for m in more),
    ]
    return f"WITH {', '.join(parts)} {_insert(last, numbers)} FROM first"


def _insert(into: Columns, numbers: Iterator[int]) -> str:
    values = ", ".join(f"${next(numbers)}" for _ in into.names)
    return f"INSERT INTO {into.table} ({', '.join(into.names)}) SELECT {values}"
