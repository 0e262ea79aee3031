"""Asking the Alertmanagers what is true: now and then about all that is open, and soon about what became doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts.alert import ReportedAlert
from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.keys import labels_key_of
from bot.domain.alerts.policy import AlertSource
from bot.domain.alerts.reconcile import Assigned, assign, found, reconcile, rest
from bot.domain.alerts.silence import Silence
from bot.domain.alerts.standing import Seen
from bot.domain.pipeline import Configuration
from bot.ports import Clock, ConfigurationInForce, OutsideError
from bot.ports_alerts import Alertmanager, Alertmanagers, GroupConflict
from bot.ports_store import Store, StoreUnavailable, Transaction
from bot.services.alerts.opening import Opening
from bot.services.alerts.showing import call, show
from bot.services.alerts.waking import Waking
from bot.wake import Bells

log = structlog.get_logger(__name__)

LONGEST_NAP = timedelta(seconds=15)
SHORTEST_NAP = timedelta(seconds=1)
WITHOUT_DATABASE = timedelta(seconds=1)
APART = timedelta(seconds=2)
"""Between two times that one source is asked, whatever there is to ask about."""
BACK_OFF = (5, 10, 20, 40, 60)
MOST_DUE = 500
WRITTEN_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a source said."""

    alerts: tuple[ReportedAlert, ...]
    silences: tuple[Silence, ...]
    settled: bool


@dataclass(slots=True)
class _Source:
    """What this process remembers of a source: when it may be asked, and is to be; a restart only asks once more."""

    not_before: datetime
    poll_at: datetime
    failures: int = 0


