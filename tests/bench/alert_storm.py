"""A storm for the benches: groups of alerts in a real store, our sender, and the sandbox's Slack with its limits on."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.clock import SystemClock
from bot.domain.alerts.alert import Alert
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm
from bot.domain.identity import ChannelId
from bot.ports_alerts import StormRow
from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from bot.slack.app import new_session
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from tests.alert_examples import ALERTS, alert
from tests.bench.measuring import moment
from tests.slack.alerts.alert_desk import AlertDesk
from tests.slack.conftest import MANIFEST, Workspace, served, until

GROUPS, OF_EACH, STATES = 500, 20, 6
NAMES = [f"Group-{number}" for number in range(GROUPS)]
AT_ONCE = 25
MINUTE = 60.0
POSTS_A_SECOND, UPDATES_A_MINUTE = 1, 50
CHANNELS = {
    ALERTS: "alerts", ChannelId("C0DEPLOY"): "deployments", ChannelId("C0STAGING"): "staging",
    ChannelId("C0ADMIN"): "admin", ChannelId("C0RELEASE"): "release",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One group in `one_in` is critical; all are spread evenly over so many `channels`, the critical ones too."""

    one_in: int
    channels: int = 1

    @property
    def grave(self) -> frozenset[str]:
        return frozenset(NAMES[:: self.one_in])

    @property
    def into(self) -> Sequence[ChannelId]:
        return list(CHANNELS)[: self.channels]

    def channel_of(self, name: str) -> ChannelId:
        return self.into[NAMES.index(name) // self.one_in % self.channels]


class Watched(AlertDesk):
    """A desk that remembers when a storm's card began to show that which groups are over."""

    def __init__(self, store: SqlStore, workspace: Any, clock: Any) -> None:
        super().__init__(store, workspace, clock)
        self.storm_cards: list[tuple[float, frozenset[str]]] = []

    def begin(self, *, scale: float = 50) -> None:
        super().begin(scale=scale)
        queue, rendered = self.queue, frozenset[str]()
        find, place = queue.find_storm, queue.set_storm_placement

        async def find_storm(channel: Any) -> tuple[StormRow, Storm] | None:
            nonlocal rendered
            found = await find(channel)
            if found is not None:
                rendered = frozenset(line.id for line in found[1].groups if line.is_over)
            return found

        async def set_storm_placement(storm: str, *, ts: str | None, digest: str | None) -> None:
            self.storm_cards.append((time.time(), rendered))
            await place(storm, ts=ts, digest=digest)

        queue.find_storm, queue.set_storm_placement = find_storm, set_storm_placement  # type: ignore[method-assign]


@asynccontextmanager
async def opened(folder: Path, scale: float) -> AsyncIterator[Watched]:
    url = f"sqlite+aiosqlite:///{folder / 'tiphys.db'}"
    await upgrade(url)
    store, traffic = SqlStore(url), Traffic()
    service = SlackService(traffic, Feed(), "socket")
    service.install(MANIFEST)
    control = web.Application(middlewares=[errors_as_json])
    control.add_routes(service.control_routes())
    async with served(service.app()) as address, served(control) as control_address, new_session() as session:
        service.base_url = address
        await service.start()
        desk = Watched(store, Workspace(service, traffic, session, [control_address, address]), SystemClock())
        await desk.workspace.control("PATCH", "/api/slack", rate_limits=True, scale=scale)
        desk.begin(scale=scale)
        try:
            yield desk
        finally:
            await desk.crash()
            await store.close()
            await service.close()


def alerts(turn: int, name: str) -> tuple[Alert, ...]:
    labels = {"alertname": name, "namespace": "apm-production", "cluster": "eu-1"}
    told = {"summary": f"{name} has got worse {turn} times", "runbook_url": "https://runbooks.example.com/errors"}
    return tuple(
        alert(f"svc{number:02}", labels={**labels, "service": f"service-{number}"}, annotations=told)
        for number in range(OF_EACH)
    )


async def feed(desk: AlertDesk, trial: Trial, lasts: float) -> dict[str, float]:
    """All states of all groups, over `lasts` seconds; answers when each group's last one was committed."""
    final: dict[str, float] = {}
    started, pause = time.monotonic(), lasts * AT_ONCE / (GROUPS * STATES)
    parts = [(turn, NAMES[first : first + AT_ONCE]) for turn in range(STATES) for first in range(0, GROUPS, AT_ONCE)]
    for number, (turn, names) in enumerate(parts):
        for severity, channel in product((Severity.CRITICAL, Severity.WARNING), trial.into):
            some = [name for name in names if trial.channel_of(name) == channel]
            some = [name for name in some if (name in trial.grave) == (severity is Severity.CRITICAL)]
            put = desk.over if turn == STATES - 1 else desk.put
            if some:
                await put(*some, channel=channel, severity=severity, alerts_of=partial(alerts, turn))
        final |= dict.fromkeys(names, time.time()) if turn == STATES - 1 else {}
        await asyncio.sleep(max(0.0, started + (number + 1) * pause - time.monotonic()))
    return final


async def all_shown(desk: AlertDesk) -> None:
    async def nothing_due() -> bool:
        return await desk.due() == 0

    await until(nothing_due, 3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What came of a trial, read from what Slack was asked: `sent` is when a card of which group was sent with which
    word, `final` when each group's last state was committed, `cards` what stands in the end."""

    trial: Trial
    began: float
    sent: Sequence[tuple[float, str, str]]
    final: Mapping[str, float]
    cards: Mapping[str, str]
    storm_cards: Sequence[tuple[float, frozenset[str]]]

    @classmethod
    async def of(cls, trial: Trial, desk: Watched, began: float, final: Mapping[str, float]) -> "Course":
        cards: dict[str, str] = {}
        for channel in trial.into:
            found = await desk.cards(CHANNELS[channel])
            assert not found.keys() & cards.keys(), "a group has a card in two channels"
            cards |= found
        sent = []
        for request in [*desk.asked("chat.postMessage"), *desk.asked("chat.update")]:
            told = re.match(r"(\S+): (\w+)", str(request["body"].get("text")))
            if told and told[1] in final:
                sent.append((moment(request["at"]), told[1], told[2]))
        return cls(trial=trial, began=began, sent=sorted(sent), final=final, cards=cards, storm_cards=desk.storm_cards)

    @property
    def first(self) -> dict[str, float]:
        """When each group's card was posted."""
        return {name: at for at, name, _ in reversed(self.sent)}

    def own_card_right(self) -> dict[str, float]:
        """When each card told the final state."""
        return {name: at for at, name, word in reversed(self.sent) if word == "resolved"}

    def readable(self) -> dict[str, float]:
        """When each final state could first be read: on the group's own card, or on the storm's."""
        own, found = self.own_card_right(), {}
        for name, known in self.final.items():
            key = name.upper().replace("-", "").ljust(26, "X")
            on_storms = [at for at, over in self.storm_cards if at >= known and key in over]
            if (at := min([*([own[name]] if name in own else []), *on_storms], default=None)) is not None:
                found[name] = at
        return found

    def limit(self, scale: float) -> float:
        """Seconds from the beginning below which nobody can bring all these cards to their final state: a post a second
        for those of each channel, and 50 updates a minute for those that were posted before their end was known, none
        of which can go before that."""
        cards_in = Counter(self.trial.channel_of(name) for name in self.cards)
        posts = max(cards_in.values()) / (POSTS_A_SECOND * scale)
        ends = sorted(self.final[name] for name, at in self.first.items() if at < self.final[name])
        rate = UPDATES_A_MINUTE * scale / MINUTE
        updates = max((known + (len(ends) - number) / rate for number, known in enumerate(ends)), default=self.began)
        return max(posts, updates - self.began)

    def overtaken(self, reaction: float) -> int:
        """Edits that told an intermediate state while a card had waited for `reaction` seconds to tell a final one."""
        first, right = self.first, self.own_card_right()
        waits = [(max(self.final[name], first[name]) + reaction, right[name] - reaction) for name in right]
        edits = [at for at, name, word in self.sent if word == "firing" and at > first[name]]
        return sum(any(since < at < until for since, until in waits) for at in edits)
