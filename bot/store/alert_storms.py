"""Storms as rows, and the outbox as they see it: how much waits in each channel, and what a storm's card stands for."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, update
from ulid import ULID

from bot.domain.alerts.budget import Backlog
from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm
from bot.domain.identity import ChannelId
from bot.domain.outgoing import OutgoingKind, Urgency
from bot.ports_alerts import Stormed, StormRow
from bot.ports_forgetting import Forgotten
from bot.store.asyncio_engine import AsyncConnection
from bot.store.documents import ALERT_GROUP, STORM, dump
from bot.store.forgetting import forget
from bot.store.inserting import insert_new, or_update
from bot.store.outbox import NO_CARD, NOTE_WITHOUT_CARD, outbox_row
from bot.store.tables import alert_groups, alert_placements, alert_storms, outbox


class AlertStorms:
    """The storms that one transaction sees."""

    def __init__(self, connection: AsyncConnection, told: set[str]) -> None:
        self._connection, self._told = connection, told

    async def backlogs(self, now: datetime, *, fresh_since: datetime) -> list[Backlog]:
        """Of every channel in which cards of alerts are due."""
        is_new = outbox.c.urgency < int(Urgency.ALERT_FINAL)
        query = select(
            outbox.c.channel, func.count().filter(is_new).label("new"), func.count().filter(~is_new).label("stale"),
            func.count().filter(outbox.c.touched_at > fresh_since).label("fresh"),
            func.min(outbox.c.touched_at).label("since"),
        ).where(outbox.c.due_at <= now, outbox.c.kind == OutgoingKind.ALERT.value)  # fmt: skip
        rows = (await self._connection.execute(query.group_by(outbox.c.channel))).all()
        return [
            Backlog(channel=row.channel, new=row.new, stale=row.stale, fresh=row.fresh, since=row.since)
            for row in rows
        ]  # fmt: skip

    async def list_open(self) -> list[StormRow]:
        rows = (await self._connection.execute(select(alert_storms).where(alert_storms.c.closed_at.is_(None)))).all()
        return [_storm_of(row) for row in rows]

    async def find_newest(self, channel: ChannelId) -> StormRow | None:
        """Open or not."""
        query = select(alert_storms).where(alert_storms.c.channel == channel)
        row = (await self._connection.execute(query.order_by(alert_storms.c.since.desc()).limit(1))).first()
        return _storm_of(row) if row is not None else None

    async def begin(self, channel: ChannelId, *, since: datetime) -> None:
        """Nothing happens where one is open."""
        await insert_new(
            self._connection, alert_storms, {"id": str(ULID.from_datetime(since)), "channel": channel, "since": since}
        )

    async def resume(self, storm: str) -> None:
        """It was closed too early."""
        same = update(alert_storms).where(alert_storms.c.id == storm)
        await self._connection.execute(same.values(closed_at=None, document=None))

    async def close(self, storm: str, told: Storm) -> None:
        same = update(alert_storms).where(alert_storms.c.id == storm, alert_storms.c.closed_at.is_(None))
        await self._connection.execute(same.values(closed_at=told.closed_at, document=dump(STORM, told)))

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        return await forget(
            self._connection,
            alert_storms,
            alert_storms.c.id,
            alert_storms.c.closed_at < before,
            after=after,
            limit=limit,
        )

    async def place(self, storm: str, *, ts: str | None, digest: str | None) -> None:
        same = update(alert_storms).where(alert_storms.c.id == storm)
        await self._connection.execute(same.values(ts=ts, digest=digest))

    async def touch(self, channel: ChannelId, *, now: datetime) -> None:
        """The storm's card is to be shown anew."""
        self._told.add("alerts")
        again = {"version": outbox.c.version + 1, "due_at": now, "error": None}
        row = outbox_row(_key(channel), OutgoingKind.STORM, now=now, channel=channel)
        statement = or_update(outbox, self._connection.dialect, key="key", values=again)
        await self._connection.execute(statement.values(row))

    async def is_shown(self, channel: ChannelId) -> bool:
        """Whether its card is not to be shown anew."""
        query = select(outbox.c.id).where(outbox.c.key == _key(channel), outbox.c.due_at.is_not(None))
        return (await self._connection.execute(query)).first() is None

    async def list_stormed(self, channel: ChannelId, since: datetime, *, limit: int) -> list[Stormed]:
        """The gravest first, then the newest."""
        query = (
            select(
                alert_groups.c.id, alert_groups.c.version, outbox.c.due_at, alert_placements.c.ts,
            )
            .select_from(outbox)
            .join(alert_groups, alert_groups.c.id == outbox.c.group_id)
            .outerjoin(alert_placements, alert_placements.c.group_id == outbox.c.group_id)
            .where(_touched(channel, since))
            .order_by(alert_groups.c.severity, alert_groups.c.number.desc())
            .limit(limit)
        )  # fmt: skip
        return [
            Stormed(group=row.id, version=row.version, waits=row.due_at is not None, has_card=row.ts is not None)
            for row in (await self._connection.execute(query)).all()
        ]

    async def read_groups(self, groups: Collection[AlertGroupId]) -> list[AlertGroup]:
        """Not too many at once: each may be long."""
        query = select(alert_groups.c.document).where(alert_groups.c.id.in_(list(groups)))
        return [ALERT_GROUP.validate_json(document) for document in (await self._connection.execute(query)).scalars()]

    async def count_changed(self, channel: ChannelId, since: datetime) -> int:
        query = select(func.count()).select_from(outbox).where(_touched(channel, since))
        return int((await self._connection.execute(query)).scalar_one())

    async def drop_over(self, channel: ChannelId) -> int:
        """Groups that are over, are not critical and never had a card get none; answers how many."""
        group = select(alert_groups.c.id).where(alert_groups.c.id == outbox.c.group_id, ~alert_groups.c.is_open)
        is_new = and_(outbox.c.urgency >= int(Urgency.ALERT_NEW), outbox.c.urgency < Urgency.ALERT_NEW.end)
        is_over = and_(
            outbox.c.due_at.is_not(None), outbox.c.channel == channel, outbox.c.kind == OutgoingKind.ALERT.value,
            is_new, outbox.c.attempts == 0, group.where(alert_groups.c.severity > Severity.CRITICAL.rank).exists(),
        )  # fmt: skip
        # Locked in the order in which groups are written: a webhook that touches some of them may come this moment.
        locked = select(outbox.c.id).where(is_over).order_by(outbox.c.group_id).with_for_update(of=outbox)
        rows = list((await self._connection.execute(locked)).scalars())
        if not rows:
            return 0
        # Asked again now that they are locked: whom PostgreSQL has waited for may have opened a group again, and it
        # looks anew at the row that it locks alone, not at the group's.
        dropped = update(outbox).where(outbox.c.id.in_(rows), is_over).values(due_at=None)
        if number := (await self._connection.execute(dropped)).rowcount:
            notes = update(outbox).where(outbox.c.due_at.is_not(None), outbox.c.channel == channel, NOTE_WITHOUT_CARD)
            await self._connection.execute(notes.values(due_at=None, error=NO_CARD))
        return number


def _key(channel: ChannelId) -> str:
    return f"storm:{channel}"


def _touched(channel: ChannelId, since: datetime) -> ColumnElement[bool]:
    return and_(outbox.c.channel == channel, outbox.c.touched_at >= since)


def _storm_of(row: Row[Any]) -> StormRow:
    return StormRow(
        id=row.id, channel=row.channel, since=row.since, closed_at=row.closed_at, ts=row.ts, digest=row.digest,
        told=STORM.validate_json(row.document) if row.document else None,
    )  # fmt: skip