class Reconciling:
    """`run` loops until it is cancelled, and works while it falls to this process to; `look` does one round."""

    def __init__(
        self, store: Store, alertmanagers: Alertmanagers, opening: Opening, source: ConfigurationInForce,
        clock: Clock, bells: Bells, *, waking: Waking | None = None,
    ) -> None:  # fmt: skip
        self._store, self._alertmanagers, self._opening, self._source = store, alertmanagers, opening, source
        self._clock, self._bells, self._waking = clock, bells, waking
        self._sources: dict[str, _Source] = {}
        self._parted: Configuration | None = None

    async def run(self) -> None:
        while True:
            nap = LONGEST_NAP
            try:
                if self._store.leads:
                    nap = await self.look()
            except StoreUnavailable as error:
                log.warning("reconciling_alerts.no_database", reason=error.reason)
                nap = WITHOUT_DATABASE
            except Exception:
                log.exception("reconciling_alerts.crashed")
            await self._bells.checks.wait(nap.total_seconds())

    async def look(self) -> timedelta:
        """Ask the sources that it is time for, and write what follows; answers how long until the next look."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            due = await tx.alerts.list_due(now, limit=MOST_DUE)
        sources = self._source.current.alerts.sources
        await self._part(now)
        self._sources = {name: known for name, known in self._sources.items() if name in sources}
        for name in {*(group.source for group in due), *sources}:
            groups = [group for group in due if group.source == name]
            source, client = sources.get(name), self._alertmanagers.get(name)
            if source is None or client is None:
                await self._rest(groups, now)
            elif self._is_time(source, groups, now):
                await self._ask(source, client, groups)
        return await self._nap()

    def _is_time(self, source: AlertSource, due: Sequence[AlertGroup], now: datetime) -> bool:
        known = self._sources.setdefault(source.name, _Source(not_before=now, poll_at=now))
        return now >= known.not_before and (bool(due) or now >= known.poll_at)

    async def _ask(self, source: AlertSource, client: Alertmanager, due: Sequence[AlertGroup]) -> None:
        """The rows are read first: whoever writes one while the source is asked makes our answer too old for it."""
        async with self._store.reading() as tx:
            open_ones = await tx.alerts.list_open(source=source.name)
        groups = {group.id: group for group in (*open_ones, *(group for group in due if group.is_over))}
        known = self._sources[source.name]
        try:
            told = await _tell(client)
        except OutsideError as error:
            now = self._clock.now()
            known.not_before = now + timedelta(seconds=BACK_OFF[min(known.failures, len(BACK_OFF) - 1)])
            known.failures += 1
            if known.failures == 1:  # once per outage
                log.warning("alertmanager.no_answer", source=source.name, reason=error.reason)
            return
        now = self._clock.now()
        if known.failures:
            log.info("alertmanager.answers_again", source=source.name, failures=known.failures)
        self._sources[source.name] = _Source(not_before=now + APART, poll_at=now + source.poll)
        assigned = assign(list(groups.values()), told.alerts, source.receivers, now)
        policy = self._source.current.alerts
        seen = [
            (group, reconcile(
                group, assigned.by_group[group.id], told.silences, policy, now, settled=told.settled,
                new_id=self._opening.new_id(),
            ))
            for group in groups.values()
        ]  # fmt: skip
        written = await self._write_all([(group, one) for group, one in seen if one.group != group], now)
        written += await self._open_lost(assigned, source, told, now)
        if written:
            log.info("alerts.reconciled", source=source.name, groups=len(groups), changed=written, settled=told.settled)

    async def _part(self, now: datetime) -> None:
        """With the groups of sources that the configuration no longer has: for each one until none is left."""
        configuration = self._source.current
        if configuration is self._parted:
            return
        policy = configuration.alerts
        async with self._store.reading() as tx:
            gone = [name for name in await tx.alerts.list_sources() if name not in policy.sources]
            groups = [group for name in gone for group in await tx.alerts.list_open(source=name)]
        if not groups:
            self._parted = configuration
            return
        log.warning("alerts.source_is_gone", sources=gone, groups=len(groups))
        await self._write_all([(group, rest(group, policy, now, is_gone=True)) for group in groups], now)

    async def _rest(self, groups: Sequence[AlertGroup], now: datetime) -> None:
        """Where nobody can be asked only time counts."""
        policy = self._source.current.alerts
        await self._write_all([(group, rest(group, policy, now)) for group in groups], now)

    async def _write_all(self, changed: Sequence[tuple[AlertGroup, Seen]], now: datetime) -> int:
        """A few at a time, so that nobody waits for long. What somebody else wrote meanwhile is left alone: it stays
        due, or is asked about again at the next poll. In the order in which webhooks are written too: two that lock the
        same rows in different orders wait for each other."""
        written = 0
        changed = sorted(changed, key=lambda each: each[0].id)
        for start in range(0, len(changed), WRITTEN_AT_ONCE):
            chosen = changed[start : start + WRITTEN_AT_ONCE]
            try:
                async with self._store.writing() as tx:
                    for group, seen in chosen:
                        await self._write(tx, group, seen, now)
                written += len(chosen)
            except GroupConflict:
                written += sum([await self._write_one(group, seen, now) for group, seen in chosen])
        if written:
            self._bells.alerts.ring()
            await self._wake(
                [seen.group for group, seen in changed if seen.group and seen.group.alerts != group.alerts]
            )
        return written

    async def _wake(self, groups: Sequence[AlertGroup]) -> None:
        if self._waking is not None:
            await self._waking.wake(groups)

    async def _write_one(self, group: AlertGroup, seen: Seen, now: datetime) -> bool:
        try:
            async with self._store.writing() as tx:
                await self._write(tx, group, seen, now)
        except GroupConflict:
            return False
        return True

    async def _write(self, tx: Transaction, before: AlertGroup, seen: Seen, now: datetime) -> None:
        group, notes = seen.group, list(seen.notes)
        if group is None:
            return
        if group.id == before.id:
            has_news = group.alerts != before.alerts
            written = await tx.alerts.swap(await self._opening.again(tx, before, group) if has_news else group)
            notes += await call(tx, before, written, self._source.current.alerts, now)
        else:  # it fires again, and its row has been over for too long to go on in
            await tx.alerts.swap(replace(before, check_at=None))
            written = await tx.alerts.insert(await self._opening.complete(tx, group))
        await show(tx, written, notes, at=now if seen.is_shown else seen.put_off, now=now)

    async def _open_lost(self, assigned: Assigned, source: AlertSource, told: _Told, now: datetime) -> int:
        """Groups of which no webhook has told: theirs was lost, or never came. One that came while the source was asked
        has made its group already."""
        opened: list[AlertGroup] = []
        for unclaimed in assigned.unclaimed:
            policy = self._source.current.alerts
            seen = found(unclaimed, source.name, told.silences, policy, now, new_id=self._opening.new_id())
            if seen.group is None:
                continue
            key = labels_key_of(source.name, unclaimed.receiver, unclaimed.group_labels)
            async with self._store.writing() as tx:
                await tx.intake.hold()  # whoever works off its webhook this moment may have opened the group unseen
                if await tx.alerts.list_open_by_labels(key):
                    continue
                written = await tx.alerts.insert(await self._opening.complete(tx, seen.group))
                await show(tx, written, seen.notes, at=now if seen.is_shown else seen.put_off, now=now)
            log.warning("alerts.webhook_was_lost", source=source.name, group=written.number)
            opened.append(written)
        if opened:
            self._bells.alerts.ring()
            await self._wake(opened)
        return len(opened)

    async def _nap(self) -> timedelta:
        now = self._clock.now()
        async with self._store.reading() as tx:
            due_now = {group.source for group in await tx.alerts.list_due(now, limit=MOST_DUE)}
            next_due = await tx.alerts.next_due(now)
        moments = [max(known.poll_at, known.not_before) for known in self._sources.values()]
        moments += [known.not_before for name, known in self._sources.items() if name in due_now]
        if next_due is not None:
            moments.append(next_due)
        nap = min((moment - now for moment in moments), default=LONGEST_NAP)
        return max(min(nap, LONGEST_NAP), SHORTEST_NAP)


async def _tell(client: Alertmanager) -> _Told:
    """Whether an absence means something is asked first, and silences last: so all are known that hide something."""
    status = await client.status()
    alerts = await client.list_alerts()
    return _Told(alerts=alerts, silences=await client.list_silences(), settled=status.settled)
