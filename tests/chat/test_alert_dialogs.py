"""The dialogs of alert groups: prefilled, counted while somebody types, and nothing created by looking."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.dialog import COUNT, AssignDialog, SilenceDialog
from bot.domain.alerts.group import AlertGroup, ChangeBefore
from bot.domain.dialog import DetailsDialog
from bot.domain.identity import UserId
from bot.domain.incoming import Incoming, IncomingKind
from bot.sandbox.traffic import Fault
from tests import examples
from tests.alert_desk import LEAD, ONCALL, READER, AlertDesk, open_alert_desk


@pytest.fixture
async def alert_desk(tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path) as opened:
        yield opened


async def opened(alert_desk: AlertDesk, group: AlertGroup, user: str = ONCALL) -> SilenceDialog:
    dialog = (await alert_desk.desk.take(alert_desk.click(user, "alert.silence", group))).dialog
    assert isinstance(dialog, SilenceDialog)
    return dialog


def typed(alert_desk: AlertDesk, group: AlertGroup, user: str = ONCALL, **fields: str) -> Incoming:
    return alert_desk.desk.act(
        IncomingKind.CLICK, user, action=COUNT, value=json.dumps({"group": group.id}), fields=fields
    )


async def test_a_silence_opens_with_the_groups_own_matchers_and_their_count(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group(await alert_desk.fire("apm-api"), await alert_desk.fire("apm-query"))
    dialog = await opened(alert_desk, group)
    assert dialog.fields == {
        "duration": "1h",
        "matchers": 'alertname="HighErrorRate"\ntiphys_application="apm-stack"\ntiphys_environment="production"',
    }
    assert dialog.counted.plain == "Matches 2 alerts that fire now (HighErrorRate)."
    assert dialog.lengths[0] == timedelta(hours=1)
    assert await alert_desk.silences() == []


@pytest.mark.parametrize("cluster", ["x" * 1_964, "x" * 1_990, "x" * 3_000])
async def test_conditions_that_have_no_room_are_not_cut(cluster: str, alert_desk: AlertDesk) -> None:
    """Cut at a line's end they would be fewer, and hide more than this group."""
    group = await alert_desk.group(await alert_desk.fire(cluster=cluster, namespace="apm"))
    dialog = await opened(alert_desk, group)
    assert dialog.fields == {"duration": "1h"}
    assert re.match(
        r"Nothing is filled in: what sets this group apart takes [23],[0-9]{3} characters, and 2,000 have room",
        dialog.counted.plain,
    )
    again = await alert_desk.desk.front.look(typed(alert_desk, group, matchers='namespace="apm"'))
    assert isinstance(again, SilenceDialog)
    assert again.counted.plain == "Matches 1 alert that fires now (HighErrorRate)."


async def test_conditions_that_just_have_room_are_all_there(alert_desk: AlertDesk) -> None:
    rest = len('alertname="HighErrorRate"\ntiphys_application="apm-stack"\ntiphys_environment="production"\ncluster=""')
    dialog = await opened(alert_desk, await alert_desk.group(await alert_desk.fire(cluster="x" * (2_000 - rest))))
    assert len(dialog.fields["matchers"]) == 2_000
    assert dialog.counted.plain == "Matches 1 alert that fires now (HighErrorRate)."


async def test_what_is_typed_is_counted_and_kept_and_nothing_is_recorded(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group(await alert_desk.fire("apm-api"), await alert_desk.fire("apm-query"))
    before = await alert_desk.desk.counts()
    for matchers, says in (
        ('service="apm-api"', "Matches 1 alert that fires now (HighErrorRate)."),
        ('service=~"apm-.*"', "Matches 2 alerts that fire now (HighErrorRate)."),
        ('service="x"', "Matches nothing that fires now."),
        ('service=~"("', "is not a regular expression"),
        ("", "It is empty"),
        ('x=~".*"', "This matches every alert"),
    ):
        dialog = await alert_desk.desk.front.look(typed(alert_desk, group, matchers=matchers, comment="half a wo"))
        assert isinstance(dialog, SilenceDialog)
        assert says in dialog.counted.plain
        assert dialog.fields == {"matchers": matchers, "comment": "half a wo"}
    assert await alert_desk.desk.counts() == before


async def test_who_may_not_silence_learns_no_count(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    assert await alert_desk.desk.front.look(typed(alert_desk, group, READER, matchers="a=b")) is None
    gone = replace(group, id="7" + group.id[1:])  # type: ignore[arg-type]
    assert await alert_desk.desk.front.look(typed(alert_desk, gone, LEAD, matchers="a=b")) is None


@pytest.mark.parametrize(("do", "says"), [("status", "could not be counted"), ("slow", "Alertmanager is slow")])
async def test_it_opens_without_a_count_where_there_is_none(alert_desk: AlertDesk, do: Any, says: str) -> None:
    group = await alert_desk.group()
    path = re.compile(r"^/api/v2/alerts$")
    alert_desk.traffic.add_fault(Fault(id="", service="alertmanager", path=path, do=do, status=503, seconds=2))
    assert says in (await opened(alert_desk, group)).counted.plain


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"matchers": ""}, "matchers"), ({"matchers": 'x=~"("'}, "matchers"), ({"comment": " "}, "comment"),
     ({"other": "99d"}, "other"), ({"duration": "never"}, "duration")],
)  # fmt: skip
async def test_faults_are_told_at_the_field_and_nothing_happens(
    alert_desk: AlertDesk, fields: dict[str, str], field: str
) -> None:
    group = await alert_desk.group()
    known = {"duration": "1h", "matchers": "a=b", "comment": "known"}
    ack = await alert_desk.desk.take(alert_desk.submission(ONCALL, "alert.silence", group, **(known | fields)))
    assert list(ack.errors) == [field]
    await alert_desk.desk.work()
    assert await alert_desk.silences() == []
    [entry] = await alert_desk.desk.audit("received.submission")
    assert (entry.outcome, entry.detail["slug"]) == ("refused", "bad-silence")


async def test_assigning_asks_whom_the_asker_first(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    dialog = (await alert_desk.desk.take(alert_desk.click(ONCALL, "alert.assign", group))).dialog
    assert isinstance(dialog, AssignDialog)
    assert (dialog.group, dialog.assigned_to) == (group.id, ONCALL)


async def test_the_change_before_is_shown_to_who_may_look(alert_desk: AlertDesk) -> None:
    change = await alert_desk.desk.put(examples.change())
    before = ChangeBefore(
        id=change.id, number=change.number, by=UserId("U0DEV1"), shipped_at=examples.NOW, versions="2.15.1"
    )
    group = await alert_desk.group(change=before)
    dialog = (await alert_desk.desk.take(alert_desk.click(READER, "alert.change", group))).dialog
    assert isinstance(dialog, DetailsDialog)
    assert dialog.card.change == change
    assert [item.change for item in await alert_desk.desk.outgoing() if item.key.startswith("card:")] == [change.id]
