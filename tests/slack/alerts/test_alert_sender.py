"""Alert cards at Slack's pace: each stands once, and the newest truth is shown."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.alerts.group import Acknowledgement, AlertPlacement
from bot.domain.alerts.severity import Severity
from bot.domain.identity import UserId
from bot.domain.lifecycle import State
from bot.domain.text import Text
from bot.slack.alert_sender import AlertSender
from bot.slack.posting import Posting
from bot.slack.sender import Sender
from bot.tasks import TaskSet
from bot.wake import Bell
from tests.alert_examples import ALERTS
from tests.slack.alerts.alert_desk import PINGED, AlertDesk
from tests.slack.alerts.conftest import Eventually, Settled
from tests.slack.conftest import StoredOutbox

MANY = [f"Many-{number}" for number in range(40)]


async def test_a_card_is_posted_once_and_edited_in_place(desk: AlertDesk, settled: Settled) -> None:
    [shown] = await desk.put("HighErrorRate")
    await settled()
    [first] = await desk.messages()
    assert first["metadata"] == {"event_type": "tiphys_alert", "event_payload": {"group": shown.id}}
    await desk.over("HighErrorRate")
    await settled()
    [second] = await desk.messages()
    assert (second["ts"], await desk.cards()) == (first["ts"], {"HighErrorRate": "resolved"})
    assert (len(desk.asked("chat.postMessage")), len(desk.asked("chat.update"))) == (1, 1)


async def test_an_unchanged_card_needs_no_call(desk: AlertDesk, settled: Settled) -> None:
    await desk.put("HighErrorRate")
    await settled()
    for _ in range(3):
        await desk.put("HighErrorRate")
        await settled()
    assert [request["path"].split("/")[-1] for request in desk.asked("")] == ["chat.postMessage"]


async def test_the_first_message_pings_whom_the_route_names_and_no_edit_does(desk: AlertDesk, settled: Settled) -> None:
    await desk.put("HighErrorRate", severity=Severity.CRITICAL)
    await settled()
    [posted] = desk.asked("chat.postMessage")
    assert PINGED in str(posted["body"]["blocks"])
    await desk.put("HighErrorRate", severity=Severity.CRITICAL, is_flapping=True)
    await settled()
    [edit] = desk.asked("chat.update")
    assert PINGED not in str(edit["body"])


async def test_what_somebody_has_taken_pings_nobody_and_names_them_with_an_edit(
    desk: AlertDesk, settled: Settled
) -> None:
    taken = Acknowledgement(by=UserId("U0DEV1"), at=desk.clock.now())
    await desk.put("HighErrorRate", severity=Severity.CRITICAL, acknowledged=taken)
    await settled()
    [posted], [edit] = desk.asked("chat.postMessage"), desk.asked("chat.update")
    assert "<@" not in str(posted["body"])
    assert "'user'" not in str(posted["body"]["blocks"])
    assert PINGED not in str(posted["body"])
    assert "U0DEV1" in str(edit["body"]["blocks"])
    [card] = await desk.messages()
    assert "@developer" in card["plain"]


@pytest.mark.parametrize("do", ["apply_then_reset", "reset", "status", "html"])
async def test_one_card_whatever_becomes_of_the_answer(desk: AlertDesk, settled: Settled, do: str) -> None:
    desk.workspace.fault("chat.postMessage", do, left=1, status=503)
    await desk.put("HighErrorRate")
    await settled()
    await desk.over("HighErrorRate")
    desk.later(60)
    await settled()
    assert await desk.cards() == {"HighErrorRate": "resolved"}


async def test_a_card_that_was_touched_often_before_its_first_try_is_not_looked_for(
    desk: AlertDesk, settled: Settled
) -> None:
    """Looking costs a call, and in a storm every card is touched often before its turn."""
    await desk.crash()
    for _ in range(3):
        await desk.put("HighErrorRate")
    desk.begin()
    await settled()
    assert (len(desk.asked("chat.postMessage")), desk.asked("conversations.history")) == (1, [])


async def test_a_deleted_card_is_posted_again_at_its_next_update_and_pings_nobody(
    desk: AlertDesk, settled: Settled
) -> None:
    await desk.put("HighErrorRate", severity=Severity.CRITICAL)
    await settled()
    [gone] = await desk.messages()
    await desk.workspace.control("DELETE", f"/api/channels/alerts/messages/{gone['ts']}")
    await desk.put("HighErrorRate", severity=Severity.CRITICAL, is_flapping=True)
    await settled()
    [card] = await desk.messages()
    assert card["ts"] != gone["ts"]
    assert PINGED not in str(desk.asked("chat.postMessage")[-1]["body"])


async def test_what_is_over_before_it_was_shown_is_shown_all_the_same_where_no_storm_is(
    desk: AlertDesk, settled: Settled
) -> None:
    await desk.over("HighErrorRate")
    await settled()
    assert await desk.cards() == {"HighErrorRate": "resolved"}


async def test_a_note_waits_for_the_card_and_stands_in_its_thread_once(desk: AlertDesk, caught_up: Settled) -> None:
    await desk.crash()
    [shown] = await desk.put("HighErrorRate")
    async with desk.store.writing() as tx:
        await tx.outbox.alert_note(shown, "flapping", Text.of("It flaps."), now=desk.clock.now())
    desk.workspace.fault("chat.postMessage", "apply_then_reset", left=2)
    desk.begin()
    await caught_up()
    [card] = await desk.messages()
    assert [reply["plain"] for reply in card["replies"]] == ["It flaps."]


async def note_on_a_card_that_is_gone(desk: AlertDesk, settled: Settled) -> None:
    [shown] = await desk.put("HighErrorRate", severity=Severity.CRITICAL)
    await settled()
    lost = AlertPlacement(group=shown.id, channel=ALERTS, ts="1700000000.000001", digest="old")
    await desk.queue.set_alert_placement(lost)
    async with desk.store.writing() as tx:
        await tx.outbox.alert_note(shown, "flapping", Text.of("It flaps."), now=desk.clock.now())


async def test_a_note_of_a_card_that_is_gone_waits_for_the_next_one(
    desk: AlertDesk, settled: Settled, caught_up: Settled
) -> None:
    await note_on_a_card_that_is_gone(desk, settled)
    await desk.put("HighErrorRate", severity=Severity.CRITICAL, is_flapping=True)
    await caught_up()
    assert [[reply["plain"] for reply in card["replies"]] for card in await desk.messages()].count(["It flaps."]) == 1
    assert sum(PINGED in str(request["body"]) for request in desk.asked("chat.postMessage")) == 1


async def test_it_waits_for_as_long_as_the_card_stays_away(
    desk: AlertDesk, settled: Settled, caught_up: Settled, eventually: Eventually
) -> None:
    """Its second try looks first whether the first one came through, in a thread that is gone."""
    await note_on_a_card_that_is_gone(desk, settled)
    desk.bell.ring()

    async def looked() -> bool:
        desk.later(60)
        return len(desk.asked("conversations.replies")) > 0

    await eventually(looked)
    await desk.put("HighErrorRate", severity=Severity.CRITICAL, is_flapping=True)
    await caught_up()
    assert [[reply["plain"] for reply in card["replies"]] for card in await desk.messages()].count(["It flaps."]) == 1


async def test_a_digest_is_said_once(desk: AlertDesk, settled: Settled) -> None:
    desk.workspace.fault("chat.postMessage", "apply_then_reset", left=1)
    async with desk.store.writing() as tx:
        await tx.outbox.digest("today", ALERTS, Text.of("Yesterday: 3 groups."), now=desk.clock.now())
    desk.bell.ring()
    await settled()
    desk.later(60)
    await settled()
    assert [message["plain"] for message in await desk.messages()] == ["Yesterday: 3 groups."]


async def test_a_group_that_goes_to_no_channel_any_more_is_given_up(desk: AlertDesk, settled: Settled) -> None:
    await desk.workspace.control("PATCH", "/api/slack", not_in_channel=["alerts"])
    await desk.put("HighErrorRate")
    await settled()
    assert await desk.messages() == []
    await desk.workspace.control("PATCH", "/api/slack", not_in_channel=[])
    await desk.put("HighErrorRate")
    await settled()
    assert await desk.cards() == {"HighErrorRate": "firing"}


async def test_what_waits_for_its_turn_shows_the_newest_state(
    desk: AlertDesk, settled: Settled, eventually: Eventually
) -> None:
    await desk.crash()
    desk.begin(scale=8)
    await desk.put(*MANY[:6])
    await eventually(lambda: desk.asked("chat.postMessage"))
    await desk.over(*MANY[:6])
    await settled()
    assert set((await desk.cards()).values()) == {"resolved"}
    assert len(desk.asked("chat.postMessage")) + len(desk.asked("chat.update")) < 12


async def test_only_the_process_that_leads_sends_alerts(desk: AlertDesk, settled: Settled) -> None:
    await settled()

    class Follower:
        is_ours = False

    sender = AlertSender(Follower(), Posting(desk.workspace.client, desk.pace), desk.clock, Bell())  # type: ignore[arg-type]
    assert not await sender.start_next()


async def test_a_change_does_not_wait_for_a_storm(desk: AlertDesk, samples: Any, eventually: Eventually) -> None:
    """At Slack's real limits, which the server enforces: its card is right long before the alerts are through."""
    await desk.crash()
    await desk.workspace.control("PATCH", "/api/slack", rate_limits=True, scale=1)
    desk.begin(scale=1)
    outbox, bell, tasks = StoredOutbox(desk.store, desk.clock, samples), Bell(), TaskSet("changes")
    sender = Sender(outbox, Posting(desk.workspace.client, desk.pace), desk.clock, bell)
    tasks.start(sender.run(), name="sender")
    change = samples.change(channel=ALERTS)
    await desk.put(*MANY, severity=Severity.CRITICAL)
    await eventually(lambda: len(desk.asked("chat.postMessage")) > 2)
    for state in (State.WAITING_FOR_APPROVAL, State.MERGING):
        await outbox.show(replace(change, state=state))
        bell.ring()

    async def is_right() -> bool:
        return any("merging" in message["text"] for message in await desk.messages())

    await eventually(is_right, 5)
    await tasks.close()
    await sender.close(patience=0)
    assert await desk.due() > 20
    assert {request["status"] for request in desk.asked("")} == {200}
