"""Storms: when more alert groups of a channel wait than Slack lets us show, one card stands for them.

A storm rages as long as what changes is more than what can be shown: groups below critical get no first card meanwhile.
Then those that still fire get theirs at Slack's pace, those that are over get none, and when the backlog is gone the
storm is closed. Everything that this goes by stands in rows, so that it goes on after a restart where it was.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.domain.alerts.budget import Backlog, Budget, is_over, is_raging, overwhelmed
from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm, StormGroup
from bot.domain.identity import ChannelId
from bot.ports import Clock
from bot.ports_alerts import Stormed, StormRow, Weather
from bot.ports_store import Store, Transaction

log = structlog.get_logger(__name__)

MOST_GROUPS = 2_000
"""How many groups a storm's card looks at, the gravest and newest; all that changed are counted."""
AT_ONCE = 10
Lines = dict[AlertGroupId, tuple[int, StormGroup]]
"""What a storm's card tells of each group, with the version that it was read from."""


class Storms:
    """For the one process that sends alerts. Keeps a line for each group of an open storm, and nothing of others."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._weather = Weather()
        self._looked_at: float | None = None
        self._touched: dict[ChannelId, tuple[datetime, bool]] = {}  # when, and whether the storm raged
        self._lines: dict[ChannelId, Lines] = {}

    async def look(self, budget: Budget) -> Weather:
        """How it is in each channel; begins and ends storms, and has their cards shown. Looks anew about once a
        second, however often it is asked."""
        now = asyncio.get_running_loop().time()
        if self._looked_at is None or now - self._looked_at >= budget.look_every.total_seconds():
            self._weather = await self._look(budget)
            self._looked_at = now
        return self._weather

    async def find(self, channel: ChannelId) -> tuple[StormRow, Storm] | None:
        """The channel's newest storm, as it is to be shown now."""
        async with self._store.reading() as tx:
            row = await tx.storms.find_newest(channel)
            if row is None:
                return None
            return row, row.told or await self._storm(tx, row)

    async def _look(self, budget: Budget) -> Weather:
        now = self._clock.now()
        async with self._store.reading() as tx:
            found = await tx.storms.backlogs(now, fresh_since=now - budget.fresh_for)
            storms = {row.channel: row for row in await tx.storms.list_open()}
        backlogs = {backlog.channel: backlog for backlog in found}
        for channel in overwhelmed(found) - storms.keys():
            storms[channel] = await self._begin(channel, budget, now, since=backlogs[channel].since or now)
        raging = frozenset(channel for channel in storms if channel in backlogs and is_raging(backlogs[channel]))
        for channel, row in list(storms.items()):
            if channel not in raging and await self._calm(row, backlogs.get(channel)):
                del storms[channel]
            else:
                rages = channel in raging
                touched, has_raged = self._touched.get(channel, (None, True))
                # One that has just calmed down is to say so.
                every = budget.storm_card_every(len(storms), is_raging=rages or has_raged)
                if touched is None or now - touched >= every:
                    await self._touch(channel, now, is_raging=rages)
        self._forget_but(storms)
        return Weather(stormy=frozenset(storms), raging=raging)

    async def _begin(self, channel: ChannelId, budget: Budget, now: datetime, *, since: datetime) -> StormRow:
        """`since` the first change that nobody has been shown: a storm is noticed when much waits already."""
        async with self._store.writing() as tx:
            newest = await tx.storms.find_newest(channel)
            if newest is None or newest.closed_at is None or not await self._is_the_same(tx, newest, budget, now):
                ended = newest.closed_at if newest is not None else None
                await tx.storms.begin(channel, since=max(since, ended or since))
            else:
                await tx.storms.resume(newest.id)
            [row] = [storm for storm in await tx.storms.list_open() if storm.channel == channel]
        log.warning("alerts.storm", channel=channel, since=row.since.isoformat())
        return row

    async def _is_the_same(self, tx: Transaction, newest: StormRow, budget: Budget, now: datetime) -> bool:
        """As one that ended just now, or whose end nobody has seen yet."""
        ended = newest.closed_at or now
        return now - ended < budget.resume_within or not await tx.storms.is_shown(newest.channel)

    async def _calm(self, row: StormRow, backlog: Backlog | None) -> bool:
        """It rages no longer. Whether it is over too."""
        left = backlog or Backlog(channel=row.channel)
        if left.new:
            async with self._store.writing() as tx:
                left = replace(left, new=left.new - await tx.storms.drop_over(row.channel))
        if not is_over(left):
            return False
        now = self._clock.now()
        async with self._store.reading() as tx:  # long enough to be kept out of the one that writes
            told = replace(await self._storm(tx, row), closed_at=now)
        async with self._store.writing() as tx:
            await tx.storms.close(row.id, told)
            await tx.storms.touch(row.channel, now=now)
        log.info("alerts.storm_over", channel=row.channel, changed=told.changed, firing=len(told.firing))
        return True

    async def _touch(self, channel: ChannelId, now: datetime, *, is_raging: bool) -> None:
        async with self._store.writing() as tx:
            await tx.storms.touch(channel, now=now)
        self._touched[channel] = now, is_raging

    async def _storm(self, tx: Transaction, row: StormRow) -> Storm:
        stormed = await tx.storms.list_stormed(row.channel, row.since, limit=MOST_GROUPS)
        lines = await self._read(tx, row.channel, stormed)
        shown = [(each, lines[each.group][1]) for each in stormed if each.group in lines]
        is_raging = row.channel in self._weather.raging
        following = [_follows(each, line, is_raging=is_raging) for each, line in shown]
        return Storm(
            channel=row.channel, since=row.since, at=self._clock.now(), groups=tuple(line for _, line in shown),
            changed=await tx.storms.count_changed(row.channel, row.since),
            following=sum(following),
            alone=sum(not each.has_card and not follows for (each, _), follows in zip(shown, following, strict=True)),
        )  # fmt: skip

    async def _read(self, tx: Transaction, channel: ChannelId, stormed: list[Stormed]) -> Lines:
        """The lines of these groups; only what has changed since the last time is read."""
        known = self._lines.get(channel, {})
        lines = {each.group: known[each.group] for each in stormed if known.get(each.group, (0,))[0] == each.version}
        stale = [each.group for each in stormed if each.group not in lines]
        for first in range(0, len(stale), AT_ONCE):
            for group in await tx.storms.read_groups(stale[first : first + AT_ONCE]):
                lines[group.id] = group.version, StormGroup.of(group)
        self._lines[channel] = lines
        return lines

    def _forget_but(self, storms: Iterable[ChannelId]) -> None:
        for kept in (self._lines, self._touched):
            for channel in kept.keys() - set(storms):
                del kept[channel]


def _follows(each: Stormed, line: StormGroup, *, is_raging: bool) -> bool:
    """Whether the group gets a card, or an update of the one that it has."""
    if not each.waits or each.has_card or line.severity is Severity.CRITICAL:
        return each.waits
    return not is_raging and not line.is_over
