"""What waits to be shown, as rows: a card's row coalesces, every other key is used once."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, Insert, Row, case, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.identity import ChangeId, ChannelId
from bot.domain.outgoing import CardPlacement, Outgoing, OutgoingKind, lane_of
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.ports_store import Forgotten, Queue
from bot.store.documents import REQUEST, TEXT, dump
from bot.store.forgetting import forget
from bot.store.inserting import insert_new, or_update
from bot.store.queues import read_queue
from bot.store.tables import changes, outbox, placements

URGENCY = {kind: number for number, kind in enumerate(OutgoingKind)}
MOST_URGENT_FIRST = (outbox.c.urgency, outbox.c.due_at, outbox.c.id)


class Outbox:
    """The outbox that one transaction sees."""

    def __init__(self, connection: AsyncConnection, told: set[str]) -> None:
        self._connection, self._told = connection, told

    async def touch_card(self, change: ChangeId, *, now: datetime) -> None:
        """The card of this change is to be shown anew. Many touches before it is sent are one sending."""
        self._told.add("outbox")
        await self._connection.execute(card_touched(change, now=now, dialect=self._connection.dialect))

    async def note(self, change: ChangeId, what: str, text: Text, *, now: datetime) -> None:
        """A message in the card's thread; `what` makes it the only one of its kind. Repeating changes nothing."""
        await self._insert_once(
            _row(f"note:{change}:{what}", OutgoingKind.NOTE, now=now, change_id=change, text=dump(TEXT, text))
        )

    async def notice(self, key: str, channel: ChannelId, text: Text, *, now: datetime) -> None:
        """A message of its own in a channel; one per key. Repeating changes nothing."""
        await self._insert_once(
            _row(f"notice:{key}", OutgoingKind.NOTICE, now=now, channel=channel, text=dump(TEXT, text))
        )

    async def answer(self, request: Request, answer: Answer, *, now: datetime, what: str = "") -> None:
        """What the asker is told. The first answer (of each `what`) stays; an empty one tells nothing."""
        if answer.text.parts:
            await self._insert_once(answer_row(request, answer, now=now, what=what))

    async def list_due(self, now: datetime, *, limit: int) -> list[Outgoing]:
        """Due rows, most urgent first, as their next try will have them."""
        query = select(outbox).where(outbox.c.due_at <= now).order_by(*MOST_URGENT_FIRST).limit(limit)
        return [outgoing_of(row, attempts=row.attempts + 1) for row in (await self._connection.execute(query)).all()]

    async def count_attempt(self, items: Collection[Outgoing]) -> None:
        """They are about to be tried."""
        tried = update(outbox).where(outbox.c.id.in_([item.id for item in items]))
        await self._connection.execute(tried.values(attempts=outbox.c.attempts + 1))

    async def mark_sent(self, item: Outgoing) -> None:
        same = update(outbox).where(outbox.c.id == item.id, outbox.c.version == item.version)
        await self._connection.execute(same.values(due_at=None, attempts=0, error=None))

    async def postpone(self, item: Outgoing, *, until: datetime, error: str) -> None:
        same = update(outbox).where(outbox.c.id == item.id, outbox.c.version == item.version)
        await self._connection.execute(same.values(due_at=until, error=error))

    async def give_up(self, item: Outgoing, *, error: str) -> None:
        same = update(outbox).where(outbox.c.id == item.id, outbox.c.version == item.version)
        await self._connection.execute(same.values(due_at=None, error=error))

    async def count_due(self, now: datetime) -> int:
        query = select(func.count()).select_from(outbox).where(outbox.c.due_at <= now)
        return int((await self._connection.execute(query)).scalar_one())

    async def queue(self, now: datetime) -> Queue:
        """What is not shown yet; the oldest is the one that was to be shown first (a card: anew, since it last was)."""
        since = case((outbox.c.kind == OutgoingKind.CARD.value, outbox.c.due_at), else_=outbox.c.created_at)
        return await read_queue(self._connection, outbox.c.due_at, since, now)

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(outbox.c.due_at)).where(outbox.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        in_use = exists().where(
            changes.c.id == outbox.c.change_id, or_(changes.c.is_open, changes.c.due_at.is_not(None))
        )
        done = (
            outbox.c.due_at.is_(None), outbox.c.created_at < before, outbox.c.kind != OutgoingKind.NOTICE.value, ~in_use
        )  # fmt: skip
        return await forget(self._connection, outbox, outbox.c.id, *done, after=after, limit=limit)

    async def find_placement(self, change: ChangeId) -> CardPlacement | None:
        row = (await self._connection.execute(select(placements).where(placements.c.change_id == change))).first()
        if row is None:
            return None
        return CardPlacement(change=row.change_id, channel=row.channel, ts=row.ts, digest=row.digest)

    async def set_placement(self, placement: CardPlacement) -> None:
        where = {"channel": placement.channel, "ts": placement.ts, "digest": placement.digest}
        statement = or_update(placements, self._connection.dialect, key="change_id", values=where)
        await self._connection.execute(statement.values(change_id=placement.change, **where))

    async def forget_placement(self, change: ChangeId) -> None:
        await self._connection.execute(delete(placements).where(placements.c.change_id == change))

    async def _insert_once(self, row: Mapping[str, Any]) -> None:
        self._told.add("outbox")
        await insert_new(self._connection, outbox, row)


def outgoing_of(row: Row[Any], *, attempts: int) -> Outgoing:
    return Outgoing(
        id=row.id, key=row.key, kind=OutgoingKind(row.kind), version=row.version, attempts=attempts,
        change=row.change_id, channel=row.channel,
        text=TEXT.validate_json(row.text) if row.text else None,
        request=REQUEST.validate_json(row.request) if row.request else None,
    )  # fmt: skip


def card_touched(change: ChangeId, *, now: datetime, dialect: Dialect) -> Insert:
    """The card's row is due, whether it was there or not."""
    again = {"version": outbox.c.version + 1, "due_at": now, "attempts": 0, "error": None}
    return or_update(outbox, dialect, key="key", values=again).values(card_row(change, now=now))


def card_row(change: ChangeId, *, now: datetime) -> dict[str, Any]:
    return _row(_card_key(change), OutgoingKind.CARD, now=now, change_id=change)


def answer_row(request: Request, answer: Answer, *, now: datetime, what: str = "") -> dict[str, Any]:
    return _row(
        f"answer{what}:{request.id}", OutgoingKind.ANSWER, now=now, change_id=answer.change, channel=request.channel,
        text=dump(TEXT, answer.text), request=dump(REQUEST, request),
    )  # fmt: skip


def _card_key(change: ChangeId) -> str:
    return f"card:{change}"


def _row(
    key: str, kind: OutgoingKind, *, now: datetime, change_id: ChangeId | None = None,
    channel: ChannelId | None = None, **values: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "key": key, "kind": kind.value, "urgency": URGENCY[kind], "version": 1, "created_at": now, "due_at": now,
        "attempts": 0, "change_id": change_id, "channel": channel,
        "lane": lane_of(kind, key=key, change=change_id, channel=channel), **values,
    }  # fmt: skip
