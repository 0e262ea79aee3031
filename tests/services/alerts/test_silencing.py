"""Silences are real ones: who may, what they hide, made once, extended, ended, and shown inert."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.group import AlertGroup
from bot.domain.incoming import Incoming
from bot.sandbox.traffic import Fault
from tests.alert_desk import LEAD, ONCALL, READER, AlertDesk, open_alert_desk
from tests.databases import BOTH

both = pytest.mark.parametrize("address", BOTH, indirect=True)
EXACTLY = 'alertname="HighErrorRate"\ntiphys_application="apm-stack"\ntiphys_environment="production"'


@pytest.fixture
async def alert_desk(address: str, tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path, url=address) as opened:
        yield opened


def wanted(alert_desk: AlertDesk, group: AlertGroup, user: str = ONCALL, **fields: str) -> Incoming:
    known = {"duration": "1h", "matchers": EXACTLY, "comment": "known, a fix is on its way"}
    return alert_desk.submission(user, "alert.silence", group, **(known | fields))


def fault(alert_desk: AlertDesk, path: str, do: Any, **more: Any) -> None:
    alert_desk.traffic.add_fault(Fault(id="", service="alertmanager", path=re.compile(path), do=do, **more))


async def slugs(alert_desk: AlertDesk, action: str = "asked.alert.") -> list[str | None]:
    return [entry.detail["slug"] for entry in await alert_desk.desk.audit(action)]


@both
async def test_a_real_silence_with_who_why_and_our_id(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group(await alert_desk.fire("apm-api"), await alert_desk.fire("apm-query"))
    incoming, now = wanted(alert_desk, group), alert_desk.desk.clock.at
    words = await alert_desk.desk.tell(incoming)
    [silence] = await alert_desk.silences()
    assert silence["createdBy"] == f"developer-2 ({ONCALL})"
    assert re.fullmatch(r"known, a fix is on its way \(tiphys:[0-9A-HJKMNP-TV-Z]{26}\)", silence["comment"])
    assert silence["status"]["state"] == "active"
    assert abs(datetime.fromisoformat(silence["endsAt"]) - (now + timedelta(hours=1))) < timedelta(seconds=1)
    assert {(m["name"], m["value"], m["isRegex"], m["isEqual"]) for m in silence["matchers"]} == {
        ("alertname", "HighErrorRate", False, True), ("tiphys_application", "apm-stack", False, True),
        ("tiphys_environment", "production", False, True),
    }  # fmt: skip
    assert "It hides 2 alerts that fire now." in words
    assert f" /gitops silence expire {silence['id'][:8]}" in words
    found = await alert_desk.get()
    assert (found.check_at, found.first_acted_at) == (now, now)
    [note] = await alert_desk.notes()
    assert note.startswith("🔕 developer-2 silenced its alerts until ")
    assert note.endswith(": known, a fix is on its way")
    await alert_desk.desk.tell(incoming)
    assert len(await alert_desk.silences()) == 1
    [entry] = await alert_desk.desk.audit("asked.alert.silence")
    assert (entry.outcome, entry.detail["silence"]) == ("done", silence["id"])


@both
async def test_after_an_unclear_answer_it_is_found_and_not_made_again(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    fault(alert_desk, r"^/api/v2/silences$", "apply_then_reset", method="POST", left=1)
    incoming = wanted(alert_desk, group)
    await alert_desk.desk.take(incoming)
    await alert_desk.desk.work()
    assert len(await alert_desk.silences()) == 1
    assert "Waiting for" in await alert_desk.desk.answer(incoming, ":waiting")
    alert_desk.desk.clock.at += timedelta(minutes=1)
    await alert_desk.desk.work()
    assert "Silenced until" in await alert_desk.desk.answer(incoming)
    assert len(await alert_desk.silences()) == 1
    assert len(await alert_desk.notes()) == 1


@pytest.mark.parametrize(
    ("matchers", "needs"),
    [
        ('alertname="HighErrorRate"', "alerts, silence, */*"),
        ('alertname="HighErrorRate", tiphys_application="apm-stack"', "alerts, silence, apm-stack/*"),
        ('tiphys_application="apm-stack", tiphys_environment="staging"', "alerts, silence, apm-stack/staging"),
        ('tiphys_application=~"apm-stack", tiphys_environment="production"', "alerts, silence, */*"),
        ('tiphys_application!="other", tiphys_environment="production"', "alerts, silence, */*"),
    ],
)
async def test_who_widens_it_needs_the_right_for_all_that_it_may_hide(
    alert_desk: AlertDesk, matchers: str, needs: str
) -> None:
    """The matchers are his to edit; where he may silence is not."""
    group = await alert_desk.group()
    words = await alert_desk.desk.tell(wanted(alert_desk, group, matchers=matchers))
    assert f"You may not do that: it needs {needs}." in words
    assert await alert_desk.silences() == []
    assert await slugs(alert_desk) == ["no-permission"]
    await alert_desk.desk.tell(wanted(alert_desk, group, LEAD, matchers=matchers))
    assert len(await alert_desk.silences()) == 1


async def test_what_it_would_hide_now_is_looked_at_too(alert_desk: AlertDesk) -> None:
    """An alert that names one application by a second label belongs to the one that it names first."""
    group = await alert_desk.group()
    await alert_desk.fire(tiphys_application="elsewhere", argocd_app="apm-stack")
    words = await alert_desk.desk.tell(
        wanted(alert_desk, group, matchers='argocd_app="apm-stack", tiphys_environment="production"')
    )
    assert "alerts, silence, */*" in words
    assert await alert_desk.silences() == []


async def test_what_alertmanager_refuses_is_told_in_its_words(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    words = await alert_desk.desk.tell(wanted(alert_desk, group, LEAD, matchers=r'alertname=~"(?<=x)y"'))
    assert await alert_desk.silences() == [] or "Silenced" in words
    fault(alert_desk, r"^/api/v2/silences$", "status", method="POST", status=400, left=1)
    words = await alert_desk.desk.tell(wanted(alert_desk, group))
    assert words.startswith("Alertmanager refused: ")
    assert words.endswith("Nothing was changed.")
    assert "refused" in await slugs(alert_desk)


async def test_without_an_api_nothing_can_be_silenced(tmp_path: Path, address: str) -> None:
    async with open_alert_desk(tmp_path, url=address, api=False) as alert_desk:
        group = await alert_desk.group()
        words = await alert_desk.desk.tell(wanted(alert_desk, group))
        assert words == "The Alertmanager of default has no url in tiphys.yaml, so nothing can be silenced there."
        assert await slugs(alert_desk) == ["no-api"]


async def test_it_is_listed_extended_and_expired(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    await alert_desk.desk.tell(wanted(alert_desk, group))
    [silence] = await alert_desk.silences()
    short = silence["id"][:8]
    listed = await alert_desk.desk.tell(alert_desk.desk.command(READER, "silence list"))
    assert listed.startswith(f"1 silence:\n{short} until ")
    assert 'alertname="HighErrorRate", tiphys_application="apm-stack"' in listed
    assert f"by developer-2 ({ONCALL}), known, a fix is on its way" in listed
    assert "tiphys:" not in listed
    for words in (f"silence extend {short} 4h", f"silence expire {short}"):
        refused = await alert_desk.desk.tell(alert_desk.desk.command(READER, words))
        assert "it needs alerts, silence, apm-stack/production" in refused
    assert (await alert_desk.silences())[0]["endsAt"] == silence["endsAt"]
    extended = await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"silence extend {short} 4h"))
    assert extended.startswith("The silence is extended until ")
    [longer] = await alert_desk.silences()
    assert (longer["id"], longer["createdBy"]) == (silence["id"], silence["createdBy"])
    assert longer["comment"].startswith(silence["comment"].removesuffix(")"))
    assert datetime.fromisoformat(longer["endsAt"]) > datetime.fromisoformat(silence["endsAt"]) + timedelta(hours=2)
    again = await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"silence extend {short} 1h"))
    assert again.startswith("It ends later than that already")
    assert "ended" in await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"silence expire {short}"))
    [over] = await alert_desk.silences()
    assert over["status"]["state"] == "expired"
    assert "It is over since" in await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"silence expire {short}"))
    assert await alert_desk.desk.tell(alert_desk.desk.command(READER, "silence list")) == "No silence is in force."


async def test_it_is_added_as_typed(alert_desk: AlertDesk) -> None:
    await alert_desk.fire()
    typed = 'silence add 90m tiphys_application=apm-stack, tiphys_environment="production" --comment night shift knows'
    words = await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, typed))
    assert "It hides 1 alert that fires now." in words
    [silence] = await alert_desk.silences()
    assert silence["comment"].startswith("night shift knows (tiphys:")
    wrong = await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, f"{typed} --source eu"))
    assert wrong == "There is no Alertmanager eu; there are default."


async def test_what_others_wrote_is_inert(alert_desk: AlertDesk) -> None:
    """Nobody proves who he is there: authors and comments are anybody's words."""
    body = {
        "matchers": [{"name": "alertname", "value": "<!channel>", "isRegex": False}], "createdBy": "<@U0ADMIN>",
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "comment": "<!here> <https://evil.example.com|ok> *bold*\n" + "x" * 10_000,
    }  # fmt: skip
    assert (await alert_desk.api.post("/api/v2/silences", json=body)).status_code == 200
    incoming = alert_desk.desk.command(LEAD, "silence list")
    words = await alert_desk.desk.tell(incoming)
    assert "<!here> <https://evil.example.com|ok> *bold*" in words
    assert len(words) < 1_000
    texts = [row.text for row in await alert_desk.desk.outgoing() if row.key == f"answer:{incoming.id}" and row.text]
    assert {part.type for text in texts for part in text.parts} <= {"plain", "code", "moment", "silence"}


async def test_a_silence_that_is_no_silence(alert_desk: AlertDesk) -> None:
    for words in ("silence expire", "silence expire 12", "silence expire ffffffff", "silence extend ffffffff 2h"):
        answer = await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, words))
        assert "silence list" in answer, words
