"""What the inspection asks of Slack, over a real connection; what it means is judged in `bot/checks`."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.identity import ChannelId, GroupId, UserId
from bot.sandbox.seeded import TOKENS
from bot.slack.calls import Done, Limited, Refused, Unknown
from bot.slack.inspection import SlackInspection, Workspace, why_not
from bot.slack.manifest import SCOPES


@pytest.fixture
async def inspection(workspace: Any) -> AsyncIterator[SlackInspection]:
    opened = SlackInspection(
        bot_token=TOKENS.slack_bot, app_token=TOKENS.slack_app, api_url=str(workspace.client.base_url)
    )
    yield opened
    await opened.close()


async def test_who_we_are_and_what_the_token_may(inspection: SlackInspection) -> None:
    found = await inspection.workspace()
    assert isinstance(found, Workspace)
    assert (found.name, found.bot, found.identity.team_id) == ("Sandbox", "tiphys", "T0SANDBOX")
    assert found.scopes == frozenset(SCOPES)


async def test_a_scope_that_was_taken_away_is_not_told(workspace: Any, inspection: SlackInspection) -> None:
    await workspace.control("PATCH", "/api/slack", refuse_scope=["users:read"])
    found = await inspection.workspace()
    assert isinstance(found, Workspace)
    assert found.scopes == frozenset(SCOPES) - {"users:read"}


async def test_every_other_question_is_one_request(workspace: Any, inspection: SlackInspection) -> None:
    assert isinstance(await inspection.connection(), Done)
    assert isinstance(await inspection.channel(ChannelId("C0DEPLOY")), Done)
    assert isinstance(await inspection.group(GroupId("S0PLATFORM")), Done)
    assert isinstance(await inspection.user(UserId("U0DEV1")), Done)
    for method in ("apps.connections.open", "conversations.info", "usergroups.users.list", "users.info"):
        assert len(workspace.asked(method)) == 1


async def test_the_app_level_token_is_only_for_the_connection(workspace: Any) -> None:
    swapped = SlackInspection(
        bot_token=TOKENS.slack_app, app_token=TOKENS.slack_bot, api_url=str(workspace.client.base_url)
    )
    try:
        assert await swapped.workspace() == Refused(
            "not_allowed_token_type", {"ok": False, "error": "not_allowed_token_type"}
        )
        assert why_not(await swapped.connection()) == "not_allowed_token_type"
    finally:
        await swapped.close()


def test_what_is_no_yes_is_told_in_a_few_words() -> None:
    assert why_not(Limited(12.4)) == "rate limited for 12 s"
    assert why_not(Unknown("HTTP 503")) == "no answer: HTTP 503"
    assert why_not(Done({})) == "ok"
