"""Storms: one card stands for what is too much, and a kill in the middle of one loses and doubles nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId
from bot.store.migrate import upgrade
from tests.alert_examples import ALERTS
from tests.slack.alerts.alert_desk import AlertDesk
from tests.slack.alerts.conftest import Eventually, Settled, opened
from tests.slack.conftest import FixedClock

MANY = [f"Many-{number}" for number in range(40)]


async def test_one_storm_card_stands_for_what_is_too_much(
    desk: AlertDesk, settled: Settled, eventually: Eventually
) -> None:
    await desk.put(*MANY, "Quiet", severity=Severity.WARNING)
    await desk.put("Grave", severity=Severity.CRITICAL)

    async def stormy() -> bool:
        return bool(await desk.storms()) and "Grave" in await desk.cards()

    await eventually(stormy)
    before = set(await desk.cards())
    assert len(before) < 30  # some were shown before the storm was seen
    await desk.over(*MANY, severity=Severity.INFO)
    desk.later(0.3)  # 15 s of Slack's time: it still rages
    await desk.put("Grave", severity=Severity.CRITICAL, is_flapping=True)
    await eventually(lambda: desk.asked("chat.update"))
    desk.later(5)
    await settled()
    after = await desk.cards()
    assert after["Quiet"] == "firing"
    assert after.keys() == before | {"Quiet", "Grave"}  # the others were over before their turn came
    assert {after[name] for name in before - {"Quiet", "Grave"}} == {"resolved"}
    [storm] = await desk.storms()
    assert storm.startswith("Alert storm is over: 42 groups changed")


async def test_a_storm_tells_of_what_changed_before_it_was_noticed(desk: AlertDesk, eventually: Eventually) -> None:
    await desk.crash()
    await desk.put(*MANY)
    desk.later(0.2)
    desk.begin()
    await eventually(desk.storms)
    [storm] = await desk.storms()
    assert storm == "Alert storm: 40 groups changed in 0 s"


async def test_a_storm_after_another_begins_after_its_end(
    desk: AlertDesk, settled: Settled, eventually: Eventually
) -> None:
    """Not even what has waited since before that makes it the older of the two."""
    await desk.put(*MANY)
    await eventually(desk.storms)
    await desk.over(*MANY)
    desk.later(60)
    await settled()
    await desk.crash()
    [waits] = await desk.put("Waits")
    async with desk.store.writing() as tx:
        await tx.outbox.touch_alert(waits, now=desk.clock.now() - timedelta(hours=1))
    desk.later(600)
    await desk.put(*(f"More-{number}" for number in range(40)))
    desk.begin()
    await eventually(lambda: _two_storms(desk))
    async with desk.store.reading() as tx:
        [second] = await tx.storms.list_open()
        assert await tx.storms.find_newest(ALERTS) == second


async def _two_storms(desk: AlertDesk) -> bool:
    return len(await desk.storms()) == 2


async def test_a_storm_that_begins_anew_goes_on_in_its_card(
    desk: AlertDesk, settled: Settled, eventually: Eventually
) -> None:
    for _ in range(2):
        await desk.put(*MANY)
        await eventually(desk.storms)
        await desk.over(*MANY)
        desk.later(1)
        await settled()
    [storm] = await desk.storms()
    assert storm.startswith("Alert storm is over")


async def test_the_storm_card_is_found_again_after_an_unclear_answer(desk: AlertDesk, settled: Settled) -> None:
    desk.workspace.fault("chat.postMessage", "apply_then_reset", left=1)
    await desk.put(*MANY)
    await desk.over(*MANY)
    for _ in range(3):
        desk.later(60)
        await settled()
    assert len(await desk.storms()) == 1
    assert set((await desk.cards()).values()) <= {"resolved"}


async def test_each_channel_has_its_own_weather(desk: AlertDesk, eventually: Eventually) -> None:
    admin = ChannelId("C0ADMIN")
    await desk.put(*MANY)
    await desk.put("Elsewhere", channel=admin)

    async def shown() -> bool:
        return bool(await desk.storms()) and await desk.cards("admin") == {"Elsewhere": "firing"}

    await eventually(shown)
    assert await desk.storms("admin") == []


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def either(
    request: pytest.FixtureRequest, workspace: Any, tmp_path: Path
) -> AsyncIterator[tuple[AlertDesk, str]]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'either.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    else:
        await upgrade(url)
    desk = AlertDesk(await opened(url), workspace, FixedClock(datetime.now(UTC)))
    yield desk, url
    await desk.crash()
    await desk.store.close()


async def test_killed_in_the_middle_of_a_storm_no_card_comes_twice_and_no_group_is_forgotten(
    either: tuple[AlertDesk, str], eventually: Eventually
) -> None:
    desk, url = either
    await desk.workspace.control("PATCH", "/api/slack", rate_limits=True, scale=30)
    graves = [f"Grave-{number}" for number in range(8)]
    desk.begin(scale=30)
    await desk.put(*MANY)
    await desk.put(*graves, severity=Severity.CRITICAL)
    for most in (2, 4, 7):
        await eventually(lambda most=most: len(desk.asked("chat.postMessage")) > most)
        await desk.crash()
        await desk.store.close()
        desk.store = await opened(url)
        desk.begin(scale=30)
        await desk.over(*MANY[most : most + 5])
    await desk.over(*MANY[:25])

    async def ended() -> bool:
        desk.later(5)
        return await desk.due() == 0

    await eventually(ended, 20)
    cards = await desk.cards()
    assert {name: cards.get(name) for name in graves} == dict.fromkeys(graves, "firing")
    assert {name: cards.get(name) for name in MANY[25:]} == dict.fromkeys(MANY[25:], "firing")
    assert {cards.get(name, "resolved") for name in MANY[:25]} == {"resolved"}
    [storm] = await desk.storms()
    assert storm.startswith("Alert storm is over: ")
    assert {request["status"] for request in desk.asked("")} <= {200, None}
