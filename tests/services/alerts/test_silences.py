"""Silences as they are shown are extended and ended by button: only as they were seen, once, and by who may."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.silence import SilenceRef
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.text import SilenceButtons
from bot.sandbox.traffic import Fault
from tests.alert_desk import LEAD, ONCALL, READER, AlertDesk, open_alert_desk

MATCHERS = 'alertname="HighErrorRate"\ntiphys_application="apm-stack"\ntiphys_environment="production"'
WISH = {"duration": "1h", "matchers": MATCHERS, "comment": "known"}


@pytest.fixture
async def alert_desk(tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path) as opened:
        yield opened


async def silenced(alert_desk: AlertDesk) -> SilenceRef:
    """One of ours, as whoever sees it sees it now."""
    group = await alert_desk.group()
    await alert_desk.desk.tell(alert_desk.submission(ONCALL, "alert.silence", group, **WISH))
    return await seen(alert_desk)


async def seen(alert_desk: AlertDesk) -> SilenceRef:
    live = [one for one in await alert_desk.silences() if one["status"]["state"] == "active"]
    assert len(live) == 1
    return SilenceRef(source="default", id=live[0]["id"], ends_at=datetime.fromisoformat(live[0]["endsAt"]))


async def hidden_by(alert_desk: AlertDesk, ref: SilenceRef) -> None:
    """The group's alerts, as was seen by whoever asked last."""
    group = await alert_desk.get()
    alerts = tuple(replace(alert, silenced_by=(ref.id,)) for alert in group.alerts)
    async with alert_desk.desk.store.writing() as tx:
        await tx.alerts.swap(replace(group, alerts=alerts))


def expire(alert_desk: AlertDesk, user: str, ref: SilenceRef) -> Incoming:
    return alert_desk.desk.act(IncomingKind.CLICK, user, action="silence.expire", value=ref.written())


def extend(alert_desk: AlertDesk, user: str, ref: SilenceRef, **fields: str) -> Incoming:
    return alert_desk.desk.act(
        IncomingKind.SUBMISSION, user, action="silence.extend", value=ref.written(),
        fields={"duration": "4h", "other": "", "comment": ""} | fields,
    )  # fmt: skip


def fault(alert_desk: AlertDesk, path: str, do: Any, **more: Any) -> None:
    alert_desk.traffic.add_fault(Fault(id="", service="alertmanager", path=re.compile(path), do=do, **more))


async def slugs(alert_desk: AlertDesk, action: str) -> list[str | None]:
    return [entry.detail["slug"] for entry in await alert_desk.desk.audit(f"asked.alert.{action}")]


async def test_it_is_extended_as_it_was_seen_and_says_by_whom(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    incoming = extend(alert_desk, LEAD, ref, comment="still known")
    words = await alert_desk.desk.tell(incoming)
    assert words.startswith("The silence is extended until ")
    [longer] = await alert_desk.silences()
    assert abs(datetime.fromisoformat(longer["endsAt"]) - ref.ends_at - timedelta(hours=3)) < timedelta(seconds=9)
    assert longer["id"] == ref.id
    assert longer["createdBy"] == f"developer-2 ({ONCALL})"
    assert longer["comment"].startswith(f"known; extended by approver-1 ({LEAD}): still known (tiphys:")
    [entry] = await alert_desk.desk.audit("asked.alert.extend")
    assert (entry.actor, entry.outcome, entry.detail["silence"]) == (LEAD, "done", ref.id)
    await alert_desk.desk.tell(incoming)  # delivered again
    assert await slugs(alert_desk, "extend") == [None]


async def test_a_second_press_of_the_same_finds_that_it_was_done(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    await alert_desk.desk.tell(extend(alert_desk, ONCALL, ref))
    longer = await seen(alert_desk)
    again = await alert_desk.desk.tell(extend(alert_desk, ONCALL, ref))
    assert again.startswith("Somebody has changed it since you looked: it ends ")
    assert await seen(alert_desk) == longer
    assert "The silence is ended" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, longer))
    assert "It is over since" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, longer))
    assert "It is over since" in await alert_desk.desk.tell(extend(alert_desk, ONCALL, longer))
    assert await slugs(alert_desk, "extend") == [None, "changed", "finished"]
    assert await slugs(alert_desk, "expire") == [None, "finished"]
    assert len(await alert_desk.silences()) == 1


