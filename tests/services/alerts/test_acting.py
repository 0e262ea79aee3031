"""Acknowledging, taking it back, assigning: who may, once only, and never a ping for one's own click."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.alerts.group import Acknowledgement, GroupState, Tie, TiedBy
from bot.domain.identity import UserId
from bot.domain.incoming import Incoming
from bot.domain.text import Mention
from bot.services.alerts.opening import Opening
from bot.services.alerts.reconciling import Reconciling
from tests.alert_desk import LEAD, ONCALL, READER, AlertDesk, open_alert_desk
from tests.databases import BOTH

both = pytest.mark.parametrize("address", BOTH, indirect=True)


@pytest.fixture
async def alert_desk(address: str, tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path, url=address) as opened:
        yield opened


async def told(alert_desk: AlertDesk, incoming: Incoming) -> str:
    return await alert_desk.desk.tell(incoming)


async def refusals(alert_desk: AlertDesk, action: str) -> list[str]:
    """The slugs of what was refused."""
    return [str(entry.detail["slug"]) for entry in await alert_desk.desk.audit(action) if entry.outcome == "refused"]


@both
async def test_it_is_acknowledged_once_however_often_it_is_delivered(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    click = alert_desk.click(ONCALL, "alert.acknowledge", group)
    assert await told(alert_desk, click) == "You have HighErrorRate (A1)."
    found, now = await alert_desk.get(), alert_desk.desk.clock.at
    assert found.acknowledged == Acknowledgement(by=UserId(ONCALL), at=now)
    assert found.first_acted_at == now
    assert await alert_desk.notes() == ["✋ developer-2 acknowledged it."]
    assert await alert_desk.touches() == 1
    assert await told(alert_desk, click) == "You have HighErrorRate (A1)."
    assert await alert_desk.get() == found
    assert len(await alert_desk.notes()) == 1
    [entry] = await alert_desk.desk.audit("asked.alert.acknowledge")
    assert (entry.actor, entry.outcome, entry.application, entry.environment) == (
        ONCALL, "done", "apm-stack", "production",
    )  # fmt: skip
    assert entry.detail["group"] == group.id


async def test_who_was_faster_is_named(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    await told(alert_desk, alert_desk.click(ONCALL, "alert.acknowledge", group))
    words = await told(alert_desk, alert_desk.click(LEAD, "alert.acknowledge", group))
    assert words.startswith(f"HighErrorRate (A1) is acknowledged already, by @{ONCALL}")
    assert (await alert_desk.get()).acknowledged == Acknowledgement(by=UserId(ONCALL), at=alert_desk.desk.clock.at)
    assert await refusals(alert_desk, "asked.alert.acknowledge") == ["already"]


async def test_anybody_with_the_right_takes_it_back(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    await told(alert_desk, alert_desk.click(ONCALL, "alert.acknowledge", group))
    assert "no longer acknowledged" in await told(alert_desk, alert_desk.click(LEAD, "alert.unacknowledge", group))
    assert (await alert_desk.get()).acknowledged is None
    assert "is not acknowledged" in await told(alert_desk, alert_desk.click(LEAD, "alert.unacknowledge", group))


@pytest.mark.parametrize("action", ["alert.acknowledge", "alert.unacknowledge", "alert.assign", "alert.silence"])
async def test_who_has_no_right_there_changes_nothing(alert_desk: AlertDesk, action: str) -> None:
    group = await alert_desk.group()
    words = await told(alert_desk, alert_desk.click(READER, action, group))
    assert "You may not do that: it needs alerts, " in words
    assert "apm-stack/production" in words
    assert await alert_desk.get() == group
    assert await alert_desk.notes() == []
    assert "no-permission" in await refusals(alert_desk, "")


@pytest.mark.parametrize(
    "tie",
    [None, Tie(application="apm-stack", environment="production", by=TiedBy.GUESS),
     Tie(application="apm-stack", environment=None, by=TiedBy.LABELS)],
    ids=["no tie", "a guess", "only the application"],
)  # fmt: skip
async def test_where_it_belongs_unsurely_it_takes_the_right_everywhere(alert_desk: AlertDesk, tie: Tie | None) -> None:
    group = await alert_desk.group(tie=tie)
    assert "You may not do that" in await told(alert_desk, alert_desk.click(ONCALL, "alert.acknowledge", group))
    assert "You have HighErrorRate" in await told(alert_desk, alert_desk.click(LEAD, "alert.acknowledge", group))


async def test_what_is_over_needs_nobody(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group(state=GroupState.RESOLVED)
    words = await told(alert_desk, alert_desk.click(ONCALL, "alert.acknowledge", group))
    assert words == "It is over: HighErrorRate (A1) is resolved."
    assert await refusals(alert_desk, "asked.alert.acknowledge") == ["finished"]


async def test_the_assigned_is_told_unless_he_took_it_himself(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    await told(alert_desk, alert_desk.submission(ONCALL, "alert.assign", group, user=ONCALL))
    assert (await alert_desk.get()).assigned_to == ONCALL
    await told(alert_desk, alert_desk.submission(ONCALL, "alert.assign", group, user=LEAD))
    assert (await alert_desk.get()).assigned_to == LEAD
    assert await alert_desk.notes() == ["👤 developer-2 took it.", f"👤 developer-2 assigned it to @{LEAD}."]
    pinged = [part.id for row in await alert_desk.desk.outgoing() if row.text and row.key.startswith("alert-note")
              for part in row.text.parts if isinstance(part, Mention)]  # fmt: skip
    assert set(pinged) <= {LEAD}
    await told(alert_desk, alert_desk.submission(ONCALL, "alert.assign", group, user=""))
    assert (await alert_desk.get()).assigned_to is None


@pytest.mark.parametrize(("user", "says"), [("U0GUEST", "no member here (guest)"), ("U0ROBOT", "no member here (bot)")])
async def test_only_members_are_given_anything(alert_desk: AlertDesk, user: str, says: str) -> None:
    group = await alert_desk.group()
    assert says in await told(alert_desk, alert_desk.submission(ONCALL, "alert.assign", group, user=user))
    assert (await alert_desk.get()).assigned_to is None


async def test_a_lost_race_is_run_again(alert_desk: AlertDesk) -> None:
    """Two who press at once: one has it, the other is told."""
    group = await alert_desk.group()
    first, second = (alert_desk.click(user, "alert.acknowledge", group) for user in (ONCALL, LEAD))
    await alert_desk.desk.take(first)
    await alert_desk.desk.take(second)
    await alert_desk.desk.work()
    answers = [await alert_desk.desk.answer(one) for one in (first, second)]
    assert sum("You have" in answer for answer in answers) == 1
    assert sum("acknowledged already" in answer for answer in answers) == 1
    assert len(await alert_desk.notes()) == 1


async def test_it_runs_out_and_says_so(tmp_path: Path, address: str) -> None:
    async with open_alert_desk(tmp_path, url=address, more=", acknowledged_for: 30m") as alert_desk:
        desk = alert_desk.desk
        group = await alert_desk.group()
        words = await told(alert_desk, alert_desk.click(ONCALL, "alert.acknowledge", group))
        assert words.startswith("You have HighErrorRate (A1) until ")
        found = await alert_desk.get()
        until = desk.clock.at + timedelta(minutes=30)
        assert found.acknowledged is not None
        assert (found.acknowledged.until, found.check_at) == (until, until)
        source = desk.source
        worker = Reconciling(desk.store, alert_desk.clients, Opening(source), source, desk.clock, desk.bells)
        desk.clock.at = until - timedelta(seconds=5)
        await worker.look()
        assert (await alert_desk.get()).acknowledged is not None
        desk.clock.at = until + timedelta(seconds=5)
        await worker.look()
        assert (await alert_desk.get()).acknowledged is None
        assert (await alert_desk.notes())[-1] == "The acknowledgement has run out: nobody has it now."
