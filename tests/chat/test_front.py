"""Where everything that people do arrives."""

import json

import pytest

from bot.domain.content_key import FINGERPRINT_PREFIX
from bot.domain.dialog import ApproveDialog, DetailsDialog, DiffDialog, ReasonDialog
from bot.domain.incoming import Ack, IncomingKind
from bot.domain.lifecycle import State
from bot.domain.request import Answer
from bot.domain.text import Text
from tests import examples
from tests.desk import NOBODY_MAY, Desk, Office, value_of


async def test_a_command_is_one_row_and_one_audit_entry_before_it_is_answered(desk: Desk) -> None:
    incoming = desk.command("U0DEV1", "status")
    assert await desk.take(incoming) == Ack()
    assert await desk.due_acts() == 1
    [entry] = await desk.audit()
    assert (entry.actor, entry.action, entry.outcome, entry.text) == (
        "U0DEV1", "received.command", "done", "gitops status",
    )  # fmt: skip
    assert entry.detail["request"] == incoming.id


@pytest.mark.parametrize("words", ["status", "promote apm-stak prod", "approve #1"])
async def test_a_repeated_delivery_gets_the_same_answer_and_leaves_no_second_trace(desk: Desk, words: str) -> None:
    await desk.put(examples.change())
    incoming = desk.command("U0APPR1", words)
    first = await desk.take(incoming)
    before = await desk.counts()
    assert await desk.take(incoming) == first
    assert await desk.counts() == before


async def test_a_misread_command_is_answered_at_once_and_is_done(desk: Desk) -> None:
    ack = await desk.take(desk.command("U0DEV1", "promote apm-stak prod"))
    assert ack.text is not None
    assert "Did you mean apm-stack?" in ack.text.plain
    assert await desk.due_acts() == 0
    assert await desk.outgoing() == []
    [entry] = await desk.audit()
    assert (entry.outcome, entry.detail["slug"]) == ("refused", "unknown-application")


async def test_a_misread_mention_is_answered_through_the_outbox(desk: Desk) -> None:
    incoming = desk.act(IncomingKind.MENTION, "U0DEV1", text="promot apm-stack prod")
    assert await desk.take(incoming) == Ack()
    assert await desk.due_acts() == 0
    assert "Did you mean promote" in await desk.answer(incoming)


async def test_a_slash_command_of_its_own_is_its_verb(desk: Desk) -> None:
    act = desk.act(IncomingKind.COMMAND, "U0DEV1", action="promote", text="apm-stack nowhere")
    ack = await desk.take(act)
    assert ack.text is not None
    assert "apm-stack has no environment nowhere" in ack.text.plain


@pytest.mark.parametrize("kind", IncomingKind)
async def test_what_is_refused_on_the_way_in_is_recorded_told_and_never_worked_off(
    desk: Desk, kind: IncomingKind
) -> None:
    change = await desk.put(examples.change())
    facts = {"action": "change.approve", "value": value_of(change), "text": "approve #1 abcdef"}
    incoming = desk.act(kind, "U0EXTERNAL", **facts)
    ack = await desk.front.take(incoming, refusal=Answer.refusal("foreign-workspace", Text.of("Not from there.")))
    told = ack.text.plain if ack.text else await desk.answer(incoming)
    assert told == "Not from there."
    assert await desk.due_acts() == 0
    [entry] = await desk.audit()
    assert (entry.actor, entry.outcome, entry.detail["slug"]) == ("U0EXTERNAL", "refused", "foreign-workspace")
    assert (await desk.counts())["approvals"] == 0


@pytest.mark.parametrize("action", ["change.approve", "change.abort", "change.why", "change.sync"])
async def test_a_click_waits_to_be_worked_off(desk: Desk, action: str) -> None:
    change = await desk.put(examples.change())
    assert await desk.take(desk.click("U0APPR1", action, change)) == Ack()
    assert await desk.due_acts() == 1


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("change.dance", json.dumps({"change": examples.CHANGE, "fingerprint": ""})),
        ("change.approve", "{"),
        ("change.approve", ""),
        ("change.details", json.dumps({"change": "9" * 400, "fingerprint": ""})),
    ],
)
async def test_an_unknown_button_is_told_so(desk: Desk, action: str, value: str) -> None:
    await desk.put(examples.change())
    incoming = desk.act(IncomingKind.CLICK, "U0APPR1", action=action, value=value)
    assert await desk.take(incoming) == Ack()
    assert "no longer known" in await desk.answer(incoming)
    assert await desk.due_acts() == 0


@pytest.mark.parametrize(
    ("action", "kind"),
    [("change.details", DetailsDialog), ("change.diff", DiffDialog), ("change.reject", ReasonDialog)],
)
async def test_a_dialog_opens_for_who_may_see_it_and_is_done(desk: Desk, action: str, kind: type) -> None:
    change = await desk.put(examples.change())
    ack = await desk.take(desk.click("U0APPR1", action, change))
    assert isinstance(ack.dialog, kind)
    assert await desk.due_acts() == 0


async def test_a_dialog_is_refused_to_who_may_not(desk: Desk) -> None:
    change = await desk.put(examples.change())
    incoming = desk.click("U0DEV1", "change.reject", change)
    assert await desk.take(incoming) == Ack()
    assert "changes, reject, apm-stack/production" in await desk.answer(incoming)
    [entry] = await desk.audit()
    assert (entry.outcome, entry.detail["slug"], entry.change) == ("refused", "no-permission", change.id)


