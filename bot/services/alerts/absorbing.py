"""Working off the webhooks that were taken in: each changes its group once, whoever dies when."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts.absorb import absorb
from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.keys import key_of, labels_key_of
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.snapshot import Snapshot
from bot.domain.text import Text
from bot.ports import Clock, ConfigurationInForce
from bot.ports_alerts import GroupConflict, Heard
from bot.ports_store import Store, StoreUnavailable, Transaction
from bot.services.alerts.opening import Opening
from bot.services.alerts.showing import call, show
from bot.services.alerts.waking import Waking
from bot.wake import Bells

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""Rows in one transaction: who takes in webhooks waits for it where a database has one writer."""
GATHERING = 0.05
"""Seconds from a ring until it is worked off: alerts come in bursts, and several to one group are written once."""
LONGEST_NAP = 60.0
WITHOUT_DATABASE = 1.0
MOST_CONFLICTS = 5
BACK_OFF = (timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
"""After so many tries a webhook is given up: its row stays, with the error."""
ReadSnapshot = Callable[[str, str], Snapshot]


@dataclass(slots=True)
class _Group:
    """A group while a batch is absorbed. `stored`: its row as it was read, None for a new one."""

    stored: AlertGroup | None
    now: AlertGroup
    notes: list[Text] = field(default_factory=list)
    is_shown: bool = False
    put_off: datetime | None = None

    @property
    def has_news(self) -> bool:
        return self.stored is None or self.stored.alerts != self.now.alerts


class Absorbing:
    """`run` loops until it is cancelled; `sweep` works off what is due.

    Everything that a batch makes of its groups is one transaction with the removal of its rows.
    """

    def __init__(
        self, store: Store, read: ReadSnapshot, opening: Opening, source: ConfigurationInForce, clock: Clock,
        bells: Bells, *, waking: Waking | None = None,
    ) -> None:  # fmt: skip
        self._store, self._read, self._opening, self._source = store, read, opening, source
        self._clock, self._bells, self._waking = clock, bells, waking
        self._singly = 0

    async def run(self) -> None:
        while True:
            try:
                nap = await self.sweep()
            except StoreUnavailable as error:
                log.warning("absorbing.no_database", reason=error.reason)
                nap = WITHOUT_DATABASE
            except Exception:  # what no single webhook is to blame for
                log.exception("absorbing.crashed")
                nap = WITHOUT_DATABASE
            await self._bells.intake.wait(nap)
            await asyncio.sleep(GATHERING)

    async def sweep(self) -> float:
        """Work off all that is due; answers the seconds until there may be more. Raises `StoreUnavailable`."""
        while await self._batch():
            pass
        now = self._clock.now()
        async with self._store.reading() as tx:
            due = await tx.intake.next_due(now)
        return min((due - now).total_seconds(), LONGEST_NAP) if due is not None else LONGEST_NAP

    async def _batch(self) -> int:
        """How many rows were looked at. After a failure they are taken singly, so that only the bad one waits."""
        heard: Sequence[Heard] = ()
        try:
            for _ in range(MOST_CONFLICTS):
                try:
                    async with self._store.writing() as tx:
                        heard = await tx.intake.claim(self._clock.now(), limit=1 if self._singly else AT_ONCE)
                        groups = await self._absorb(tx, heard)
                    break
                except GroupConflict:  # somebody acknowledged one of them this moment
                    continue
            else:
                raise GroupConflict
        except StoreUnavailable:
            raise
        except Exception as error:
            if not heard:
                raise
            if len(heard) > 1:
                self._singly = len(heard)
            else:
                await self._put_off(heard[0], error)
        else:
            if heard:
                self._bells.alerts.ring()
                self._bells.checks.ring()
                log.info("alerts.absorbed", webhooks=len(heard), groups=len(groups))
                if self._waking is not None:
                    await self._waking.wake([group.now for group in groups if group.has_news])
            self._singly = max(self._singly - 1, 0)
        return len(heard)

    async def _absorb(self, tx: Transaction, heard: Sequence[Heard]) -> list[_Group]:
        """The groups that were written."""
        policy, groups = self._source.current.alerts, dict[str, _Group]()
        finished: list[_Group] = []
        for one in heard:
            snapshot = self._read(one.source, one.body)
            key = key_of(one.source, snapshot.receiver, snapshot.group_key)
            held = groups.get(key)
            before = held.now if held else await _find(tx, key, snapshot)
            seen = absorb(
                before, snapshot, policy, one.received_at, number=one.id, new_id=self._opening.new_id()
            )  # fmt: skip
            if seen.group is None:
                continue
            if held is not None and held.now.id != seen.group.id:
                finished.append(held)
                held = None
            if held is None:
                is_new = before is None or seen.group.id != before.id
                opened = await self._opening.complete(tx, seen.group) if is_new else seen.group
                groups[key] = held = _Group(stored=None if is_new else before, now=opened)
            else:
                held.now = seen.group
            held.notes += seen.notes
            held.is_shown = held.is_shown or seen.is_shown
            held.put_off = seen.put_off or held.put_off
        changed = [one for one in (*finished, *groups.values()) if one.now != one.stored]
        for group in sorted(
            changed, key=lambda one: (one.now.id not in {done.now.id for done in finished}, one.now.id)
        ):
            await self._write(tx, group, policy)
        await tx.intake.remove([one.id for one in heard])
        return changed

    async def _write(self, tx: Transaction, group: _Group, policy: AlertsPolicy) -> None:
        if group.stored is not None and group.has_news:
            group.now = await self._opening.again(tx, group.stored, group.now)
        written = await (tx.alerts.insert if group.stored is None else tx.alerts.swap)(group.now)
        now = self._clock.now()
        if group.stored is not None:
            group.notes += await call(tx, group.stored, written, policy, now)
        await show(tx, written, group.notes, at=now if group.is_shown else group.put_off, now=now)

    async def _put_off(self, heard: Heard, error: Exception) -> None:
        tried = heard.attempts
        until = self._clock.now() + BACK_OFF[tried - 1] if tried <= len(BACK_OFF) else None
        log.error(
            "alert_webhook.not_absorbed", intake=heard.id, source=heard.source, attempts=tried,
            given_up=until is None, exc_info=error,
        )  # fmt: skip
        async with self._store.writing() as tx:
            await tx.intake.postpone(heard.id, until=until, error=f"{type(error).__name__}: {error}"[:500])


async def _find(tx: Transaction, key: str, snapshot: Snapshot) -> AlertGroup | None:
    """The newest row of this key, open or not; else an open one of which only the API has told so far."""
    newest = await tx.alerts.find_newest(key)
    if newest is not None and not newest.is_over:
        return newest
    alike = await tx.alerts.list_open_by_labels(
        labels_key_of(snapshot.source, snapshot.receiver, snapshot.group_labels)
    )
    return next((group for group in alike if not group.group_key), newest)
