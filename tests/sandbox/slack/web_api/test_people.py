"""users.* and usergroups.*: people of every kind."""

from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.conftest import Json, Script, error_of


async def user(client: AsyncWebClient, user_id: str) -> Json:
    found: Json = (await client.users_info(user=user_id))["user"]
    return found


async def test_every_kind_shows_by_its_flags(client: AsyncWebClient) -> None:
    developer = await user(client, "U0DEV1")
    assert not any(developer[flag] for flag in ("deleted", "is_bot", "is_restricted"))
    assert developer["team_id"] == "T0SANDBOX"
    assert (await user(client, "U0GUEST"))["is_restricted"]
    external = await user(client, "U0EXTERNAL")
    assert external["is_stranger"]
    assert external["team_id"] != "T0SANDBOX"
    assert (await user(client, "U0GONE"))["deleted"]
    assert (await user(client, "U0ROBOT"))["is_bot"]
    assert (await user(client, "U0TIPHYS"))["profile"]["bot_id"] == "B0TIPHYS"
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_users_come_in_pages(client: AsyncWebClient) -> None:
    first = await client.users_list(limit=6)
    rest = await client.users_list(limit=6, cursor=first["response_metadata"]["next_cursor"])
    assert (len(first["members"]), len(rest["members"])) == (6, 5)
    assert rest["response_metadata"]["next_cursor"] == ""


async def test_user_groups(client: AsyncWebClient, script: Script) -> None:
    (group,) = (await client.usergroups_list(include_users=True))["usergroups"]
    assert (group["id"], group["handle"]) == ("S0PLATFORM", "platform-team")
    assert group["users"] == ["U0APPR1", "U0APPR2", "U0APPR3"]
    await script.patch("/api/usergroups/platform-team", users=["admin", "U0DEV1"])
    listed = await client.usergroups_users_list(usergroup="S0PLATFORM")
    assert listed["users"] == ["U0ADMIN", "U0DEV1"]
    assert await error_of(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


async def test_user_groups_need_a_paid_plan(client: AsyncWebClient, script: Script) -> None:
    await script.patch("/api/slack", plan_upgrade_required=True)
    assert await error_of(client.usergroups_list()) == "plan_upgrade_required"
    assert await error_of(client.usergroups_users_list(usergroup="S0PLATFORM")) == "plan_upgrade_required"