async def test_what_somebody_else_did_meanwhile_is_told_and_stands(alert_desk: AlertDesk) -> None:
    """Also in Alertmanager itself; and the card that showed something else is looked at."""
    ref = await silenced(alert_desk)
    [now] = await alert_desk.silences()
    later = (ref.ends_at + timedelta(hours=9)).isoformat()
    body = {name: now[name] for name in ("id", "matchers", "startsAt", "createdBy", "comment")} | {"endsAt": later}
    assert (await alert_desk.api.post("/api/v2/silences", json=body)).status_code == 200
    for incoming in (expire(alert_desk, ONCALL, ref), extend(alert_desk, ONCALL, ref, duration="1d")):
        assert "Somebody has changed it since you looked" in await alert_desk.desk.tell(incoming)
    [stands] = await alert_desk.silences()
    assert stands["status"]["state"] == "active"
    assert datetime.fromisoformat(stands["endsAt"]) == datetime.fromisoformat(later)
    assert "The silence is ended" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, await seen(alert_desk)))


async def test_after_an_unclear_answer_what_it_did_is_found(alert_desk: AlertDesk) -> None:
    """It ends otherwise than was seen then, and that was his own doing."""
    ref = await silenced(alert_desk)
    fault(alert_desk, r"^/api/v2/silences$", "apply_then_reset", method="POST", left=1)
    incoming = extend(alert_desk, ONCALL, ref)
    await alert_desk.desk.take(incoming)
    await alert_desk.desk.work()
    assert "Waiting for" in await alert_desk.desk.answer(incoming, ":waiting")
    longer = await seen(alert_desk)
    alert_desk.desk.clock.at += timedelta(minutes=1)
    await alert_desk.desk.work()
    assert (await alert_desk.desk.answer(incoming)).startswith("The silence is extended until ")
    assert await seen(alert_desk) == longer
    assert await slugs(alert_desk, "extend") == [None]


async def test_after_an_unclear_answer_to_its_end_that_is_found(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    await hidden_by(alert_desk, ref)
    fault(alert_desk, r"^/api/v2/silence/", "apply_then_reset", method="DELETE", left=1)
    incoming = expire(alert_desk, ONCALL, ref)
    await alert_desk.desk.take(incoming)
    await alert_desk.desk.work()
    assert "Waiting for" in await alert_desk.desk.answer(incoming, ":waiting")
    alert_desk.desk.clock.at += timedelta(minutes=1)
    await alert_desk.desk.work()
    assert (await alert_desk.desk.answer(incoming)).startswith("The silence is ended: ")
    assert await slugs(alert_desk, "expire") == [None]
    assert (await alert_desk.notes())[-1] == "🔕 developer-2 ended the silence of its alerts"


@pytest.mark.parametrize("has_begun", [True, False])
async def test_only_a_process_that_died_on_the_way_may_have_ended_it(alert_desk: AlertDesk, has_begun: bool) -> None:
    """Else it was somebody else, in the moment in which this act arrived."""
    ref = await silenced(alert_desk)
    incoming = expire(alert_desk, ONCALL, ref)
    await alert_desk.desk.take(incoming)
    if has_begun:
        async with alert_desk.desk.store.writing() as tx:
            await tx.inbound.begin(incoming.id)
    assert (await alert_desk.api.delete(f"/api/v2/silence/{ref.id}")).status_code == 200
    await alert_desk.desk.work()
    words = "The silence is ended: " if has_begun else "It is over since "
    assert (await alert_desk.desk.answer(incoming)).startswith(words)
    assert await slugs(alert_desk, "expire") == [None if has_begun else "finished"]


async def test_what_was_over_before_the_act_was_not_ended_by_it(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    assert (await alert_desk.api.delete(f"/api/v2/silence/{ref.id}")).status_code == 200
    alert_desk.desk.clock.at += timedelta(minutes=1)
    fault(alert_desk, r"^/api/v2/silences$", "status", status=503, left=9)
    incoming = expire(alert_desk, ONCALL, ref)
    await alert_desk.desk.take(incoming)
    await alert_desk.desk.work()
    assert "Waiting for" in await alert_desk.desk.answer(incoming, ":waiting")
    alert_desk.traffic.end_faults()
    alert_desk.desk.clock.at += timedelta(minutes=1)
    await alert_desk.desk.work()
    assert (await alert_desk.desk.answer(incoming)).startswith("It is over since ")
    assert await slugs(alert_desk, "expire") == ["finished"]


async def test_it_takes_the_right_for_all_that_it_can_hide(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    for incoming in (expire(alert_desk, READER, ref), extend(alert_desk, READER, ref)):
        assert "it needs alerts, silence, apm-stack/production" in await alert_desk.desk.tell(incoming)
    await alert_desk.desk.tell(expire(alert_desk, ONCALL, ref))
    wide = 'silence add 2h alertname="HighErrorRate" --comment all of them'
    await alert_desk.desk.tell(alert_desk.desk.command(LEAD, wide))
    ref = await seen(alert_desk)
    for incoming in (expire(alert_desk, ONCALL, ref), extend(alert_desk, ONCALL, ref)):
        assert "it needs alerts, silence, */*" in await alert_desk.desk.tell(incoming)
    assert await seen(alert_desk) == ref
    assert "The silence is ended" in await alert_desk.desk.tell(expire(alert_desk, LEAD, ref))


async def test_what_it_hides_now_is_looked_at_too(alert_desk: AlertDesk) -> None:
    """An alert that names one application by a second label belongs to the one that it names first."""
    typed = 'silence add 2h argocd_app="apm-stack", tiphys_environment="production" --comment known'
    await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, typed))
    ref = await seen(alert_desk)
    await alert_desk.fire(tiphys_application="elsewhere", argocd_app="apm-stack")
    assert "it needs alerts, silence, */*" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, ref))
    assert "it needs alerts, silence, */*" in await alert_desk.desk.tell(extend(alert_desk, ONCALL, ref))
    assert await seen(alert_desk) == ref


