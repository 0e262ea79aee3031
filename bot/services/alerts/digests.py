"""Digests of alerts: each channel's at its time of day, once; and the same words for whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.domain.alerts.digest import Digest, Episode, HeldSilence, held_silences
from bot.domain.alerts.digest_text import digest_text
from bot.domain.alerts.group import AlertGroup, Tie
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.wish import fixed
from bot.domain.identity import ChannelId, UserId
from bot.domain.text import Text
from bot.ports import Clock, ConfigurationInForce, OutsideError
from bot.ports_alerts import Alertmanager, Alertmanagers
from bot.ports_store import Store, StoreUnavailable
from bot.services.alerts.digest_times import DueDigest, due_digests, read_span
from bot.services.alerts.routing import route_labels
from bot.services.alerts.tying import tie_of
from bot.wake import Bells

log = structlog.get_logger(__name__)

AT_ONCE = timedelta(hours=1)
"""How much of the past is read in one go: rows are whole groups, and only little of each is kept."""
Sees = Callable[[Tie | None], Awaitable[bool]]
"""Whether somebody may look at what is tied like that."""
_Sift = Callable[[Sequence[AlertGroup]], Awaitable[Sequence[AlertGroup]]]


class AlertDigests:
    """`look` is called now and then, by as many replicas as there are: what is due is written once per channel and
    day, by the outbox row's key, and may be late by `LATEST`."""

    def __init__(
        self, store: Store, alertmanagers: Alertmanagers, source: ConfigurationInForce, clock: Clock, bells: Bells
    ) -> None:
        self._store, self._alertmanagers, self._source = store, alertmanagers, source
        self._clock, self._bells = clock, bells
        self._made: set[str] = set()

    async def look(self) -> None:
        """Write the digests that are due and that this process has not written yet. Raises nothing."""
        now = self._clock.now()
        policy = self._source.current.alerts
        due = due_digests(policy.digests, now)
        self._made &= {one.key for one in due}
        for one in due:
            if one.key in self._made:
                continue
            try:
                await self._write(one, now)
                self._made.add(one.key)
            except StoreUnavailable as error:  # it is due until it is written
                log.warning("digests.no_database", channel=one.channel, reason=error.reason)
            except Exception:
                log.exception("digests.crashed", channel=one.channel)

    async def text(self, since: datetime, until: datetime, *, sees: Sees) -> Text:
        """What began in that time, and the silences in force; only what somebody may look at who `sees` as told.

        Raises `StoreUnavailable`; a source that gives no answer is named in it.
        """

        async def sift(groups: Sequence[AlertGroup]) -> Sequence[AlertGroup]:
            return [group for group in groups if await sees(group.tie)]

        silences, unasked = await self._silences()
        configuration = self._source.current
        ties = [tie_of(fixed(held.silence.matchers), {}, configuration) for held in silences]
        seen = tuple([held for held, tie in zip(silences, ties, strict=True) if await sees(tie)])
        return digest_text(await self._digest(since, until, sift, seen, unasked))

    async def span(self, words: str, *, sees: Sees) -> Text | None:
        """The same of `today`, `yesterday` or the last `7d`, in the zone of the first of `alerts.digests`, else UTC;
        None where the words mean no time."""
        plans = self._source.current.alerts.digests
        found = read_span(words, ZoneInfo(plans[0].zone if plans else "UTC"), self._clock.now())
        return None if found is None else await self.text(*found, sees=sees)

    async def _write(self, due: DueDigest, now: datetime) -> None:
        policy = self._source.current.alerts
        silences, unasked = await self._silences()
        ours = tuple(one for one in silences if is_told_in(due.channel, one, policy))

        async def sift(groups: Sequence[AlertGroup]) -> Sequence[AlertGroup]:
            return [group for group in groups if group.channel == due.channel]

        digest = await self._digest(due.since, due.at, sift, ours, unasked)
        async with self._store.writing() as tx:
            await tx.outbox.digest(due.key, due.channel, digest_text(digest), now=now)
        self._bells.alerts.ring()
        log.info("digests.made", channel=due.channel, day=due.day.isoformat(), groups=len(digest.opened))

    async def _digest(
        self, since: datetime, until: datetime, sift: _Sift, silences: tuple[HeldSilence, ...],
        unasked: tuple[str, ...],
    ) -> Digest:  # fmt: skip
        opened: list[Episode] = []
        start = since
        while start < until:
            end = min(start + AT_ONCE, until)
            async with self._store.reading() as tx:
                groups = await tx.alerts.list_opened(start, end)
            opened += [Episode.of(group) for group in await sift(groups)]
            start = end
        async with self._store.reading() as tx:
            groups = await tx.alerts.list_open()
        still_open = tuple(Episode.of(group) for group in await sift(groups))
        return Digest(
            since=since, until=until, opened=tuple(opened), still_open=still_open, silences=silences, unasked=unasked,
            flaps_from=self._source.current.alerts.flapping.flips,
        )  # fmt: skip

    async def _silences(self) -> tuple[tuple[HeldSilence, ...], tuple[str, ...]]:
        """Those in force everywhere, and the names of the sources that gave no answer."""
        names = [name for name, source in self._source.current.alerts.sources.items() if source.url is not None]
        clients = [(name, client) for name in names if (client := self._alertmanagers.get(name)) is not None]
        told = await asyncio.gather(*(_held(name, client) for name, client in clients))
        found = tuple(self._named(one) for held in told if held is not None for one in held)
        return found, tuple(name for (name, _), held in zip(clients, told, strict=True) if held is None)

    def _named(self, one: HeldSilence) -> HeldSilence:
        """By the name that the configuration has for the Slack id that made it: a mention would ping every day."""
        person = self._source.current.person_of(UserId(one.silence.created_by))
        return replace(one, silence=replace(one.silence, created_by=person.key)) if person else one


def is_told_in(channel: ChannelId, held: HeldSilence, policy: AlertsPolicy) -> bool:
    """Whether the channel's digest names this silence: where its alerts go as far as its matchers say, and everywhere
    when that channel has no digest, so that none is forgotten."""
    said = {
        matcher.name: matcher.value for matcher in held.silence.matchers if matcher.is_equal and not matcher.is_regex
    }
    home = route_labels(said, policy).channel
    return home == channel or home not in {plan.channel for plan in policy.digests}


async def _held(name: str, client: Alertmanager) -> tuple[HeldSilence, ...] | None:
    """Silences first: so that none seems idle only because it is newer than what was told of the alerts."""
    try:
        silences = await client.list_silences()
        told = await client.list_alerts()
    except OutsideError as error:
        log.warning("digests.no_answer", source=name, reason=error.reason)
        return None
    return held_silences(name, silences, (one.alert for one in told))
