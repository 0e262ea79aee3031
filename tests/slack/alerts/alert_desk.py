"""Alert groups in a real store, and a sender that brings them to the sandbox's Slack."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.group import AlertGroup, GroupState
from bot.domain.alerts.policy import AlertMention, AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, UserId
from bot.services.outbox import OutboxQueue
from bot.slack.alert_sender import AlertSender
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from bot.wake import Bell
from tests.alert_examples import ALERTS, alert, group

PINGED = UserId("U0APPR1")


class InForce:
    """The configuration: whom critical groups ping, and nothing else."""

    class current:
        alerts = AlertsPolicy(mentions=(AlertMention(who=PINGED),))


class AlertDesk:
    """`crash` ends the sender without a word, `begin` starts another: with nothing but the rows to go by."""

    def __init__(self, store: SqlStore, workspace: Any, clock: Any) -> None:
        self.store, self.workspace, self.clock = store, workspace, clock
        self.bell = Bell()
        self.pace = Pace()
        self.queue: OutboxQueue
        self.sender: AlertSender | None = None
        self._tasks = TaskSet("test")

    def begin(self, *, scale: float = 50) -> None:
        self.pace = Pace(scale=scale)
        self.queue = OutboxQueue(self.store, cast(Any, None), self.clock, cast(Any, InForce))
        self.sender = AlertSender(self.queue, Posting(self.workspace.client, self.pace), self.clock, self.bell)
        self._tasks.start(self.sender.run(), name="alerts")

    async def crash(self) -> None:
        await self._tasks.close()
        if self.sender is not None:
            await self.sender.close(patience=0)

    async def put(
        self, *names: str, channel: ChannelId = ALERTS, alerts_of: Callable[[str], tuple[Alert, ...]] = lambda _: (),
        **facts: Any,
    ) -> list[AlertGroup]:  # fmt: skip
        """Groups of these names as they are now; their cards are touched. One transaction."""
        async with self.store.writing() as tx:
            stored = []
            for name in names:
                made = _named(name, channel=channel, **facts)
                made = replace(made, alerts=alerts_of(name) or made.alerts)
                known = await tx.alerts.find(made.id)
                if known is None:
                    made = await tx.alerts.insert(made)
                else:
                    made = await tx.alerts.swap(replace(made, number=known.number, version=known.version))
                await tx.outbox.touch_alert(made, now=self.clock.now())
                stored.append(made)
        self.bell.ring()
        return stored

    async def over(self, *names: str, **facts: Any) -> None:
        await self.put(*names, **{"state": GroupState.RESOLVED, "resolved_at": self.clock.now(), **facts})

    def later(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)
        self.bell.ring()

    async def messages(self, channel: str = "alerts") -> list[Any]:
        found: list[Any] = await self.workspace.messages(channel)
        return found

    async def cards(self, channel: str = "alerts") -> dict[str, str]:
        """The cards by the name of their group, with the word that each says first. No group has two."""
        told = [m["text"] for m in await self.messages(channel) if m["metadata"]["event_type"] == "tiphys_alert"]
        found = [re.match(r"(\S+): (\w+)", text) for text in told]
        names = Counter(each[1] for each in found if each)
        assert all(number == 1 for number in names.values()), names
        return {each[1]: each[2] for each in found if each}

    async def storms(self, channel: str = "alerts") -> list[str]:
        """What the storm cards say, the oldest first."""
        told = await self.messages(channel)
        return [m["text"] for m in told if m["metadata"]["event_type"] == "tiphys_storm"]

    async def due(self) -> int:
        """Rows that are due, and storms that are not over."""
        async with self.store.reading() as tx:
            return await tx.outbox.count_due(self.clock.now()) + len(await tx.storms.list_open())

    def asked(self, method: str) -> list[Any]:
        found: list[Any] = self.workspace.asked(method)
        return found


def _named(name: str, **facts: Any) -> AlertGroup:
    labels = {"alertname": name, "namespace": "apm-production"}
    known: dict[str, Any] = {
        "id": name.upper().replace("-", "").ljust(26, "X"), "group_key": name, "group_labels": labels,
        "severity": Severity.WARNING,
        "alerts": (alert(labels={**labels, "service": "apm-api"}, annotations={}, generator_url=""),),
    }  # fmt: skip
    return group(**known | facts)
