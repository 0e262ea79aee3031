"""`alerts [filter…]`: how it is declared and read; what it answers is shown with the services that answer."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.chat import AlertRight
from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.silence import SilenceDraft
from bot.services.alerts.tying import tie_of
from commands.alerts import COMMAND
from tests import alert_examples
from tests.alert_desk import LEAD, READER, AlertDesk, open_alert_desk
from tests.commands.conftest import Typed

DAY = timedelta(days=1)
NOT_STAGING = "    p, role:developer, alerts, get, apm-stack/staging, deny\n"


def test_declaration() -> None:
    assert COMMAND.usage == "alerts [filter]"
    assert (COMMAND.action, COMMAND.slash) == (AlertRight.GET, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("alerts", None),
        ("alerts --page 2", "--page 2"),
        ('alerts prod team=~"a|b" --page 2', 'prod team=~"a|b" --page 2'),
    ],
)
def test_the_whole_line_is_its_own(typed: Typed, words: str, line: str | None) -> None:
    assert typed.args(words).get("filter") == line


async def put(alert_desk: AlertDesk, number: int, environment: str, ago: timedelta) -> None:
    """A group that began so long ago, tied by its labels."""
    labels = {"alertname": f"Alert{number}", "tiphys_application": "apm-stack", "tiphys_environment": environment}
    made = alert_examples.group(
        alert_examples.alert(fingerprint=f"{number:016}", labels=labels), id=AlertGroupId(f"{number:026}"),
        group_key=str(number), group_labels={"alertname": f"Alert{number}"}, version=0,
        opened_at=alert_desk.desk.clock.now() - ago, tie=tie_of(labels, {}, alert_desk.desk.source.current),
    )  # fmt: skip
    async with alert_desk.desk.store.writing() as tx:
        await tx.alerts.insert(made)


async def silence(alert_desk: AlertDesk, environment: str) -> None:
    """One that hides nothing, and began long enough ago to be named for it two hours from now."""
    now = alert_desk.desk.clock.now()
    matchers = tuple(
        Matcher(name=name, operator=Operator.EQUAL, value=value)
        for name, value in (("tiphys_application", "apm-stack"), ("tiphys_environment", environment))
    )
    draft = SilenceDraft(
        matchers=matchers, starts_at=now, ends_at=now + 9 * DAY, created_by="somebody", comment=f"of {environment}"
    )
    await alert_desk.clients["default"].create_silence(draft)


async def test_a_digest_is_of_the_time_that_is_asked_for_and_of_what_the_asker_may_see(tmp_path: Path) -> None:
    async with open_alert_desk(tmp_path, rights=NOT_STAGING) as alert_desk:
        desk = alert_desk.desk
        await silence(alert_desk, "production")
        await silence(alert_desk, "staging")
        desk.clock.at = (desk.clock.at + DAY).replace(hour=12)
        for number, environment, ago in (
            (1, "production", timedelta(hours=1)), (2, "staging", timedelta(hours=2)),
            (3, "production", timedelta(hours=13)), (4, "production", 3 * DAY),
        ):  # fmt: skip
            await put(alert_desk, number, environment, ago)

        async def told(user: str, words: str) -> str:
            return await desk.tell(desk.command(user, f"alerts {words}"))

        for words, began in (("digest", 2), ("digest today", 2), ("digest yesterday", 1), ("digest 7d", 4)):
            assert f"{began} group{'s' * (began > 1)} began to fire" in await told(LEAD, words), words
        everything = await told(LEAD, "digest")
        assert "Still open: 4" in everything
        assert "of staging" in everything
        assert "of production" in everything
        seen = await told(READER, "digest")
        assert "1 group began to fire" in seen
        assert "Still open: 3" in seen
        assert "of production" in seen
        assert "staging" not in seen
        assert "Alert2" not in seen
        for words in ("tomorrow", "0d", "32d", "7"):
            assert f"{words} is no time that I can sum up: say today" in await told(LEAD, f"digest {words}")
