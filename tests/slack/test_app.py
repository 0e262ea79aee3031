"""The app and its client take nothing from the environment, and say who we are or why not."""

import logging
from typing import Any

import pytest

from bot.ports import Denied, Unavailable
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID
from bot.slack.app import Identity, build_app, identify, sdk_logger, web_client

HOME = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)


async def test_we_learn_who_we_are(workspace: Any) -> None:
    assert await identify(workspace.client) == HOME


async def test_a_bad_token_is_refused_in_words(workspace: Any) -> None:
    with pytest.raises(Denied, match="the bot token is refused: invalid_auth"):
        await identify(web_client("xoxb-wrong", workspace.api_url, workspace.client.session))


@pytest.mark.parametrize("fault", [{"do": "reset"}, {"do": "html", "status": 503}, {"do": "status", "status": 429}])
async def test_no_answer_is_no_refusal(workspace: Any, fault: Any) -> None:
    workspace.fault("auth.test", **fault)
    with pytest.raises(Unavailable):
        await identify(workspace.client)


async def test_a_proxy_in_the_environment_is_not_used(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = web_client(workspace.client.token, workspace.api_url, workspace.client.session)
    assert await identify(client) == HOME


async def test_slack_variables_do_not_change_the_app(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from-the-environment")
    app = build_app(workspace.client, HOME)
    assert app.oauth_flow is None
    assert app.client is workspace.client
    assert app.process_before_response


def test_the_sdk_logs_neither_tokens_nor_tickets(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger=sdk_logger().name):
        sdk_logger().error("%s failed with %s", "wss://x.example.com/link/?ticket=abc-123&app_id=A1", "xoxb-1-secret")
        sdk_logger().error("no answer from https://hooks.example.com/commands/T1/2/secret")
    assert "abc-123" not in caplog.text
    assert "secret" not in caplog.text
    sdk_logger().warning("a whole payload")
    assert "payload" not in caplog.text
