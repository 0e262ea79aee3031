"""The clients of a configuration's sources, also after a reload."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters import Adapters
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.pipeline import Configuration
from bot.ports_alerts import Alertmanagers
from tests.desk import configuration
from tests.integrations.alertmanager.conftest import Alertmanager
from tests.integrations.replay import Answer, FixedClock


def configured(*sources: AlertSource) -> Configuration:
    alerts = AlertsPolicy(sources={source.name: source for source in sources})
    return replace(configuration(), argocd={}, repositories={}, alerts=alerts)


@pytest.fixture
async def adapters(clock: FixedClock, tmp_path: Path) -> AsyncIterator[Adapters]:
    made = Adapters(tmp_path / "mirrors", clock)
    yield made
    await made.close()


async def test_a_source_with_a_url_has_a_client(adapters: Adapters, replay: Alertmanager) -> None:
    replay.on("GET", "/api/v2/silences", Answer(text="[]"))
    await adapters.follow(configured(AlertSource(name="default", url=replay.url), AlertSource(name="silent")))
    clients: Alertmanagers = adapters.alertmanagers
    assert clients.get("silent") is None
    client = clients.get("default")
    assert client is not None
    assert await client.list_silences() == ()


async def test_what_did_not_change_stays_and_what_did_is_replaced(adapters: Adapters, replay: Alertmanager) -> None:
    replay.on("GET", "/api/v2/silences", Answer(text="[]"))
    one, other = AlertSource(name="one", url=replay.url), AlertSource(name="other", url=replay.url)
    await adapters.follow(configured(one, other))
    first, second = adapters.alertmanagers["one"], adapters.alertmanagers["other"]
    await adapters.follow(configured(one, replace(other, token="another")))
    assert adapters.alertmanagers["one"] is first
    assert adapters.alertmanagers["other"] is not second
    await adapters.alertmanagers["other"].list_silences()
    assert replay.last.headers["Authorization"] == "Bearer another"
    with pytest.raises(RuntimeError, match="closed"):
        await second.list_silences()


async def test_a_source_that_is_gone_or_has_no_url_any_more_has_none(adapters: Adapters, replay: Alertmanager) -> None:
    one, other = AlertSource(name="one", url=replay.url), AlertSource(name="other", url=replay.url)
    await adapters.follow(configured(one, other))
    await adapters.follow(configured(replace(other, url=None)))
    assert adapters.alertmanagers == {}
    await adapters.follow(configured(one))
    assert set(adapters.alertmanagers) == {"one"}