async def test_looking_is_possible_after_the_end_and_rejecting_is_not(desk: Desk) -> None:
    change = await desk.put(examples.change(State.EXPIRED, reason="nobody decided in time"))
    assert isinstance((await desk.take(desk.click("U0DEV1", "change.details", change))).dialog, DetailsDialog)
    incoming = desk.click("U0APPR1", "change.reject", change)
    assert (await desk.take(incoming)).dialog is None
    assert await desk.answer(incoming) == "It is over: #1 is expired (nobody decided in time)."


async def test_a_dialog_for_an_unknown_change_or_stage_is_refused(desk: Desk) -> None:
    absent = desk.click("U0DEV1", "change.details", examples.change())
    await desk.take(absent)
    assert await desk.answer(absent) == "I do not know this change. Type /gitops status for the open ones."
    gone = await desk.put(examples.change(environment="nowhere"))
    for action in ("change.diff", "change.reject"):
        of_gone = desk.click("U0DEV1", action, gone)
        await desk.take(of_gone)
        assert await desk.answer(of_gone) == "apm-stack → nowhere is no longer in tiphys.yaml."


async def test_what_its_card_offers_can_be_pressed_where_the_stage_is_gone(desk: Desk) -> None:
    """Looking is all that is offered then, to whoever may look at anything."""
    gone = await desk.put(examples.change(environment="nowhere"))
    pressed = desk.click("U0DEV1", "change.details", gone)
    dialog = (await desk.take(pressed)).dialog
    assert isinstance(dialog, DetailsDialog)
    assert [action.value for action in dialog.card.actions] == ["change.details"]
    assert dialog.card.change == await desk.get()
    desk.source.file.write_text(NOBODY_MAY, "utf-8")
    desk.source.reload()
    refused = desk.click("U0DEV1", "change.details", gone)
    assert (await desk.take(refused)).dialog is None
    assert "changes, get" in await desk.answer(refused)


async def test_a_dialog_whose_rights_cannot_be_verified_is_not_opened(office: Office) -> None:
    desk = office.desk
    change = await desk.put(examples.change())
    office.silence("users.info")
    incoming = desk.click("U0APPR1", "change.reject", change)
    assert await desk.take(incoming) == Ack()
    assert "cannot verify who you are" in await desk.answer(incoming)


async def test_a_directory_that_hangs_is_not_waited_for(office: Office) -> None:
    desk = office.desk
    change = await desk.put(examples.change())
    office.silence("users.info", "slow", seconds=4)
    incoming = desk.click("U0APPR1", "change.reject", change)
    assert await desk.take(incoming) == Ack()
    assert "could not verify your rights in time" in await desk.answer(incoming)


async def test_approve_alone_opens_the_summary_that_carries_the_fingerprint(desk: Desk) -> None:
    await desk.put(examples.change())
    ack = await desk.take(desk.command("U0APPR1", "approve #1"))
    assert isinstance(ack.dialog, ApproveDialog)
    assert ack.dialog.fingerprint == examples.KEY.fingerprint
    short = await desk.take(desk.command("U0APPR1", f"approve 1 {'a' * (FINGERPRINT_PREFIX - 1)}"))
    assert isinstance(short.dialog, ApproveDialog)


async def test_approve_with_the_fingerprint_is_an_approval(desk: Desk) -> None:
    await desk.put(examples.change())
    assert await desk.take(desk.command("U0APPR1", f"approve #1 {examples.KEY.fingerprint[:6]}")) == Ack()
    assert await desk.due_acts() == 1


async def test_approve_alone_is_refused_to_who_may_not(desk: Desk) -> None:
    await desk.put(examples.change())
    ack = await desk.take(desk.command("U0DEV2", "approve #1"))
    assert ack.dialog is None
    assert ack.text is not None
    assert "changes, approve, apm-stack/production" in ack.text.plain


async def test_approve_alone_in_a_mention_asks_for_the_fingerprint(desk: Desk) -> None:
    """Dialogs can only be opened for an act that came with a trigger."""
    await desk.put(examples.change())
    mention = desk.act(IncomingKind.MENTION, "U0APPR1", text="approve #1")
    assert "add the first 6 characters" in await desk.tell(mention)
    assert await desk.count("approvals") == 0


async def test_a_rejection_without_a_reason_keeps_the_dialog_open(desk: Desk) -> None:
    change = await desk.put(examples.change())
    ack = await desk.take(desk.submission("U0APPR1", "change.reject", change, fields={"reason": "  "}))
    assert list(ack.errors) == ["reason"]
    assert await desk.due_acts() == 0
    assert await desk.outgoing() == []
    again = await desk.take(desk.submission("U0APPR1", "change.reject", change, fields={"reason": "too risky"}))
    assert again == Ack()
    assert await desk.due_acts() == 1


async def test_what_was_typed_is_kept_bounded_in_the_audit(desk: Desk) -> None:
    await desk.take(desk.command("U0DEV1", "status " + "x" * 3000))
    [entry] = await desk.audit()
    assert len(entry.text) <= 500
