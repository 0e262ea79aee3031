"""Groups of alerts, and when each is told of: waits, repeats, what was told last."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.alertmanager.alerts import Alert, Alerts
from bot.sandbox.alertmanager.setup import Setup
from bot.sandbox.alertmanager.webhooks import Sender, body_of
from bot.sandbox.argocd.clock import Clock
from bot.tasks import TaskSet

Json = dict[str, Any]
SHORTEST_DEADLINE = 10.0
FIRST_PAUSE, MOST_PAUSE, PAUSE_GROWS = 0.5, 60.0, 1.5
IsHidden = Callable[[Alert], bool]


@dataclass(slots=True)
class Told:
    """The notification log's entry of one group: what the last webhook that was taken said."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at: datetime


@dataclass(slots=True, kw_only=True)
class Group:
    """`untold`: how many changes it had, `flushed`: how many of them a flush has seen to its end."""

    key: str
    receiver: str
    labels: dict[str, str]
    members: set[str] = field(default_factory=set)
    untold: int = 0
    flushed: int = 0


def reason_to_tell(
    told: Told | None, firing: frozenset[str], resolved: frozenset[str], *, now: datetime, repeat: timedelta
) -> str | None:
    """Why a webhook is due, in the real one's words; None: it is not."""
    if told is None:
        return "first notification" if firing else None
    if not firing <= told.firing:
        return "new alerts added" if told.firing else "first notification"
    if not firing:
        return "all alerts resolved" if told.firing else None
    if not resolved <= told.resolved:
        return "some alerts resolved"
    return "repeat interval elapsed" if told.at < now - repeat else None


class Dispatcher:
    """Runs one loop for each group. What is silenced or inhibited at a flush is left out of it without a trace."""

    def __init__(
        self,
        setup: Setup,
        clock: Clock,
        alerts: Alerts,
        sender: Sender,
        is_hidden: IsHidden,
        touched: Callable[[], None],
    ) -> None:
        self.external_url = ""
        self._setup, self._clock, self._alerts, self._sender = setup, clock, alerts, sender
        self._is_hidden, self._touched = is_hidden, touched
        self._groups: dict[tuple[str, str], Group] = {}
        self._told: dict[tuple[str, str], Told] = {}
        self._tasks = TaskSet("alertmanager.groups")

    @property
    def groups(self) -> list[Group]:
        """In the order of the API."""
        return sorted(self._groups.values(), key=lambda g: (len(g.labels), sorted(g.labels.items()), g.receiver))

    @property
    def under_way(self) -> int:
        """How many groups have changes that no flush has seen yet."""
        return sum(group.flushed < group.untold for group in self._groups.values())

    def add(self, alert: Alert) -> Group:
        """Something about it is new."""
        receiver, key = self._setup.route_of(alert.labels).receiver, self._setup.group_key(alert.labels)
        group = self._groups.get((receiver, key))
        is_new = group is None
        if group is None:
            group = Group(key=key, receiver=receiver, labels=self._setup.group_labels(alert.labels))
            self._groups[receiver, key] = group
        group.members.add(alert.fingerprint)
        group.untold += 1
        if is_new:
            waited = (self._clock.now() - alert.starts_at).total_seconds()
            first = 0.0 if waited > self._clock.real(self._setup.group_wait) else self._setup.group_wait
            self._tasks.start(self._run(group, first), name=key[:60])
        return group

    async def close(self) -> None:
        await self._tasks.close()

    def dump(self) -> list[Json]:
        return [
            {"receiver": receiver, "key": key, "firing": sorted(told.firing), "resolved": sorted(told.resolved),
             "at": told.at.isoformat()}
            for (receiver, key), told in self._told.items()
        ]  # fmt: skip

    def load(self, stored: list[Json]) -> None:
        for each in stored:
            told = Told(frozenset(each["firing"]), frozenset(each["resolved"]), datetime.fromisoformat(each["at"]))
            self._told[each["receiver"], each["key"]] = told

    async def _run(self, group: Group, first: float) -> None:
        wait = first
        while True:
            await self._clock.sleep(wait)
            await self._flush(group)
            if not group.members:
                del self._groups[group.receiver, group.key]
                return
            wait = self._setup.group_interval

    async def _flush(self, group: Group) -> None:
        now, seen = self._clock.now(), group.untold
        members = [alert for name in sorted(group.members) if (alert := self._alerts.find(name)) is not None]
        over = [alert for alert in members if alert.is_resolved(now)]
        shown = [alert for alert in members if not self._is_hidden(alert)]
        if await self._tell(group, shown, now):
            hidden = {alert.fingerprint for alert in members} - {alert.fingerprint for alert in shown}
            for alert in over:
                again = timedelta(seconds=self._clock.real(self._setup.sent_again))
                if alert.fingerprint in hidden or alert.ends_at + again <= now:
                    self._drop(group, alert)
        group.flushed = max(group.flushed, seen)
        self._touched()

    def _drop(self, group: Group, alert: Alert) -> None:
        """Unless somebody has told of it again meanwhile."""
        if self._alerts.find(alert.fingerprint) is alert:
            group.members.discard(alert.fingerprint)
            self._alerts.forget(alert)

    async def _tell(self, group: Group, shown: list[Alert], now: datetime) -> bool:
        """Whether everything is told that has to be. Of a group that is hidden as a whole nothing is."""
        if not shown:
            return True
        resolved = frozenset(alert.fingerprint for alert in shown if alert.is_resolved(now))
        firing = frozenset(alert.fingerprint for alert in shown) - resolved
        place = (group.receiver, group.key)
        repeat = timedelta(seconds=self._clock.real(self._setup.repeat_interval))
        reason = reason_to_tell(self._told.get(place), firing, resolved, now=now, repeat=repeat)
        if reason is None or group.receiver != self._setup.receiver or not self._sender.targets():
            return True
        body = body_of(
            shown, now, receiver=group.receiver, group_labels=group.labels, group_key=group.key,
            external_url=self.external_url, reason=reason,
        )  # fmt: skip
        if await self._deliver(body):
            self._told[place] = Told(firing, resolved, now)
            return True
        return False

    async def _deliver(self, body: Json) -> bool:
        """Again and again while there is no answer or a 5xx, until the flush has to end; any other no is one."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        give_up_at = loop.time() + self._clock.real(max(self._setup.group_interval, SHORTEST_DEADLINE))
        while (left := give_up_at - loop.time()) > 0 and self._sender.targets():
            status = await self._sender.attempt(body, seconds=left)
            if status is not None and status < 500:
                return 200 <= status < 300
            await self._clock.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(pause * PAUSE_GROWS, MOST_PAUSE)
        return False
