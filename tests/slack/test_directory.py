"""The directory: who somebody is at this moment, and never a yes without an answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.identity import CannotVerify, ChannelId, GroupId, Member, MemberKind, UserId
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID
from bot.slack.app import Home, Identity
from bot.slack.directory import SlackDirectory, kind_of

HOME = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)
GRID = Identity(team_id="T1", user_id="U0BOT", bot_id="B0BOT", enterprise_id="E1")
PLATFORM = GroupId("S0PLATFORM")


@pytest.fixture
async def directory(workspace: Any) -> AsyncIterator[SlackDirectory]:
    made = SlackDirectory(workspace.client, Home(workspace.client))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("U0DEV1", MemberKind.MEMBER), ("U0GUEST", MemberKind.GUEST), ("U0EXTERNAL", MemberKind.EXTERNAL),
        ("U0GONE", MemberKind.DEACTIVATED), ("U0ROBOT", MemberKind.BOT),
    ],
)  # fmt: skip
async def test_every_kind_of_user_is_told_apart(directory: SlackDirectory, user: str, kind: MemberKind) -> None:
    found = await directory.member(UserId(user))
    assert isinstance(found, Member)
    assert found.kind is kind


async def test_a_change_is_seen_at_the_next_look(workspace: Any, directory: SlackDirectory) -> None:
    assert (await directory.member(UserId("U0APPR1"))).may_act  # type: ignore[union-attr]
    await workspace.control("PATCH", "/api/users/approver-1", deleted=True)
    assert not (await directory.member(UserId("U0APPR1"))).may_act  # type: ignore[union-attr]
    assert UserId("U0APPR1") in await directory.group_members(PLATFORM)  # type: ignore[operator]
    await workspace.control("PATCH", "/api/usergroups/platform-team", users=["approver-2"])
    assert await directory.group_members(PLATFORM) == frozenset({UserId("U0APPR2")})


@pytest.mark.parametrize(
    "facts",
    [
        {"id": "USLACKBOT", "team_id": TEAM_ID}, {"team_id": TEAM_ID, "is_workflow_bot": True},
        {"team_id": TEAM_ID, "is_bot": True},
    ],
)  # fmt: skip
def test_machines_are_bots(facts: Any) -> None:
    assert kind_of(facts, HOME) is MemberKind.BOT


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"team_id": TEAM_ID, "is_app_user": True}, MemberKind.MEMBER),  # it marks who installed an app
        ({"team_id": TEAM_ID, "is_ultra_restricted": True}, MemberKind.GUEST),
        ({"team_id": "T2"}, MemberKind.EXTERNAL),
        ({}, MemberKind.EXTERNAL),
        ({"team_id": TEAM_ID, "deleted": True, "is_bot": True}, MemberKind.DEACTIVATED),
    ],
)
def test_doubtful_users_are_not_members(facts: Any, kind: MemberKind) -> None:
    assert kind_of(facts, HOME) is kind


def test_on_a_grid_membership_of_our_workspace_counts() -> None:
    both = {"team_id": "T9", "enterprise_user": {"enterprise_id": "E1", "teams": ["T9", "T1"]}}
    other = {"team_id": "T9", "enterprise_user": {"enterprise_id": "E1", "teams": ["T9"]}}
    foreign = {"team_id": "T9", "enterprise_user": {"enterprise_id": "E2", "teams": ["T1"]}}
    assert kind_of(both, GRID) is MemberKind.MEMBER
    assert kind_of(other, GRID) is MemberKind.EXTERNAL
    assert kind_of(foreign, GRID) is MemberKind.EXTERNAL


@pytest.mark.parametrize("do", ["reset", "html", "status"])
async def test_no_answer_is_never_a_yes(workspace: Any, directory: SlackDirectory, do: str) -> None:
    workspace.fault("users.info", do, status=500)
    workspace.fault("usergroups.users.list", do, status=500)
    for asked in (directory.member(UserId("U0DEV1")), directory.group_members(PLATFORM)):
        found = await asked
        assert isinstance(found, CannotVerify)
        assert "could not be asked" in found.reason


async def test_plans_and_scopes_are_named(workspace: Any, directory: SlackDirectory) -> None:
    await workspace.control("PATCH", "/api/slack", plan_upgrade_required=True)
    found = await directory.group_members(PLATFORM)
    assert isinstance(found, CannotVerify)
    assert "this Slack plan has no user groups" in found.reason
    await workspace.control("PATCH", "/api/slack", plan_upgrade_required=False, refuse_scope=["usergroups:read"])
    found = await directory.group_members(PLATFORM)
    assert isinstance(found, CannotVerify)
    assert "lacks usergroups:read" in found.reason


async def test_unknown_people_and_groups_cannot_be_verified(directory: SlackDirectory) -> None:
    assert isinstance(await directory.member(UserId("U0NOBODY")), CannotVerify)
    assert isinstance(await directory.group_members(GroupId("S0NOTHING")), CannotVerify)


async def test_equal_questions_at_once_are_one_request(workspace: Any, directory: SlackDirectory) -> None:
    await asyncio.gather(*(directory.group_members(PLATFORM) for _ in range(20)))
    assert len(workspace.asked("usergroups.users.list")) == 1


async def test_a_limited_group_is_known_for_a_moment_then_not(workspace: Any, directory: SlackDirectory) -> None:
    known = await directory.group_members(PLATFORM)
    workspace.fault("usergroups.users.list", "status", status=429, headers={"Retry-After": "30"})
    assert await directory.group_members(PLATFORM) == known
    assert await directory.group_members(PLATFORM) == known
    assert len(workspace.asked("usergroups.users.list")) == 2  # Slack said how long not to ask
    assert isinstance(await directory.group_members(GroupId("S0OTHER")), CannotVerify)


async def test_where_a_card_could_be_posted(workspace: Any, directory: SlackDirectory) -> None:
    assert await directory.is_in_channel(ChannelId("C0DEPLOY")) is True
    await workspace.control("PATCH", "/api/slack", not_in_channel=["deployments"])
    assert await directory.is_in_channel(ChannelId("C0DEPLOY")) is False
    assert await directory.is_in_channel(ChannelId("C0NOWHERE")) is False
    workspace.fault("conversations.info", "reset")
    assert isinstance(await directory.is_in_channel(ChannelId("C0DEPLOY")), CannotVerify)
