"""The dialogs of silences: of one that is added, and of one that is to go on. They open for who may, and
nothing happens by looking."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.dialog import COUNT, LENGTH, ExtendDialog, SilenceDialog
from bot.domain.alerts.silence import SilenceRef
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.text import Moment
from bot.sandbox.traffic import Fault
from tests.alert_desk import LEAD, ONCALL, READER, AlertDesk, open_alert_desk

STAGE = 'tiphys_application="apm-stack", tiphys_environment="production"'
TYPED = {"duration": "2h", "matchers": STAGE, "comment": "night shift knows"}
SECOND = "  eu: {url: http://127.0.0.1:9, webhook: {token: {env: ALERTMANAGER_WEBHOOK_TOKEN}}}\n  default: {url"
ADDED = json.dumps({"dialog": "silence.add"})


@pytest.fixture
async def alert_desk(tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path) as opened:
        yield opened


async def silence(alert_desk: AlertDesk, length: str = "90m") -> SilenceRef:
    words = f"silence add {length} {STAGE} --comment known"
    assert "Silenced until" in await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, words))
    [made] = [one for one in await alert_desk.silences() if one["status"]["state"] == "active"]
    return SilenceRef(source="default", id=made["id"], ends_at=datetime.fromisoformat(made["endsAt"]))


def pressed(alert_desk: AlertDesk, ref: SilenceRef, user: str = ONCALL) -> Incoming:
    return alert_desk.desk.act(IncomingKind.CLICK, user, action="silence.extend", value=ref.written())


def submitted(alert_desk: AlertDesk, user: str = ONCALL, **fields: str) -> Incoming:
    return alert_desk.desk.act(
        IncomingKind.SUBMISSION, user, action="silence.add", value=ADDED, fields={**TYPED, "other": "", **fields}
    )


def typed(alert_desk: AlertDesk, value: str, user: str = ONCALL, action: str = COUNT, **fields: str) -> Incoming:
    return alert_desk.desk.act(IncomingKind.CLICK, user, action=action, value=value, fields=fields)


async def test_add_without_words_opens_the_dialog_empty(alert_desk: AlertDesk) -> None:
    await alert_desk.fire()
    for words in ("silence add", "silence  add "):
        ack = await alert_desk.desk.take(alert_desk.desk.command(ONCALL, words))
        assert isinstance(ack.dialog, SilenceDialog)
        assert (ack.dialog.group, ack.dialog.sources, ack.dialog.fields) == (None, ("default",), {"duration": "1h"})
        assert "Nothing is written yet" in ack.dialog.counted.plain
        assert ack.text is None
    assert await alert_desk.desk.due_acts() == 0
    mentioned = alert_desk.desk.act(IncomingKind.MENTION, ONCALL, text="silence add")
    assert "duration: Say for how long" in await alert_desk.desk.tell(mentioned)


async def test_who_may_silence_nothing_is_told_so_and_sees_no_dialog(alert_desk: AlertDesk) -> None:
    ack = await alert_desk.desk.take(alert_desk.desk.command(READER, "silence add"))
    assert ack.dialog is None
    assert ack.text is not None
    assert "You may not do that: alerts, silence" in ack.text.plain
    assert await alert_desk.desk.front.look(typed(alert_desk, ADDED, READER, matchers=STAGE)) is None


async def test_without_an_api_nothing_opens(tmp_path: Path) -> None:
    async with open_alert_desk(tmp_path, api=False) as alert_desk:
        ack = await alert_desk.desk.take(alert_desk.desk.command(ONCALL, "silence add"))
        assert ack.text is not None
        assert "has no url in tiphys.yaml" in ack.text.plain


async def test_what_is_typed_in_it_is_counted_for_who_may_silence_it(alert_desk: AlertDesk) -> None:
    await alert_desk.fire("apm-api")
    await alert_desk.fire("apm-query")
    before = await alert_desk.desk.counts()
    for user, matchers, says in (
        (ONCALL, STAGE, "Matches 2 alerts that fire now (HighErrorRate)."),
        (ONCALL, f'{STAGE}, service="x"', "Matches nothing that fires now."),
        (ONCALL, 'service="apm-api"', "it needs alerts, silence, */*"),
        (LEAD, 'service="apm-api"', "Matches 1 alert that fires now (HighErrorRate)."),
        (ONCALL, 'service=~"("', "is not a regular expression"),
        (ONCALL, " ", "Nothing is written yet"),
    ):
        dialog = await alert_desk.desk.front.look(typed(alert_desk, ADDED, user, matchers=matchers, comment="half a"))
        assert isinstance(dialog, SilenceDialog)
        assert says in dialog.counted.plain
        assert dialog.fields == {"matchers": matchers, "comment": "half a"}
    assert await alert_desk.desk.counts() == before


async def test_it_is_made_as_it_was_asked_for(alert_desk: AlertDesk) -> None:
    await alert_desk.fire()
    incoming = submitted(alert_desk)
    assert (await alert_desk.desk.tell(incoming)).startswith("Silenced until ")
    await alert_desk.desk.tell(incoming)
    [made] = await alert_desk.silences()
    assert made["createdBy"] == f"developer-2 ({ONCALL})"
    assert made["comment"].startswith("night shift knows (tiphys:")
    refused = await alert_desk.desk.tell(submitted(alert_desk, matchers='service="apm-api"'))
    assert "it needs alerts, silence, */*" in refused
    assert len(await alert_desk.silences()) == 1


async def test_of_several_sources_the_chosen_one_is_asked(tmp_path: Path) -> None:
    async with open_alert_desk(tmp_path) as alert_desk:
        file = alert_desk.desk.source.file
        text = file.read_text("utf-8")
        file.write_text(text.replace("  default: {url", SECOND), "utf-8")
        assert alert_desk.desk.source.reload() == []
        alert_desk.clients["eu"] = alert_desk.clients["default"]
        await alert_desk.fire()
        ack = await alert_desk.desk.take(alert_desk.desk.command(ONCALL, "silence add"))
        assert isinstance(ack.dialog, SilenceDialog)
        assert set(ack.dialog.sources) == {"default", "eu"}
        answer = await alert_desk.desk.tell(submitted(alert_desk, source="eu"))
        assert answer.startswith("Silenced until ")
        [entry] = await alert_desk.desk.audit("asked.alert.silence")
        assert entry.detail["source"] == "eu"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"matchers": ""}, "matchers"), ({"comment": " "}, "comment"), ({"other": "99d"}, "other"),
     ({"duration": "never"}, "duration")],
)  # fmt: skip
async def test_faults_are_told_at_the_field(alert_desk: AlertDesk, fields: dict[str, str], field: str) -> None:
    ack = await alert_desk.desk.take(submitted(alert_desk, **fields))
    assert list(ack.errors) == [field]
    await alert_desk.desk.work()
    assert await alert_desk.silences() == []


async def test_extending_shows_when_it_ends_and_when_it_would(alert_desk: AlertDesk) -> None:
    ref = await silence(alert_desk)
    dialog = (await alert_desk.desk.take(pressed(alert_desk, ref))).dialog
    assert isinstance(dialog, ExtendDialog)
    assert dialog.silence == ref
    assert dialog.fields == {"duration": "4h"}  # an hour would end it earlier
    now = alert_desk.desk.clock.at
    assert Moment(now + timedelta(hours=4)) in dialog.then.parts
    assert Moment(ref.ends_at) in dialog.explanation.parts
    assert "alertname" not in dialog.explanation.plain
    assert 'tiphys_application="apm-stack"' in dialog.explanation.plain
    assert dialog.explanation.plain.endswith(f"by developer-2 ({ONCALL}): known")
    before = await alert_desk.desk.counts()
    for fields, says in (
        ({"duration": "1d", "other": ""}, "Then it ends "),
        ({"duration": "1h", "other": ""}, "It ends later than that already"),
        ({"duration": "4h", "other": "soon"}, "It is not a duration"),
    ):
        again = await alert_desk.desk.front.look(typed(alert_desk, ref.written(), action=LENGTH, **fields))
        assert isinstance(again, ExtendDialog)
        assert again.then.plain.startswith(says)
        assert again.fields == fields
    assert await alert_desk.desk.counts() == before


async def test_it_opens_for_who_may_and_while_there_is_something_to_extend(alert_desk: AlertDesk) -> None:
    ref = await silence(alert_desk)
    for user, other, says in (
        (READER, ref, "it needs alerts, silence, apm-stack/production"),
        (ONCALL, SilenceRef(source="default", id="gone", ends_at=ref.ends_at), "no longer known"),
        (ONCALL, SilenceRef(source="eu", id=ref.id, ends_at=ref.ends_at), "has no url"),
    ):
        incoming = pressed(alert_desk, other, user)
        assert (await alert_desk.desk.take(incoming)).dialog is None
        assert says in await alert_desk.desk.answer(incoming)
        assert await alert_desk.desk.front.look(typed(alert_desk, other.written(), user, LENGTH, duration="1d")) is None
    await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"silence expire {ref.id[:8]}"))
    incoming = pressed(alert_desk, ref)
    assert (await alert_desk.desk.take(incoming)).dialog is None
    assert "It is over since" in await alert_desk.desk.answer(incoming)
    unknown = alert_desk.desk.act(IncomingKind.CLICK, ONCALL, action="silence.extend", value="{}")
    assert "no longer known" in await alert_desk.desk.tell(unknown)


@pytest.mark.parametrize(("do", "says"), [("status", "gives no answer now"), ("slow", "it is slow")])
async def test_where_alertmanager_gives_no_answer_nothing_opens_and_that_is_said(
    alert_desk: AlertDesk, do: Any, says: str
) -> None:
    ref = await silence(alert_desk)
    path = re.compile(r"^/api/v2/silences$")
    alert_desk.traffic.add_fault(Fault(id="", service="alertmanager", path=path, do=do, status=503, seconds=2))
    incoming = pressed(alert_desk, ref)
    assert (await alert_desk.desk.take(incoming)).dialog is None
    assert says in await alert_desk.desk.answer(incoming)


async def test_what_would_not_extend_it_is_told_at_the_field(alert_desk: AlertDesk) -> None:
    ref = await silence(alert_desk)
    for fields, field in (
        ({"duration": "1h"}, "duration"), ({"duration": "4h", "other": "1h"}, "other"), ({"other": "x"}, "other"),
        ({"duration": "4h", "comment": "x" * 501}, "comment"),
    ):  # fmt: skip
        incoming = alert_desk.desk.act(
            IncomingKind.SUBMISSION, ONCALL, action="silence.extend", value=ref.written(), fields=fields
        )
        assert list((await alert_desk.desk.take(incoming)).errors) == [field]
    assert await alert_desk.desk.due_acts() == 0
