"""Alert groups as rows: reading, inserting, the compare-and-swap that every write goes through; and their cards."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from bot.domain.alerts.group import AlertGroup, AlertGroupId, AlertPlacement
from bot.domain.alerts.keys import key_of_group, labels_key_of
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId
from bot.ports_alerts import GroupConflict
from bot.ports_forgetting import Forgotten
from bot.store.asyncio_engine import AsyncConnection
from bot.store.documents import ALERT_GROUP, dump
from bot.store.inserting import insert_new, or_update
from bot.store.locks import Lock, lock
from bot.store.tables import OPEN_GROUP, alert_groups, alert_placements, outbox


class AlertGroups:
    """The alert groups that one transaction sees."""

    def __init__(self, connection: AsyncConnection, told: set[str]) -> None:
        self._connection, self._told = connection, told

    async def find(self, group: AlertGroupId) -> AlertGroup | None:
        return await self._one(_select().where(alert_groups.c.id == group))

    async def find_number(self, number: int) -> AlertGroup | None:
        return await self._one(_select().where(alert_groups.c.number == number))

    async def find_open(self, key: str) -> AlertGroup | None:
        return await self._one(_select().where(alert_groups.c.key == key, OPEN_GROUP))

    async def find_newest(self, key: str) -> AlertGroup | None:
        """Open or not."""
        return await self._one(_select().where(alert_groups.c.key == key).order_by(alert_groups.c.number.desc()))

    async def list_open(
        self, *, source: str | None = None, application: str | None = None, environment: str | None = None
    ) -> list[AlertGroup]:
        """The gravest first, then the newest."""
        query = _select().where(OPEN_GROUP)
        wanted = (("source", source), ("application", application), ("environment", environment))
        for name, value in wanted:
            if value is not None:
                query = query.where(alert_groups.c[name] == value)
        return sorted(await self._all(query), key=lambda group: (group.severity.rank, -group.number))

    async def list_open_by_labels(self, labels_key: str) -> list[AlertGroup]:
        """Open groups of the same source, receiver and group labels, whatever their routes."""
        found = await self._all(_select().where(alert_groups.c.labels_key == labels_key, OPEN_GROUP))
        return sorted(found, key=lambda group: group.number)

    async def list_sources(self) -> list[str]:
        """Those of open groups."""
        query = select(alert_groups.c.source).where(OPEN_GROUP).distinct().order_by(alert_groups.c.source)
        return list((await self._connection.execute(query)).scalars())

    async def list_opened(self, since: datetime, until: datetime) -> list[AlertGroup]:
        """What began in that time, oldest first."""
        query = _select().where(alert_groups.c.opened_at >= since, alert_groups.c.opened_at < until)
        return await self._all(query.order_by(alert_groups.c.opened_at))

    async def list_due(self, now: datetime, *, limit: int) -> list[AlertGroup]:
        """Whose `check_at` has come, the longest due first."""
        query = _select().where(alert_groups.c.due_at <= now).order_by(alert_groups.c.due_at).limit(limit)
        return await self._all(query)

    async def next_due(self, after: datetime) -> datetime | None:
        query = select(func.min(alert_groups.c.due_at)).where(alert_groups.c.due_at > after)
        found: datetime | None = (await self._connection.execute(query)).scalar()
        return found

    async def insert(self, group: AlertGroup) -> AlertGroup:
        """Store a new one under the next number. Raises `GroupConflict` when one of its key is open."""
        await lock(self._connection, Lock.ALERT_NUMBERS)
        newest = (await self._connection.execute(select(func.max(alert_groups.c.number)))).scalar() or 0
        numbered = replace(group, number=newest + 1, version=1)
        self._tell(numbered)
        if not await insert_new(self._connection, alert_groups, _columns(numbered)):
            raise GroupConflict
        return numbered

    async def swap(self, group: AlertGroup) -> AlertGroup:
        """Store `group` if its version is still the stored one; answer it with its new version. Raises
        `GroupConflict`."""
        moved = replace(group, version=group.version + 1)
        self._tell(moved)
        same = update(alert_groups).where(alert_groups.c.id == group.id, alert_groups.c.version == group.version)
        if (await self._connection.execute(same.values(**_columns(moved)))).rowcount != 1:
            raise GroupConflict
        return moved

    async def count_open(self) -> Mapping[ChannelId | None, int]:
        query = select(alert_groups.c.channel, func.count().label("number")).where(OPEN_GROUP)
        rows = (await self._connection.execute(query.group_by(alert_groups.c.channel))).all()
        return {row.channel: row.number for row in rows}

    async def count_by_severity(self) -> Mapping[Severity, int]:
        """Open ones."""
        query = select(alert_groups.c.severity, func.count().label("number")).where(OPEN_GROUP)
        rows = (await self._connection.execute(query.group_by(alert_groups.c.severity))).all()
        counted = {row.severity: row.number for row in rows}
        return {severity: counted.get(severity.rank, 0) for severity in Severity}

    async def find_placement(self, group: AlertGroupId) -> AlertPlacement | None:
        return (await self.list_placements([group])).get(group)

    async def list_placements(self, groups: Collection[AlertGroupId]) -> Mapping[AlertGroupId, AlertPlacement]:
        query = select(alert_placements).where(alert_placements.c.group_id.in_(list(groups)))
        return {
            row.group_id: AlertPlacement(group=row.group_id, channel=row.channel, ts=row.ts, digest=row.digest)
            for row in (await self._connection.execute(query)).all()
        }

    async def set_placement(self, placement: AlertPlacement) -> None:
        where: dict[str, Any] = {"channel": placement.channel, "ts": placement.ts, "digest": placement.digest}
        statement = or_update(alert_placements, self._connection.dialect, key="group_id", values=where)
        await self._connection.execute(statement.values(group_id=placement.group, **where))

    async def forget_placement(self, group: AlertGroupId) -> None:
        await self._connection.execute(delete(alert_placements).where(alert_placements.c.group_id == group))

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        waits = select(outbox.c.id).where(outbox.c.group_id == alert_groups.c.id, outbox.c.due_at.is_not(None)).exists()
        newest = select(func.max(alert_groups.c.number)).scalar_subquery()
        done = (
            ~alert_groups.c.is_open, alert_groups.c.due_at.is_(None), alert_groups.c.opened_at < before, ~waits,
            alert_groups.c.number < newest,  # the next one's is counted from it
        )  # fmt: skip
        page = select(alert_groups.c.id).order_by(alert_groups.c.id).limit(limit)
        page = page if after is None else page.where(alert_groups.c.id > after)
        ids = list((await self._connection.execute(page)).scalars())
        chosen = select(alert_groups.c.id).where(alert_groups.c.id.in_(ids), *done)
        gone = list((await self._connection.execute(chosen.with_for_update())).scalars())
        await self._connection.execute(delete(alert_placements).where(alert_placements.c.group_id.in_(gone)))
        await self._connection.execute(delete(alert_groups).where(alert_groups.c.id.in_(gone)))
        return Forgotten(removed=len(gone), last=ids[-1] if len(ids) == limit else None)

    def _tell(self, group: AlertGroup) -> None:
        if group.check_at is not None:
            self._told.add("checks")

    async def _one(self, query: Select[str]) -> AlertGroup | None:
        document = (await self._connection.execute(query.limit(1))).scalar()
        return ALERT_GROUP.validate_json(document) if document is not None else None

    async def _all(self, query: Select[str]) -> list[AlertGroup]:
        return [ALERT_GROUP.validate_json(document) for document in (await self._connection.execute(query)).scalars()]


def _select() -> Select[str]:
    return select(alert_groups.c.document)


def _columns(group: AlertGroup) -> dict[str, object]:
    return {
        "id": group.id, "number": group.number, "version": group.version, "source": group.source,
        "key": key_of_group(group),
        "labels_key": labels_key_of(group.source, group.receiver, group.group_labels),
        "severity": group.severity.rank, "application": group.tie.application if group.tie else None,
        "environment": group.tie.environment if group.tie else None, "channel": group.channel,
        "is_open": not group.is_over, "opened_at": group.opened_at, "due_at": group.check_at,
        "document": dump(ALERT_GROUP, group),
    }  # fmt: skip
