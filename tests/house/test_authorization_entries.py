"""Every way in asks the one authorization function: whoever has no right is refused and audited, at each of them.

A new command, button or dialog that is not in these rosters fails here: add it with what a person would do.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.chat.alert_clicks import ALERT_NEEDS
from bot.chat.alert_dialogs import ALERT_DIALOGS
from bot.chat.clicks import NEEDS
from bot.chat.front import DIALOGS
from bot.chat.silence_clicks import SILENCE_NEEDS
from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.dialog import COUNT
from bot.domain.alerts.group import ChangeBefore
from bot.domain.alerts.silence import SilenceAction, SilenceRef
from bot.domain.card import CardAction
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.lifecycle import State
from bot.services.access import written
from tests import alert_examples, examples
from tests.alert_desk import LEAD, READER, open_alert_desk
from tests.desk import COMMANDS, NOBODY_MAY, Desk, open_office

NOBODY = "U0DEV2"
FINGERPRINT = examples.KEY.fingerprint
TYPED = {
    "abort": ["abort #1", "abort #1 wrong version"],
    "alerts": ["alerts", "alerts prod critical", "alerts ack A1", "alerts unack A1", f"alerts assign A1 <@{NOBODY}>"],
    "approve": ["approve #1", f"approve #1 {FINGERPRINT[:6]}", f"approve {examples.CHANGE} {FINGERPRINT}"],
    "promote": ["promote apm-stack prod", "promote apm-stack staging --sync"],
    "reject": ["reject #1 too risky"],
    "silence": [
        "silence",
        "silence list",
        "silence add 2h a=b --comment c",
        "silence extend 1a2b 2h",
        "silence expire 1a2b",
    ],
    "status": ["status", "status apm-stack", "status apm-stack prod"],
}
TELL_ONLY_OF_THE_ASKER = {"help", "whoami"}
NOT_YET = {CardAction.REVERT, CardAction.LOGS}
"""Buttons that no card shows yet and nothing answers to."""
SUBMITTED = {CardAction.APPROVE, CardAction.REJECT}
"""Dialogs that do something when they are submitted."""
STATES = {
    CardAction.SYNC: State.WAITING_FOR_SYNC,
    CardAction.TERMINATE: State.SYNCING,
    CardAction.REBUILD: State.APPROVALS_VOID,
}
"""Where pressing it would do something."""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_office(tmp_path, NOBODY_MAY) as office:
        yield office.desk


async def refused(desk: Desk, incoming: Incoming, right: str) -> None:
    """He is told which right it takes, it is in the audit, and nothing has happened."""
    before = await desk.get()
    told = await desk.tell(incoming)
    assert "You may not do that" in told
    assert right in told
    entries = [entry for entry in await desk.audit() if entry.detail["request"] == incoming.id]
    slugs = {(entry.actor, entry.outcome, entry.detail["slug"]) for entry in entries if entry.outcome == "refused"}
    assert slugs == {(NOBODY, "refused", "no-permission")}
    assert await desk.get() == before
    assert await desk.count("approvals") == 0
    assert await desk.count("changes") == 1
    assert await desk.due_acts() == 0


@pytest.mark.parametrize("name", sorted(TYPED))
async def test_every_command_is_refused_to_who_has_no_right(desk: Desk, name: str) -> None:
    command = next(command for command in COMMANDS if command.name == name)
    assert command.action is not None
    await desk.put(examples.change())
    for words in TYPED[name]:
        await refused(desk, desk.command(NOBODY, words), written(command.action))
        await refused(desk, desk.act(IncomingKind.MENTION, NOBODY, text=words), written(command.action))


@pytest.mark.parametrize("action", sorted(NEEDS))
async def test_every_button_is_refused_to_who_has_no_right(desk: Desk, action: CardAction) -> None:
    state = STATES.get(action, State.WAITING_FOR_APPROVAL)
    change = examples.syncing_change() if state is State.SYNCING else examples.change(state)
    await refused(desk, desk.click(NOBODY, action.value, await desk.put(change)), written(NEEDS[action]))


@pytest.mark.parametrize("action", sorted(SUBMITTED))
async def test_every_submitted_dialog_is_refused_to_who_has_no_right(desk: Desk, action: CardAction) -> None:
    """Dialogs do not vouch for who submits them: rights may be gone since they were opened."""
    change = await desk.put(examples.change())
    incoming = desk.submission(NOBODY, action.value, change, fields={"reason": "too risky"})
    await refused(desk, incoming, written(NEEDS[action]))


async def test_the_same_acts_go_through_for_who_has_the_right(desk: Desk) -> None:
    """So that the refusals above have the right reason."""
    desk.source.file.write_text(NOBODY_MAY + f"    g, {NOBODY}, role:admin\n", "utf-8")
    assert desk.source.reload() == []
    change = await desk.put(examples.change())
    assert "1 open change" in await desk.tell(desk.command(NOBODY, "status"))
    assert ": waiting for approval" in await desk.tell(desk.click(NOBODY, "change.why", change))
    assert "is held" in await desk.tell(desk.click(NOBODY, "change.hold", change))
    assert "is rejected" in await desk.tell(desk.command(NOBODY, "reject #1 too risky"))


def incoming_of(desk: Desk, kind: IncomingKind, action: AlertAction) -> Incoming:
    """What somebody does on the card of the group that stands in our rows, or in its dialog."""
    fields = {"user": NOBODY, "duration": "1h", "matchers": "a=b", "comment": "known"}
    value = json.dumps({"group": alert_examples.GROUP, "change": examples.CHANGE})
    return desk.act(kind, NOBODY, action=action.value, value=value, fields=fields)


@pytest.mark.parametrize(
    ("kind", "action"),
    [(IncomingKind.CLICK, action) for action in AlertAction]
    + [(IncomingKind.SUBMISSION, action) for action in AlertAction if action is not AlertAction.CHANGE],
)
async def test_every_alert_button_and_dialog_is_refused_to_who_has_no_right(
    desk: Desk, kind: IncomingKind, action: AlertAction
) -> None:
    change = await desk.put(examples.change())
    before = ChangeBefore(id=change.id, number=1, by=change.requested_by, shipped_at=examples.NOW, versions="")
    async with desk.store.writing() as tx:
        group = await tx.alerts.insert(alert_examples.group(change=before, version=0))
    await refused(desk, incoming_of(desk, kind, action), written(ALERT_NEEDS[action]))
    async with desk.store.reading() as tx:
        assert await tx.alerts.find(group.id) == group


async def test_typing_in_an_alert_dialog_tells_nothing_to_who_has_no_right(desk: Desk) -> None:
    async with desk.store.writing() as tx:
        await tx.alerts.insert(alert_examples.group(version=0))
    typed = replace(incoming_of(desk, IncomingKind.CLICK, AlertAction.SILENCE), action=COUNT)
    assert await desk.front.look(typed) is None


async def test_every_button_and_dialog_of_a_silence_is_refused_to_who_has_no_right(tmp_path: Path) -> None:
    """What its matchers hide is asked of Alertmanager, so there is one here."""
    async with open_alert_desk(tmp_path) as alert_desk:
        desk = alert_desk.desk
        await desk.tell(desk.command(LEAD, 'silence add 9h alertname="X" --comment known'))
        [made] = await alert_desk.silences()
        ref = SilenceRef(source="default", id=made["id"], ends_at=datetime.fromisoformat(made["endsAt"]))
        fields = {"duration": "1d", "matchers": "a=b", "comment": "known"}
        added = json.dumps({"dialog": SilenceAction.ADD.value})
        entries = (
            (SilenceAction.ADD, desk.command(READER, "silence add")),
            (SilenceAction.ADD, desk.act(IncomingKind.SUBMISSION, READER, action="silence.add", value=added,
                                         fields=fields)),
            (SilenceAction.EXTEND, desk.act(IncomingKind.CLICK, READER, action="silence.extend", value=ref.written())),
            (SilenceAction.EXTEND, desk.act(IncomingKind.SUBMISSION, READER, action="silence.extend",
                                            value=ref.written(), fields=fields)),
            (SilenceAction.EXPIRE, desk.act(IncomingKind.CLICK, READER, action="silence.expire", value=ref.written())),
        )  # fmt: skip
        assert {action for action, _ in entries} == set(SILENCE_NEEDS) == set(SilenceAction)
        for action, incoming in entries:
            told = await desk.tell(incoming)
            assert "You may not do that" in told, incoming
            assert written(SILENCE_NEEDS[action]) in told
            refusals = [e for e in await desk.audit() if e.detail["request"] == incoming.id and e.outcome == "refused"]
            assert {(e.actor, e.detail["slug"]) for e in refusals} == {(READER, "no-permission")}
            assert await alert_desk.silences() == [made]
        for value in (added, ref.written()):
            look = desk.act(IncomingKind.CLICK, READER, action=COUNT, value=value, fields=fields)
            assert await desk.front.look(look) is None


def test_every_alert_button_has_its_right() -> None:
    assert set(ALERT_NEEDS) == set(AlertAction)
    assert {action: ALERT_NEEDS[action] for action in ALERT_DIALOGS} == ALERT_DIALOGS


def test_every_command_is_in_the_roster() -> None:
    assert {command.name for command in COMMANDS if command.action is not None} == set(TYPED)
    assert {command.name for command in COMMANDS if command.action is None} == TELL_ONLY_OF_THE_ASKER


def test_every_button_has_its_right() -> None:
    assert set(NEEDS) | NOT_YET == set(CardAction)
    assert not set(NEEDS) & NOT_YET


def test_a_dialog_takes_the_right_of_its_button() -> None:
    assert {action: NEEDS[action] for action in DIALOGS} == DIALOGS


async def test_no_other_dialog_does_anything_when_it_is_submitted(desk: Desk) -> None:
    """A submission that no dialog of ours asks for is treated as the button: refused all the same."""
    change = await desk.put(examples.change())
    for action in sorted(set(CardAction) - SUBMITTED):
        told = await desk.tell(desk.submission(NOBODY, action.value, change))
        assert "You may not do that" in told or "is not known yet" in told, action
        assert await desk.get() == change


async def test_buttons_of_later_cards_do_nothing(desk: Desk) -> None:
    change = await desk.put(examples.change())
    for action in sorted(NOT_YET):
        assert "not known yet" in await desk.tell(desk.click(NOBODY, action.value, change))
        assert await desk.get() == change
