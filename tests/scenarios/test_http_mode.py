"""Slack over HTTP: what is replayed, forged, stale or signed by somebody else has no effect, and the right status."""

import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from bot.sandbox.seeded import APP_ID, TEAM_ID
from tests.scenarios.conftest import Start
from tests.scenarios.evidence import audit
from tests.scenarios.workspace import Workspace

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


def signed(secret: str, body: str) -> dict[str, str]:
    """What somebody who has a secret can send now."""
    at = str(int(time.time()))
    made = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), "sha256").hexdigest()
    return {TIMESTAMP: at, SIGNATURE: f"v0={made}"}


async def test_what_is_not_slacks_or_was_there_before_has_no_effect(start: Start) -> None:
    workspace = await start("--speed", "10", "--slack", "http")
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.settle()
    [command] = await workspace.deliveries(kind="command")
    [click] = await workspace.deliveries(kind="click")
    tokens = (await workspace.call("GET", "/api/ready"))["tokens"]
    before = await evidence(workspace)

    body = await as_approver_2(workspace)
    statuses = {
        "replayed": await workspace.replay(click),
        "replayed as a repeat": await workspace.replay(click, headers={"X-Slack-Retry-Num": "1"}),
        "replayed and signed anew": await workspace.replay(
            click, headers={TIMESTAMP: str(int(time.time()))}, sign=True
        ),
        "replayed command": await workspace.replay(command),
        "forged": await workspace.replay(click, body=body),
        "forged, unsigned": await workspace.replay(click, body=body, headers={SIGNATURE: None}),
        "stale": await workspace.replay(click, headers={TIMESTAMP: str(int(time.time()) - 301)}, sign=True),
        "of the future": await workspace.replay(click, headers={TIMESTAMP: str(int(time.time()) + 301)}, sign=True),
        "signed by another app": await workspace.replay(click, body=body, headers=signed("another-app", body)),
        "signed with the bot token": await workspace.replay(
            click, body=body, headers=signed(tokens["slack"]["bot"], body)
        ),
        "signed for another body": await workspace.replay(command, body=body),
        "unreadable": await workspace.replay(click, body="payload=%7B", sign=True),
        "of another shape": await workspace.replay(click, body={"type": "block_actions", "actions": []}, sign=True),
    }
    assert statuses == {
        **dict.fromkeys(statuses, 401), **dict.fromkeys([name for name in statuses if "replayed" in name], 200),
        "unreadable": 400, "of another shape": 400,
    }  # fmt: skip
    assert await workspace.settle()
    assert await evidence(workspace) == before

    # The same bytes with the right signature are believed: the others were refused for the right reason.
    assert await workspace.replay(click, body=body, headers=signed(tokens["slack"]["signing_secret"], body)) == 200
    await workspace.card_is("succeeded")
    [pull] = await workspace.pulls()
    assert pull["merged"]


async def evidence(workspace: Workspace) -> dict[str, Any]:
    """All that an act could have changed: rows of the audit, the card and its thread, pull requests."""
    card = await workspace.card()
    return {
        "audit": len(await audit(workspace)), "card": card.plain, "thread": card.replies,
        "pulls": [(pull["state"], pull["head"]["sha"]) for pull in await workspace.pulls()],
        "whispers": [await workspace.ephemerals(user) for user in ("developer", "approver-1", "approver-2")],
    }  # fmt: skip


async def as_approver_2(workspace: Workspace) -> str:
    """The body of the approval as if approver-2 had pressed, with a trigger of its own."""
    card = await workspace.card()
    button = next(button for button in card.data["buttons"] if button["action_id"] == "change.approve")
    payload = {
        "type": "block_actions", "trigger_id": "1.2.forged", "api_app_id": APP_ID,
        "team": {"id": TEAM_ID, "domain": "sandbox"},
        "user": {"id": "U0APPR2", "team_id": TEAM_ID, "name": "approver-2"},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": "C0DEPLOY", "is_ephemeral": False},
        "channel": {"id": "C0DEPLOY", "name": "deployments"},
        "actions": [{"type": "button", "action_id": "change.approve", "block_id": "b", "value": button["value"]}],
    }  # fmt: skip
    return urlencode({"payload": json.dumps(payload)})
