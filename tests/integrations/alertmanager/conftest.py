"""A server that answers what real Alertmanagers answered."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.domain.alerts.policy import AlertSource
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.transport import Patience
from tests.integrations.alertmanager.recorded import Exchange, exchange
from tests.integrations.replay import Answer, FixedClock, Replay, replaying

IMPATIENT = Patience(connect=2, answer=2, gossip=0.3, gossip_pause=0.01)
PREFIX = "/alertmanager"


class Alertmanager(Replay):
    prefix = PREFIX

    def play(self, version: str, scenario: str, label: str, *, at: str | None = None) -> Exchange:
        """Queue a recorded exchange, at its own path or at `at`."""
        recorded = exchange(version, scenario, label)
        path = at or recorded.path.partition("?")[0]
        self.on(recorded.method, path, Answer(recorded.status, recorded.content_type, recorded.answer))
        return recorded


@pytest.fixture
async def replay() -> AsyncIterator[Alertmanager]:
    replay = Alertmanager()
    async with replaying(replay):
        yield replay


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


@pytest.fixture
async def client(replay: Alertmanager, clock: FixedClock) -> AsyncIterator[AlertmanagerClient]:
    source = AlertSource(name="default", url=replay.url)
    async with AlertmanagerClient(source, clock=clock, patience=IMPATIENT) as client:
        yield client
