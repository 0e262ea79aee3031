"""What an act on a silence does to the groups that it touches, beside whoever else writes them."""

import asyncio

import pytest

from bot.domain.alerts.severity import Severity
from bot.domain.identity import UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.services.alerts import silence_effects
from bot.services.alerts.silence_effects import Effect, SilenceEffects
from bot.store.store import SqlStore
from tests.alert_examples import alert, group
from tests.databases import until_one_waits_for_a_lock
from tests.services.alerts.room import Room

REQUEST = Request(id="t1", user=UserId("U0DEV1"))
TOLD = Effect(source="default", means=lambda alert: True, says=Text.of("Somebody ended the silence of "))


async def conclude(room: Room) -> None:
    await SilenceEffects(room.store, room.clock, room.bells).conclude(
        REQUEST, "alert.expire", Answer.done(Text.of("done")), None, TOLD
    )


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_it_and_whoever_else_writes_groups_do_not_lock_each_other_out(room: Room, address: str) -> None:
    """The other one has the first group and wants the second next, as a batch of webhooks does."""
    async with room.store.writing() as tx:
        first, second = [await tx.alerts.insert(group(id=key * 26, group_key=key)) for key in "AB"]
    other = SqlStore(address)
    async with asyncio.TaskGroup() as tasks, other.writing() as tx:
        first = await tx.alerts.swap(first)
        tasks.create_task(conclude(room))
        await until_one_waits_for_a_lock(room.store)
        second = await tx.alerts.swap(second)
    await other.close()
    assert [found.version for found in await room.groups()] == [first.version + 1, second.version + 1]
    assert len(await room.notes()) == 2


async def test_when_there_are_too_many_the_gravest_are_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence_effects, "MOST_TOLD", 1)
    async with room.store.writing() as tx:
        for key, severity in (("A", Severity.INFO), ("B", Severity.CRITICAL), ("C", Severity.WARNING)):
            await tx.alerts.insert(group(alert(), id=key * 26, group_key=key, severity=severity))
    await conclude(room)
    assert [found.id[0] for found in await room.groups() if found.version > 1] == ["B"]
