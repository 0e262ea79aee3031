"""People who type slash commands over HTTP, as Slack sends them: signed, each with a trigger of its own."""

import hmac
import time
from functools import partial
from urllib.parse import urlencode

from bot.sandbox.seeded import TEAM_ID, TOKENS
from tests.bench.over_http import Callers

SECRET = TOKENS.slack_signing_secret.encode()
FIELDS = {
    "token": "x", "team_id": TEAM_ID, "team_domain": "sandbox", "channel_id": "C0DEPLOY", "channel_name": "deployments",
    "user_id": "U0DEV1", "user_name": "developer", "command": "/promote", "text": "apm-stack prod",
    "api_app_id": "A0TIPHYS", "is_enterprise_install": "false", "response_url": "http://127.0.0.1:9/commands/x",
}  # fmt: skip


def people(port: int) -> Callers:
    """Who talk with the bot at that port."""
    return Callers(port, partial(_request, port))


def _request(port: int, number: int) -> bytes:
    body = urlencode({**FIELDS, "trigger_id": f"{port}.{number}.x"}).encode()
    at = b"%d" % time.time()
    made = hmac.new(SECRET, b"v0:%s:%s" % (at, body), "sha256").hexdigest().encode()
    return (
        b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"X-Slack-Request-Timestamp: %s\r\nX-Slack-Signature: v0=%s\r\nContent-Length: %d\r\n\r\n%s"
        % (at, made, len(body), body)
    )
