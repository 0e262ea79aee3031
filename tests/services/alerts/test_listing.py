"""What fires, as somebody may see it: filtered, in pages, the gravest first."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.group import AlertGroupId, Tie, TiedBy
from bot.domain.alerts.severity import Severity
from tests import alert_examples
from tests.alert_desk import LEAD, ONCALL, AlertDesk, open_alert_desk
from tests.databases import BOTH
from tests.examples import NOW

both = pytest.mark.parametrize("address", BOTH, indirect=True)


@pytest.fixture
async def alert_desk(address: str, tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path, url=address) as opened:
        yield opened


async def put(alert_desk: AlertDesk, number: int, environment: str | None = "production", **facts: object) -> None:
    tie = Tie(application="apm-stack", environment=environment, by=TiedBy.LABELS) if environment else None
    name = f"Alert{number:02}"
    labels = {"alertname": name, "team": "edge" if number % 2 else "apm"}
    group_id = AlertGroupId(f"01J0A1B2C3D4E5F6G7H8J9K0{number:02}")
    known = {"id": group_id, "group_labels": {"alertname": name}, "tie": tie}
    made = alert_examples.group(
        alert_examples.alert(fingerprint=f"{number:016}", labels=labels), group_key=name, version=0, **known | facts
    )
    async with alert_desk.desk.store.writing() as tx:
        await tx.alerts.insert(made)


async def listed(alert_desk: AlertDesk, words: str, user: str = LEAD) -> str:
    return await alert_desk.desk.tell(alert_desk.desk.command(user, f"alerts {words}".strip()))


@both
async def test_by_application_environment_severity_and_matchers(alert_desk: AlertDesk) -> None:
    assert await listed(alert_desk, "") == "Nothing fires."
    await put(alert_desk, 1)
    await put(alert_desk, 2, "staging", severity=Severity.WARNING)
    await put(alert_desk, 3, None, severity=Severity.INFO)
    whole = await listed(alert_desk, "")
    assert whole.startswith("3 groups of alerts (1 critical, 1 warning, 1 info):\n🔥 A1 Alert01 · apm-stack · prod")
    assert [f"Alert0{n}" in whole for n in (1, 2, 3)] == [True] * 3
    for words, numbers in (
        ("prod", {1}), ("apm-stack", {1, 2}), ("apm-stack stg", {2}), ("warning", {2}), ("page", {1}),
        ('alertname="Alert03"', {3}), ("team=edge", {1, 3}), ('prod team="edge", alertname!="Alert02"', {1}),
        ("stg critical", set()),
    ):  # fmt: skip
        found = await listed(alert_desk, words)
        assert {n for n in (1, 2, 3) if f"Alert0{n}" in found} == numbers, words


async def test_regular_expressions_are_alertmanagers_to_evaluate(alert_desk: AlertDesk) -> None:
    """None that a person types is run here: some would keep this process busy for ever."""
    await alert_desk.group(await alert_desk.fire("apm-api"))
    assert "HighErrorRate" in await listed(alert_desk, 'service=~"apm-.+"')
    assert "Nothing fires of service=~" in await listed(alert_desk, 'service=~"((a|a)*)*x"')


async def test_in_pages(alert_desk: AlertDesk) -> None:
    for number in range(1, 13):
        await put(alert_desk, number)
    first = await listed(alert_desk, "prod")
    assert first.startswith("12 groups of alerts (12 critical):")
    assert first.endswith("Page 1 of 2: /gitops alerts prod --page 2")
    second = await listed(alert_desk, "prod --page 2")
    assert second.count("🔥") == 2
    assert second.endswith("Page 2 of 2: /gitops alerts prod --page 1")
    assert await listed(alert_desk, "prod --page 99") == second
    assert (await listed(alert_desk, "")).endswith("Page 1 of 2: /gitops alerts --page 2")


async def test_the_way_to_the_next_page_is_what_was_typed(alert_desk: AlertDesk) -> None:
    """Blanks within quotes are part of what is asked for; what is too long to be repeated is not cut."""
    for number in range(1, 13):
        await put(alert_desk, number)
    for words in ('team!="a  b"', 'prod  team!="  "', 'prod, team!="a",  team!=" b"'):
        assert (await listed(alert_desk, words)).endswith(f"Page 1 of 2: /gitops alerts {words} --page 2")
    for words in (f'team!="{"x" * 300}"', 'team!="a"\nteam!="b"'):
        assert (await listed(alert_desk, words)).endswith("Page 1 of 2: the same with --page 2")


async def test_who_may_not_look_sees_a_number_at_most(alert_desk: AlertDesk) -> None:
    source = alert_desk.desk.source
    text = source.file.read_text("utf-8").replace("default: role:readonly", "default: role:nothing")
    source.file.write_text(text.replace("    g, U0DEV2,", "    g, U0GONE, role:nothing\n    g, U0DEV2,"), "utf-8")
    assert source.reload() == []
    await put(alert_desk, 1)
    await put(alert_desk, 2, "staging")
    await put(alert_desk, 3, None)
    words = await listed(alert_desk, "", ONCALL)
    assert "Alert01" in words
    assert "Alert02" not in words
    assert words.endswith("2 more that you may not look at.")
    assert (await listed(alert_desk, "A2", ONCALL)).startswith(
        "You may not do that: it needs alerts, get, apm-stack/st"
    )
    assert "Alert01" in await listed(alert_desk, "A1", ONCALL)
    assert await listed(alert_desk, "stg", ONCALL) == "Nothing fires of stg. 1 more that you may not look at."


async def test_hostile_names_are_words(alert_desk: AlertDesk) -> None:
    await put(alert_desk, 1, group_labels={"alertname": "<!channel>\n*x*" + "y" * 5_000})
    incoming = alert_desk.desk.command(LEAD, "alerts")
    words = await alert_desk.desk.tell(incoming)
    assert "<!channel> *x*y" in words
    assert len(words) < 400


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("pord", "Did you mean prod"), ("apm-stak", "Did you mean apm-stack"), ("critcal", "Did you mean critical"),
        ("prod prod", "is no application, environment or severity"), ('team="x', "is not closed"),
        ("--paeg 2", "Did you mean --page"), ("--page two", "is no page"), ("ack", "is named as /gitops alerts lists"),
        ("ack A99", "There is no alert group A99."), ("assign A99 @x", "There is no alert group A99."),
    ],
)  # fmt: skip
async def test_what_is_not_clear_is_asked_back(alert_desk: AlertDesk, words: str, says: str) -> None:
    assert says in await listed(alert_desk, words)


async def test_it_is_acted_on_by_number(alert_desk: AlertDesk) -> None:
    await alert_desk.group()
    assert "You have HighErrorRate (A1)." in await listed(alert_desk, "ack a1")
    assert f"✋ @{LEAD}" in await listed(alert_desk, "")
    assert f"is assigned to @{ONCALL}." in await listed(alert_desk, f"assign #1 <@{ONCALL}|developer-2>")
    assert "by mention, me or nobody" in await listed(alert_desk, "assign 1 somebody")
    assert "is assigned to you." in await listed(alert_desk, "assign A1 me")
    assert "no longer acknowledged" in await listed(alert_desk, "unack A1")


async def test_all_alerts_of_a_group_are_told_in_pages_of_those_who_may_look(alert_desk: AlertDesk) -> None:
    many = [alert_examples.alert(f"pod-{n:02}", fingerprint=f"{n:016}") for n in range(25)]
    many[7] = replace(many[7], state=AlertState.RESOLVED, ends_at=NOW)
    made = alert_examples.group(
        *many, version=0, tie=Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
    )
    async with alert_desk.desk.store.writing() as tx:
        await tx.alerts.insert(made)
    first = await listed(alert_desk, "A1")
    assert first.startswith("🔥 A1 HighErrorRate · apm-stack · production · 24 firing, 1 resolved · since")
    assert "\n• pod-00 since 2026-" in first
    assert first.endswith("Page 1 of 2: /gitops alerts A1 --page 2")
    second = await listed(alert_desk, "a1 --page 2")
    assert (second.count("•"), "\n• pod-07 resolved 20" in second, "pod-00" in second) == (5, True, False)
    assert (await listed(alert_desk, "A99")).startswith("There is no alert group A99.")
