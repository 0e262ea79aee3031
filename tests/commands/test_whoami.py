"""`whoami`: how it is declared and read, and what it tells of the asker."""

from pathlib import Path

import pytest

from commands.whoami import COMMAND
from tests.commands.conftest import Typed
from tests.desk import open_office


def test_declaration() -> None:
    assert COMMAND.usage == "whoami"
    assert COMMAND.usage_hint == ""
    assert (COMMAND.action, COMMAND.slash) == (None, True)


@pytest.mark.parametrize("words", ["whoami", "WhoAmI", " whoami "])
def test_it_takes_nothing(typed: Typed, words: str) -> None:
    assert typed.means(words, COMMAND)
    assert typed.refusal("whoami again") == (
        "too-many-arguments",
        "I do not know what to do with “again”. Usage: whoami. For example whoami.",
    )


async def test_it_tells_id_groups_roles_and_rights(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        desk = office.desk
        told = await desk.tell(desk.command("U0APPR1", "whoami"))
        assert told.splitlines() == [
            "You are approver-1 (U0APPR1), a member.",
            "User groups: S0PLATFORM. Roles: role:readonly and role:release.",
            "apm-stack/development: get, promote, sync and abort; alerts: get",
            "apm-stack/staging: get, promote, sync and abort; alerts: get",
            "apm-stack/production: get, promote, sync, approve, reject and abort; alerts: get",
            "Alerts of no sure application: get",
        ]
        assert "In people: as developer." in await desk.tell(desk.command("U0DEV1", "whoami"))
        assert "Only members of this workspace may act." in await desk.tell(desk.command("U0GUEST", "whoami"))


async def test_it_tells_the_rights_to_alerts(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        desk = office.desk
        file = desk.source.file
        file.write_text(
            file.read_text("utf-8")
            + "    p, U0DEV2, alerts, silence, */staging, allow\n    p, U0DEV2, alerts, acknowledge, */*, allow\n",
            "utf-8",
        )
        assert desk.source.reload() == []
        told = await desk.tell(desk.command("U0DEV2", "whoami"))
        assert "apm-stack/staging: get; alerts: get, acknowledge and silence" in told
        assert "apm-stack/production: get; alerts: get and acknowledge" in told
        assert "Alerts of no sure application: get and acknowledge" in told


async def test_slack_is_asked_few_questions_however_many_rights_there_are(tmp_path: Path) -> None:
    """It allows 20 about user groups in a minute."""
    async with open_office(tmp_path) as office:
        await office.desk.tell(office.desk.command("U0APPR1", "whoami"))
        asked = [request.path for request in office.traffic.requests(service="slack")[0]]
        assert 1 <= sum("usergroups.users.list" in path for path in asked) <= 3
        assert sum("users.info" in path for path in asked) <= 4


async def test_it_says_what_cannot_be_verified(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        desk = office.desk
        office.people.settings.plan_upgrade_required = True
        told = await desk.tell(desk.command("U0APPR1", "whoami"))
        assert "Cannot verify: this Slack plan has no user groups" in told
        assert "apm-stack/production: get" in told
        office.silence("users.info")
        assert "I cannot look you up" in await desk.tell(desk.command("U0APPR1", "whoami"))
