"""A real Alertmanager, alone and as a pair, with the configuration that `deploy/` ships."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.clock import SystemClock
from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.matcher import parse_matchers
from bot.domain.alerts.policy import AlertSource
from bot.domain.alerts.silence import SilenceDraft, SilenceState
from bot.domain.alerts.snapshot import Snapshot
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.webhook import read_snapshot
from bot.ports import NotFound, Refused
from tests.alertmanager import (
    alertmanager,
    alertmanager_pair,
    example_configuration,
    firing,
    need_programs,
    resolved,
    until,
)

pytestmark = pytest.mark.alertmanager

FIRING, SILENCED, RESOLVED = AlertState.FIRING, AlertState.SILENCED, AlertState.RESOLVED
ENVIRONMENT = {"tiphys_application": "apm-stack", "tiphys_environment": "production"}
LABELS = {"alertname": "HighErrorRate", "severity": "critical", "namespace": "apm-production", **ENVIRONMENT}


class Collector:
    """Reads what it is sent; `holds`: it answers nothing until that is set."""

    def __init__(self) -> None:
        self.url = ""
        self.snapshots: list[Snapshot] = []
        self.credentials: set[str] = set()
        self.holds: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self.credentials.add(request.headers.get("Authorization", ""))
        self.snapshots.append(read_snapshot("default", await request.read()))
        if self.holds is not None:
            await self.holds.wait()
        return web.Response(status=202)

    @property
    def states(self) -> dict[str, AlertState]:
        """Of the newest, by service."""
        newest = self.snapshots[-1] if self.snapshots else None
        return {alert.labels["service"]: alert.state for alert in newest.alerts} if newest else {}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    application = web.Application()
    application.router.add_post("/webhooks/alertmanager", made.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/alertmanager"
    yield made
    await runner.cleanup()


@pytest.fixture
def configuration(collector: Collector, tmp_path: Path) -> str:
    need_programs()
    (tmp_path / "token").write_text("made-up")
    return example_configuration(collector.url, tmp_path / "token")


def client_of(url: str) -> AlertmanagerClient:
    return AlertmanagerClient(AlertSource(name="default", url=url), clock=SystemClock())


def draft(matchers: str, *, minutes: int = 60) -> SilenceDraft:
    now = datetime.now(UTC) - timedelta(seconds=1)
    return SilenceDraft(
        matchers=parse_matchers(matchers), starts_at=now, ends_at=now + timedelta(minutes=minutes),
        created_by="U0DEV1", comment="known; tiphys:01J0",
    )  # fmt: skip


async def test_a_group_fires_resolves_in_part_is_silenced_and_is_over(collector: Collector, configuration: str) -> None:
    began = datetime.now(UTC) - timedelta(seconds=30)
    a, b, c = (firing(began, {**LABELS, "service": name}, {"summary": "<!channel>"}) for name in "abc")
    async with alertmanager(configuration) as real, client_of(real.url) as client:
        await real.post(a, b)
        await until(lambda: collector.states == {"a": FIRING, "b": FIRING})
        first = collector.snapshots[0]  # on a busy machine the second one may come in a webhook of its own
        assert (first.receiver, first.truncated, first.external_url) == ("tiphys", 0, real.url)
        assert first.group_labels == {
            "alertname": "HighErrorRate", "namespace": "apm-production", **ENVIRONMENT
        }  # fmt: skip
        assert collector.credentials == {"Bearer made-up"}

        await real.post(resolved(a), c)
        await until(lambda: collector.states == {"a": RESOLVED, "b": FIRING, "c": FIRING})

        # The same episodes by the API; what is over is not there.
        reported = {each.alert.labels["service"]: each for each in await client.list_alerts(receiver="tiphys")}
        assert set(reported) == {"b", "c"}
        for alert in collector.snapshots[-1].alerts:
            if alert.state is FIRING:
                told = reported[alert.labels["service"]].alert
                assert (told.fingerprint, told.starts_at) == (alert.fingerprint, alert.starts_at)
                assert (told.labels, told.annotations) == (alert.labels, alert.annotations)

        silence = await client.create_silence(draft('service="b",namespace=~"apm-.+"'))
        count = len(collector.snapshots)
        [hidden] = await client.list_alerts(parse_matchers('service="b"'))
        assert (hidden.alert.state, hidden.alert.silenced_by) == (SILENCED, (silence,))
        await real.post(resolved(b), resolved(c))
        await until(lambda: len(collector.snapshots) > count)
        assert collector.states == {"c": RESOLVED}  # b vanished without a word
        assert await client.list_alerts() == ()
        assert len({snapshot.group_key for snapshot in collector.snapshots}) == 1


async def test_every_call_of_the_api(configuration: str) -> None:
    async with alertmanager(configuration) as real, client_of(real.url) as client:
        status = await client.status()
        assert status.version.startswith("0.")
        assert not status.settled  # it has just started
        assert datetime.now(UTC) - status.started_at < timedelta(minutes=1)
        assert await client.list_alerts() == ()
        assert await client.list_silences() == ()

        weird = draft('alertname="A \\"B\\" \\\\ & <!channel>",env!="dev",pod=~"x.*",team!~"y|z"')
        made = await client.create_silence(weird)
        [listed] = await client.list_silences()
        assert listed == await client.get_silence(made)
        assert (listed.id, listed.state, listed.matchers) == (made, SilenceState.ACTIVE, weird.matchers)
        assert (listed.created_by, listed.comment) == ("U0DEV1", "known; tiphys:01J0")

        longer = SilenceDraft(
            matchers=listed.matchers, starts_at=listed.starts_at, ends_at=listed.ends_at + timedelta(hours=1),
            created_by=listed.created_by, comment=listed.comment,
        )  # fmt: skip
        assert await client.update_silence(made, longer) == made
        other = await client.update_silence(made, draft('alertname="Other"'))
        assert other != made
        assert (await client.get_silence(made)).state is SilenceState.EXPIRED
        for _ in range(2):
            await client.expire_silence(other)
        assert {each.state for each in await client.list_silences()} == {SilenceState.EXPIRED}

        for ask in (client.get_silence, client.expire_silence):
            with pytest.raises(NotFound):
                await ask("3fb74af7-d5c9-4b9d-8a82-26a63d1b14ab")
        with pytest.raises(Refused) as refusal:
            await client.create_silence(draft('a=""'))
        assert refusal.value.slug == "matches-everything"
        with pytest.raises(Refused):
            await client.create_silence(draft('a="b"', minutes=-10))


async def test_a_receiver_is_matched_by_its_whole_name(configuration: str) -> None:
    async with alertmanager(configuration) as real, client_of(real.url) as client:
        now = datetime.now(UTC)
        await real.post(*(firing(now, {"alertname": name}) for name in ("Watchdog", "TiphysIsAbsent", "Other")))

        async def names(receiver: str) -> set[str]:
            return {each.alert.name for each in await client.list_alerts(receiver=receiver)}

        assert await names("elsewhere") == {"Watchdog", "TiphysIsAbsent"}
        assert await names("tiphys") == {"TiphysIsAbsent", "Other"}
        assert await names("t.phys") == await names("tip") == set()


async def test_a_pair_tells_a_slow_receiver_twice_and_shares_its_silences(
    collector: Collector, configuration: str
) -> None:
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(alertmanager_pair(configuration))
        alert = firing(datetime.now(UTC), {**LABELS, "service": "a"})
        collector.holds = asyncio.Event()
        await asyncio.gather(*(each.post(alert) for each in pair))
        await until(lambda: len(collector.snapshots) == 2)  # the second did not wait for ever
        one, other = collector.snapshots
        assert one.alerts == other.alerts
        assert one.group_key == other.group_key
        assert {one.external_url, other.external_url} == {each.url for each in pair}
        collector.holds.set()
        collector.holds = None

        await asyncio.gather(*(each.post(resolved(alert)) for each in pair))
        await until(lambda: collector.states == {"a": RESOLVED})
        first, second = [await stack.enter_async_context(client_of(each.url)) for each in pair]
        assert await first.list_alerts() == await second.list_alerts() == ()

        # A silence that one has just made: the other is asked until it has heard of it.
        made = await first.create_silence(draft('alertname="HighErrorRate"'))
        assert (await second.get_silence(made)).id == made
        await second.expire_silence(made)
        assert not (await first.status()).settled