async def test_what_alertmanager_refuses_is_told_in_its_words(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)
    fault(alert_desk, r"^/api/v2/silences$", "status", method="POST", status=400, left=1)
    words = await alert_desk.desk.tell(extend(alert_desk, ONCALL, ref))
    assert words.startswith("Alertmanager refused: ")
    assert words.endswith("Nothing was changed.")
    unknown = SilenceRef(source="default", id="gone", ends_at=ref.ends_at)
    assert "no longer known" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, unknown))
    elsewhere = SilenceRef(source="eu", id=ref.id, ends_at=ref.ends_at)
    assert "has no url" in await alert_desk.desk.tell(expire(alert_desk, ONCALL, elsewhere))
    assert await slugs(alert_desk, "expire") == ["no-such-silence", "no-api"]


async def test_a_list_has_buttons_where_the_asker_may_press_them(alert_desk: AlertDesk) -> None:
    ref = await silenced(alert_desk)

    async def buttons(user: str) -> list[SilenceRef]:
        incoming = alert_desk.desk.command(user, "silence list")
        assert ref.id[:8] in await alert_desk.desk.tell(incoming)
        [row] = [row for row in await alert_desk.desk.outgoing() if row.key == f"answer:{incoming.id}"]
        assert row.text is not None
        return [part.silence for part in row.text.parts if isinstance(part, SilenceButtons)]

    assert await buttons(ONCALL) == [ref]
    assert await buttons(READER) == []


async def test_a_list_says_what_is_not_known(alert_desk: AlertDesk) -> None:
    async def listed() -> str:
        return await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, "silence list"))

    assert await listed() == "No silence is in force."
    fault(alert_desk, r"^/api/v2/silences$", "status", status=503)
    words = await listed()
    assert words.startswith("Whether any silence is in force is not known.\ndefault: no answer (")


async def test_where_no_alertmanager_has_an_api_nothing_is_known_of_silences(tmp_path: Path) -> None:
    async with open_alert_desk(tmp_path, api=False) as deaf:
        words = await deaf.desk.tell(deaf.desk.command(ONCALL, "silence list"))
    assert words.startswith("The Alertmanager has no url in tiphys.yaml")
