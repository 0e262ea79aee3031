"""Every finding about the Slack app and its channels, shown by a workspace on a socket."""

import pytest

from bot.checks.finding import Findings
from bot.checks.online import Patience, check_slack
from bot.checks.slack import channels_of
from bot.slack.inspection import SlackInspection
from tests.checks.scene import Case, Scene, as_seeded, the
from tests.config.conftest import WITH_ALERTS, Reading

NO_KNOBS = {"refuse_scope": None, "not_in_channel": None, "plan_upgrade_required": False, "rate_limits": False}


async def check(scene: Scene, *, with_file: bool = True) -> Findings:
    inspection = SlackInspection(
        bot_token=scene.environ["SLACK_BOT_TOKEN"], app_token=scene.environ["SLACK_APP_TOKEN"],
        api_url=scene.environ["SLACK_API_URL"],
    )  # fmt: skip
    try:
        configuration = scene.configuration() if with_file else None
        return await check_slack(inspection, configuration, Patience(answer=5, more=5))
    finally:
        await inspection.close()


def turn(scene: Scene, **knobs: object) -> None:
    scene.change("PATCH", "/api/slack", dict(knobs), back=NO_KNOBS)


def wrong_token(name: str, value: str) -> Case:
    return Case(lambda scene: scene.environ.update({name: value}), "invalid_auth")


def refused(method: str, error: str, **more: str) -> Case:
    answer = {"ok": False, "error": error, **more}
    return Case(lambda scene: scene.slack.bend(f"/api/{method}", document=answer), error)


def silent(method: str) -> Case:
    return Case(lambda scene: scene.slack.bend(f"/api/{method}", status=503, document={"ok": False}), "HTTP 503")


CASES = {
    "slack.workspace": Case(as_seeded, "we are @tiphys in the workspace Sandbox (T0SANDBOX)"),
    "slack.bot-token-refused": wrong_token("SLACK_BOT_TOKEN", "xoxb-wrong-token"),
    "slack.no-answer": silent("auth.test"),
    "slack.scopes": Case(as_seeded, "channels:read, chat:write"),
    "slack.scope-missing": Case(lambda s: turn(s, refuse_scope="users:read"), "lacks users:read, which is needed to"),
    "slack.history-scope-missing": Case(lambda s: turn(s, refuse_scope="groups:history"), "lacks groups:history"),
    "slack.scopes-unknown": Case(
        lambda s: s.slack.bend("/api/auth.test", headers={"x-oauth-scopes": None}), "no header x-oauth-scopes"
    ),
    "slack.socket-mode": Case(as_seeded, "a connection is granted"),
    "slack.app-token-refused": wrong_token("SLACK_APP_TOKEN", "xapp-wrong-token"),
    "slack.app-token-scope": refused("apps.connections.open", "missing_scope", needed="connections:write"),
    "slack.socket-mode-off": refused("apps.connections.open", "socket_mode_not_enabled"),
    "slack.socket-mode-unknown": silent("apps.connections.open"),
    "slack.channel": Case(as_seeded, "we are in #deployments (for apm-stack/development, apm-stack/production,"),
    "slack.channel-not-found": Case(lambda s: s.edit("C0ADMIN", "C0NOWHERE"), "channel_not_found"),
    "slack.channel-archived": Case(
        lambda s: s.change("PATCH", "/api/channels/staging", {"is_archived": True}, back={"is_archived": False}),
        "#staging is archived",
    ),
    "slack.not-in-channel": Case(lambda s: turn(s, not_in_channel="staging"), "we are not in #staging"),
    "slack.channel-unknown": silent("conversations.info"),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    await CASES[slug].run(slug, scene, check)


async def test_a_scope_that_no_header_tells_is_found_by_what_is_refused(scene: Scene) -> None:
    """The calls that are made anyway say what they need; each scope is told once."""
    turn(scene, refuse_scope=["channels:read", "users:read"])
    scene.slack.bend("/api/auth.test", headers={"x-oauth-scopes": None})
    found = await check(scene)
    missing = [finding.evidence for finding in found if finding.slug == "slack.scope-missing"]
    assert len(missing) == 2
    assert missing[0].startswith("conversations.info: missing_scope, needed channels:read, provided app_mentions:read")
    assert missing[1].startswith("users.info: missing_scope, needed users:read")
    the("slack.users-unknown", found)


async def test_a_scope_that_the_header_lacks_is_told_once(scene: Scene) -> None:
    turn(scene, refuse_scope="users:read")
    found = await check(scene)
    assert [finding.subject for finding in found if finding.slug == "slack.scope-missing"] == ["slack"]
    the("slack.users-unknown", found)


async def test_a_bot_that_is_not_in_a_channel_is_told_the_words_to_type(scene: Scene) -> None:
    turn(scene, not_in_channel="staging")
    finding = the("slack.not-in-channel", await check(scene))
    assert finding.fix == "Type `/invite @tiphys` in #staging"
    assert finding.subject == "slack.channels.C0STAGING"


def test_channels_of_alerts_are_looked_at_too() -> None:
    configuration = Reading().with_alerts().good(WITH_ALERTS)
    assert channels_of(configuration) == {"C0ALERTS": ["alerts"], "C0APM": ["alerts"], "C0REST": ["alerts"]}


async def test_without_a_file_the_tokens_are_checked_alone(scene: Scene) -> None:
    found = await check(scene, with_file=False)
    assert [finding.slug for finding in found] == ["slack.workspace", "slack.scopes", "slack.socket-mode"]


async def test_a_refused_bot_token_does_not_hide_the_app_token(scene: Scene) -> None:
    scene.environ["SLACK_BOT_TOKEN"] = "xoxb-wrong-token"
    assert [finding.slug for finding in await check(scene)] == ["slack.bot-token-refused", "slack.socket-mode"]


async def test_nothing_is_posted_or_joined(scene: Scene) -> None:
    await check(scene)
    methods = {path.rpartition("/")[2] for _, path in scene.slack.asked}
    assert methods == {
        "auth.test", "apps.connections.open", "conversations.info", "usergroups.users.list", "users.info",
    }  # fmt: skip
