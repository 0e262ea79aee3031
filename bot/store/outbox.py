"""What waits to be shown, as rows: a card's row coalesces, every other key is used once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Insert,
    Row,
    alias,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.identity import ChangeId, ChannelId
from bot.domain.outgoing import (
    URGENCY_OF_KIND,
    CardPlacement,
    Outgoing,
    OutgoingKind,
    Pick,
    Urgency,
    lane_of,
    urgency_of_alert,
)
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.ports_forgetting import Forgotten
from bot.ports_store import Queue
from bot.store.asyncio_engine import AsyncConnection
from bot.store.columns import Moment
from bot.store.documents import REQUEST, TEXT, dump
from bot.store.forgetting import forget
from bot.store.inserting import insert_new, or_update
from bot.store.queues import read_queue
from bot.store.tables import alert_groups, alert_placements, changes, outbox, placements

COALESCING = [kind.value for kind in (OutgoingKind.CARD, OutgoingKind.ALERT, OutgoingKind.STORM)]
SINCE = case((outbox.c.kind.in_(COALESCING), outbox.c.due_at), else_=outbox.c.created_at)
"""From when on a row waits."""
MOST_URGENT_FIRST = (outbox.c.urgency, outbox.c.due_at, outbox.c.id)
NO_CARD = "its group has no card"
_card = alias(outbox)
_STANDS = select(alert_placements.c.group_id).where(alert_placements.c.group_id == outbox.c.group_id).exists()
NOTE_WITHOUT_CARD = and_(
    outbox.c.kind == OutgoingKind.ALERT_NOTE.value, ~_STANDS,
    ~select(_card.c.id).where(_card.c.key == "alert:" + outbox.c.group_id, _card.c.due_at.is_not(None)).exists(),
)  # fmt: skip
"""The condition for a note that waits for a card in vain."""


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
            outbox_row(f"note:{change}:{what}", OutgoingKind.NOTE, now=now, change_id=change, text=dump(TEXT, text))
        )

    async def notice(self, key: str, channel: ChannelId, text: Text, *, now: datetime) -> None:
        """A message of its own in a channel; one per key. Repeating changes nothing."""
        await self._insert_once(
            outbox_row(f"notice:{key}", OutgoingKind.NOTICE, now=now, channel=channel, text=dump(TEXT, text))
        )

    async def answer(self, request: Request, answer: Answer, *, now: datetime, what: str = "") -> None:
        """What the asker is told. The first answer (of each `what`) stays; an empty one tells nothing."""
        if answer.text.parts:
            await self._insert_once(answer_row(request, answer, now=now, what=what))

    async def touch_alert(self, group: AlertGroup, *, now: datetime) -> None:
        """The card of this group is to be shown anew; nothing where no channel was chosen. Many touches before it is
        sent are one sending, as urgent as the newest of them says, in the turn of the first."""
        if group.channel is None:
            return
        self._told.add("alerts")
        urgency = _alert_urgency(group)
        again = {
            "version": outbox.c.version + 1, "urgency": urgency, "touched_at": now, "error": None,
            "due_at": case((outbox.c.due_at < now, outbox.c.due_at), else_=literal(now, Moment)),
            # Its attempts stay: touched as often as it is before its first message, they alone say whether that may
            # stand already, and looking for it takes a call that a storm cannot spare.
        }  # fmt: skip
        row = outbox_row(
            f"alert:{group.id}", OutgoingKind.ALERT, now=now, channel=group.channel, group_id=group.id,
            urgency=urgency, touched_at=now,
        )  # fmt: skip
        statement = or_update(outbox, self._connection.dialect, key="key", values=again)
        await self._connection.execute(statement.values(row))

    async def alert_note(self, group: AlertGroup, what: str, text: Text, *, now: datetime) -> None:
        """A message in the thread of the group's card; `what` makes it the only one of its kind. Repeating changes
        nothing. It waits for the card to stand."""
        if group.channel is not None:
            key, kind = f"alert-note:{group.id}:{what}", OutgoingKind.ALERT_NOTE
            await self._insert_once(
                outbox_row(key, kind, now=now, channel=group.channel, group_id=group.id, text=dump(TEXT, text)),
                "alerts",
            )

    async def digest(self, key: str, channel: ChannelId, text: Text, *, now: datetime) -> None:
        """A message of its own that everything else goes before; one per key. Repeating changes nothing."""
        await self._insert_once(
            outbox_row(f"digest:{key}", OutgoingKind.DIGEST, now=now, channel=channel, text=dump(TEXT, text)), "alerts"
        )

    async def rank_alert(self, group: AlertGroup) -> None:
        """Its card stands now, or no longer: what waits for it is as urgent as that makes it."""
        row = update(outbox).where(outbox.c.key == f"alert:{group.id}")
        await self._connection.execute(row.values(urgency=_alert_urgency(group)))

    async def drop_notes(self, group: AlertGroupId) -> None:
        """Those in the thread of a card that neither stands nor is to be shown."""
        await self._connection.execute(
            update(outbox)
            .where(outbox.c.due_at.is_not(None), outbox.c.group_id == group, NOTE_WITHOUT_CARD)
            .values(due_at=None, error=NO_CARD)
        )

    async def list_due(self, now: datetime, *, limit: int, pick: Pick | None = None) -> list[Outgoing]:
        """Due rows, most urgent first, as their next try will have them."""
        return [next_try_of(row) for row in await self.due_rows(now, limit=limit, pick=pick)]

    async def due_rows(self, now: datetime, *, limit: int, pick: Pick | None = None) -> Sequence[Row[Any]]:
        query = select(outbox).where(outbox.c.due_at <= now, picked(pick)).order_by(*MOST_URGENT_FIRST).limit(limit)
        return (await self._connection.execute(query)).all()

    async def count_attempt(self, ids: Collection[int]) -> None:
        """They are about to be tried."""
        tried = update(outbox).where(outbox.c.id.in_(ids))
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
        """What is not shown yet of changes; the oldest is the one that was to be shown first (a card: anew, since it
        last was)."""
        return await read_queue(self._connection, outbox.c.due_at, SINCE, now, outbox.c.urgency < int(Urgency.STORM))

    async def alerts_queue(self, now: datetime) -> Queue:
        """The same of alerts."""
        return await read_queue(self._connection, outbox.c.due_at, SINCE, now, outbox.c.urgency >= int(Urgency.STORM))

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(outbox.c.due_at)).where(outbox.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        in_use = exists().where(
            changes.c.id == outbox.c.change_id, or_(changes.c.is_open, changes.c.due_at.is_not(None))
        )
        fires = exists().where(alert_groups.c.id == outbox.c.group_id, alert_groups.c.is_open)
        done = (
            outbox.c.due_at.is_(None), outbox.c.created_at < before, outbox.c.kind != OutgoingKind.NOTICE.value,
            ~in_use, ~fires,
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

    async def _insert_once(self, row: Mapping[str, Any], bell: str = "outbox") -> None:
        self._told.add(bell)
        await insert_new(self._connection, outbox, row)


def outgoing_of(row: Row[Any], *, attempts: int) -> Outgoing:
    return Outgoing(
        id=row.id, key=row.key, kind=OutgoingKind(row.kind), version=row.version, attempts=attempts,
        urgency=row.urgency, change=row.change_id, channel=row.channel, group=row.group_id,
        text=TEXT.validate_json(row.text) if row.text else None,
        request=REQUEST.validate_json(row.request) if row.request else None,
    )  # fmt: skip


def next_try_of(row: Row[Any]) -> Outgoing:
    """Of a row whose next try is not counted yet."""
    return outgoing_of(row, attempts=row.attempts + 1)


def picked(pick: Pick | None) -> ColumnElement[bool]:
    """The condition for what is asked for; all of it without a pick."""
    if pick is None:
        return true()
    wanted = []
    for urgency, but_into in pick.classes.items():
        of_class = [outbox.c.urgency >= int(urgency), outbox.c.urgency < urgency.end]
        if but_into:
            of_class.append(outbox.c.channel.not_in(sorted(but_into)))
        if urgency is Urgency.ALERT_NOTE:
            of_class.append(_STANDS)
        wanted.append(and_(*of_class))
    return or_(false(), *wanted)


def _alert_urgency(group: AlertGroup) -> ColumnElement[int]:
    stands = select(alert_placements.c.group_id).where(alert_placements.c.group_id == group.id).exists()
    return case(
        (stands, urgency_of_alert(group, has_card=True)), else_=urgency_of_alert(group, has_card=False)
    )  # fmt: skip


def card_touched(change: ChangeId, *, now: datetime, dialect: Dialect) -> Insert:
    """The card's row is due, whether it was there or not."""
    again = {"version": outbox.c.version + 1, "due_at": now, "attempts": 0, "error": None}
    return or_update(outbox, dialect, key="key", values=again).values(card_row(change, now=now))


def card_row(change: ChangeId, *, now: datetime) -> dict[str, Any]:
    return outbox_row(_card_key(change), OutgoingKind.CARD, now=now, change_id=change)


def answer_row(request: Request, answer: Answer, *, now: datetime, what: str = "") -> dict[str, Any]:
    return outbox_row(
        f"answer{what}:{request.id}", OutgoingKind.ANSWER, now=now, change_id=answer.change, channel=request.channel,
        text=dump(TEXT, answer.text), request=dump(REQUEST, request),
    )  # fmt: skip


def _card_key(change: ChangeId) -> str:
    return f"card:{change}"


def outbox_row(
    key: str, kind: OutgoingKind, *, now: datetime, change_id: ChangeId | None = None,
    channel: ChannelId | None = None, group_id: AlertGroupId | None = None, **values: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "key": key, "kind": kind.value, "urgency": URGENCY_OF_KIND.get(kind), "version": 1, "created_at": now,
        "due_at": now, "attempts": 0, "change_id": change_id, "channel": channel, "group_id": group_id,
        "lane": lane_of(kind, key=key, change=change_id, channel=channel, group=group_id), **values,
    }  # fmt: skip
