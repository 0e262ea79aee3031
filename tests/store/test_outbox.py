"""What waits to be shown: cards coalesce, every other key is used once, the most urgent goes first."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.alerts.group import AlertGroup, AlertPlacement, GroupState
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.outgoing import ABOUT_CHANGES, CardPlacement, Outgoing, OutgoingKind, Pick, Urgency
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Text
from bot.store.store import SqlStore
from tests import examples
from tests.alert_examples import ALERTS, group
from tests.examples import CHANGE, DEPLOYMENTS, MINUTE, NOW

REQUEST = Request(id="t1", user=UserId("U0DEV1"), channel=DEPLOYMENTS, respond_to="https://example.com/respond")


@pytest.fixture(autouse=True)
async def _a_change(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change())


async def claim(store: SqlStore, *, limit: int = 9, minutes: int = 0) -> list[Outgoing]:
    """Claim what is due, and let others have it at once."""
    claimed = await store.claims.outbox(NOW + minutes * MINUTE, limit=limit)
    for item in claimed.rows:
        await store.claims.release(item)
    return list(claimed.rows)


async def touch(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.outbox.touch_card(CHANGE, now=NOW)


async def sent(store: SqlStore, item: Outgoing) -> None:
    async with store.writing() as tx:
        await tx.outbox.mark_sent(item)


async def test_many_touches_of_a_card_are_one_row_whose_version_counts_them(store: SqlStore) -> None:
    for _ in range(3):
        await touch(store)
    [item] = await claim(store)
    assert (item.kind, item.change, item.version, item.attempts) == (OutgoingKind.CARD, CHANGE, 3, 1)


async def test_a_card_that_was_touched_while_it_was_sent_stays_due(store: SqlStore) -> None:
    await touch(store)
    [item] = await claim(store)
    await touch(store)
    await sent(store, item)
    [again] = await claim(store)
    assert (again.version, again.attempts) == (2, 1)
    await sent(store, again)
    assert await claim(store) == []


async def test_a_card_is_due_again_with_its_next_touch(store: SqlStore) -> None:
    await touch(store)
    [item] = await claim(store)
    await sent(store, item)
    await touch(store)
    [again] = await claim(store)
    assert (again.id, again.version) == (item.id, 2)


async def test_the_most_urgent_goes_first(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.outbox.notice("reload", ChannelId("C0ADMIN"), Text.of("tiphys.yaml changed"), now=NOW - MINUTE)
        await tx.outbox.note(CHANGE, "ready", Text.of("waits for approval"), now=NOW)
        await tx.outbox.touch_card(CHANGE, now=NOW)
        await tx.outbox.answer(REQUEST, Answer.done(Text.of("This is #1.")), now=NOW)
    kinds = [OutgoingKind.ANSWER, OutgoingKind.CARD, OutgoingKind.NOTE, OutgoingKind.NOTICE]
    assert [item.kind for item in await claim(store, limit=2)] == kinds[:2]
    assert [item.kind for item in await claim(store)] == kinds


async def test_rows_of_one_kind_go_in_their_order(store: SqlStore) -> None:
    async with store.writing() as tx:
        for number in range(4):
            await tx.outbox.note(CHANGE, str(number), Text.of(str(number)), now=NOW)
    assert [item.text for item in await claim(store)] == [Text.of(str(number)) for number in range(4)]


async def test_a_note_a_notice_and_an_answer_are_said_once(store: SqlStore) -> None:
    for words in ("first", "second"):
        async with store.writing() as tx:
            await tx.outbox.note(CHANGE, "ready", Text.of(words), now=NOW)
            await tx.outbox.notice("reload", ChannelId("C0ADMIN"), Text.of(words), now=NOW)
            await tx.outbox.answer(REQUEST, Answer.done(Text.of(words)), now=NOW)
    items = await claim(store)
    assert [item.text for item in items] == [Text.of("first")] * 3
    for item in items:
        await sent(store, item)
    async with store.writing() as tx:
        await tx.outbox.note(CHANGE, "ready", Text.of("third"), now=NOW)
    assert await claim(store) == []


async def test_an_answer_keeps_where_it_goes_and_what_it_is_about(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.outbox.answer(REQUEST, Answer.refusal("no", Text.of("not ", Code("you")), CHANGE), now=NOW)
        await tx.outbox.answer(REQUEST, Answer.refusal("waiting", Text.of("one moment")), now=NOW, what=":waiting")
        await tx.outbox.answer(Request(id="t2", user=UserId("U0DEV1")), Answer.done(Text()), now=NOW)
    first, waiting = await claim(store)
    assert (first.request, first.change, first.channel) == (REQUEST, CHANGE, DEPLOYMENTS)
    assert first.text == Text.of("not ", Code("you"))
    assert waiting.key == "answer:waiting:t1"


async def test_attempts_are_counted_before_the_try(store: SqlStore) -> None:
    await touch(store)
    assert [(await claim(store))[0].attempts for _ in range(3)] == [1, 2, 3]


async def test_what_is_put_off_waits(store: SqlStore) -> None:
    await touch(store)
    [item] = await claim(store)
    async with store.writing() as tx:
        await tx.outbox.postpone(item, until=NOW + MINUTE, error="rate limited")
        assert await tx.outbox.count_due(NOW) == 0
        assert await tx.outbox.next_due(NOW) == NOW + MINUTE
    [again] = await claim(store, minutes=1)
    assert again.attempts == 2


async def test_what_was_touched_meanwhile_is_not_put_off(store: SqlStore) -> None:
    await touch(store)
    [item] = await claim(store)
    await touch(store)
    async with store.writing() as tx:
        await tx.outbox.postpone(item, until=NOW + MINUTE, error="rate limited")
        await tx.outbox.give_up(item, error="channel_not_found")
    assert len(await claim(store)) == 1


async def test_what_is_given_up_is_not_tried_again(store: SqlStore) -> None:
    await touch(store)
    [item] = await claim(store)
    async with store.writing() as tx:
        await tx.outbox.give_up(item, error="channel_not_found")
    assert await claim(store, minutes=999) == []
    await touch(store)
    assert len(await claim(store)) == 1


async def test_a_card_has_one_place(store: SqlStore) -> None:
    first = CardPlacement(change=CHANGE, channel=DEPLOYMENTS, ts=MessageTs("1.1"), digest=None)
    second = CardPlacement(change=CHANGE, channel=DEPLOYMENTS, ts=MessageTs("2.2"), digest="d" * 64)
    async with store.writing() as tx:
        assert await tx.outbox.find_placement(CHANGE) is None
        for placement in (first, second):
            await tx.outbox.set_placement(placement)
            assert await tx.outbox.find_placement(CHANGE) == placement
        await tx.outbox.forget_placement(CHANGE)
        assert await tx.outbox.find_placement(CHANGE) is None


async def of_alerts(store: SqlStore, *, but_into: frozenset[ChannelId] = frozenset(), limit: int = 99) -> list[str]:
    """Keys of what would go next, if all classes of alerts may go, none into those channels."""
    classes = [urgency for urgency in Urgency if urgency not in ABOUT_CHANGES]
    pick = Pick(classes=dict.fromkeys(classes, but_into))
    claimed = await store.claims.outbox(NOW, limit=limit, pick=pick)
    for item in claimed.rows:
        await store.claims.release(item)
    return [item.key for item in claimed.rows]


async def stored(store: SqlStore, name: str, **facts: Any) -> AlertGroup:
    made = group(id=name.ljust(26, "0"), group_key=name, **facts)
    async with store.writing() as tx:
        return await tx.alerts.insert(made)


async def touch_alert(store: SqlStore, touched: AlertGroup, *, minutes: int = 0) -> None:
    async with store.writing() as tx:
        await tx.outbox.touch_alert(touched, now=NOW + minutes * MINUTE)


async def stands(store: SqlStore, shown: AlertGroup) -> None:
    async with store.writing() as tx:
        await tx.alerts.set_placement(AlertPlacement(group=shown.id, channel=ALERTS, ts="1.1", digest=None))
        await tx.outbox.rank_alert(shown)


async def test_alerts_go_by_class_and_in_a_class_by_severity(store: SqlStore) -> None:
    warning = await stored(store, "NEWWARNING", severity=Severity.WARNING)
    critical = await stored(store, "NEWCRITICAL")
    edit = await stored(store, "EDIT")
    final = await stored(store, "FINAL", state=GroupState.RESOLVED, severity=Severity.INFO)
    graver = await stored(store, "GRAVERFINAL", state=GroupState.RESOLVED)
    for shown in (edit, final, graver):
        await stands(store, shown)
    async with store.writing() as tx:
        await tx.outbox.digest("C0ALERTS:today", ALERTS, Text.of("a digest"), now=NOW)
        await tx.outbox.alert_note(edit, "acknowledged", Text.of("a note"), now=NOW)
        for touched in (edit, final, graver, warning, critical):
            await tx.outbox.touch_alert(touched, now=NOW)
        await tx.outbox.touch_card(CHANGE, now=NOW)
    assert await of_alerts(store) == [
        *(f"alert:{of.id}" for of in (critical, warning, graver, final, edit)),
        f"alert-note:{edit.id}:acknowledged", "digest:C0ALERTS:today",
    ]  # fmt: skip
    assert await of_alerts(store, but_into=frozenset({ALERTS})) == []
    assert await of_alerts(store, but_into=frozenset({DEPLOYMENTS}), limit=1) == [f"alert:{critical.id}"]


async def test_what_is_picked_leaves_out_the_other_classes_and_channels(store: SqlStore) -> None:
    new, edit = await stored(store, "NEW", severity=Severity.INFO), await stored(store, "EDIT")
    await stands(store, edit)
    for touched in (new, edit):
        await touch_alert(store, touched)
    await touch(store)
    pick = Pick(classes={Urgency.ALERT_NEW: frozenset({ALERTS}), Urgency.ALERT_EDIT: frozenset()})
    [item] = (await store.claims.outbox(NOW, limit=9, pick=pick)).rows
    assert (item.group, item.channel, item.kind) == (edit.id, ALERTS, OutgoingKind.ALERT)
    assert Urgency.of(item.urgency) is Urgency.ALERT_EDIT
    assert (await store.claims.outbox(NOW, limit=9, pick=Pick(classes={}))).rows == ()
    [card] = (await store.claims.outbox(NOW, limit=9, pick=Pick.of(*ABOUT_CHANGES))).rows
    assert card.kind is OutgoingKind.CARD


async def test_an_alert_card_coalesces_and_keeps_its_turn(store: SqlStore) -> None:
    often, once = await stored(store, "OFTEN"), await stored(store, "ONCE")
    await touch_alert(store, often, minutes=-3)
    await touch_alert(store, once, minutes=-2)
    await touch_alert(store, often, minutes=-1)
    rows = (await store.claims.outbox(NOW, limit=9)).rows
    assert [(row.group, row.version) for row in rows] == [(often.id, 2), (once.id, 1)]


async def test_an_alert_card_that_was_put_off_is_due_with_its_next_touch(store: SqlStore) -> None:
    shown = await stored(store, "SHOWN")
    await touch_alert(store, shown, minutes=-1)
    [item] = await claim(store)
    async with store.writing() as tx:
        await tx.outbox.postpone(item, until=NOW + MINUTE, error="no answer")
    assert await of_alerts(store) == []
    await touch_alert(store, shown)
    assert await of_alerts(store) == [f"alert:{shown.id}"]


async def test_an_alert_card_that_is_over_before_it_is_shown_is_final_once_it_stands(store: SqlStore) -> None:
    shown = await stored(store, "SHOWN")
    await touch_alert(store, shown)
    await touch_alert(store, over := replace(shown, state=GroupState.RESOLVED))
    [item] = await claim(store)
    assert Urgency.of(item.urgency) is Urgency.ALERT_NEW_CRITICAL
    await stands(store, over)
    [item] = await claim(store)
    assert Urgency.of(item.urgency) is Urgency.ALERT_FINAL
    async with store.writing() as tx:
        await tx.alerts.forget_placement(shown.id)
        await tx.outbox.rank_alert(over)
    [item] = await claim(store)
    assert Urgency.of(item.urgency) is Urgency.ALERT_NEW_CRITICAL


async def test_a_note_of_an_alert_waits_for_its_card(store: SqlStore) -> None:
    shown = await stored(store, "SHOWN")
    for words in ("first", "second"):
        async with store.writing() as tx:
            await tx.outbox.alert_note(shown, "acknowledged", Text.of(words), now=NOW)
    assert await of_alerts(store) == []
    await stands(store, shown)
    assert await of_alerts(store) == [f"alert-note:{shown.id}:acknowledged"]


async def test_a_group_without_a_channel_is_shown_nowhere(store: SqlStore) -> None:
    nowhere = await stored(store, "NOWHERE", channel=None)
    await touch_alert(store, nowhere)
    async with store.writing() as tx:
        await tx.outbox.alert_note(nowhere, "acknowledged", Text.of("a note"), now=NOW)
    assert await claim(store) == []
