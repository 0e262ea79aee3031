"""Every endpoint of the bot, as the fuzz knows it: one line each in `ENDPOINTS`.

`bodies` are documented bodies that would be believed if they were signed; `sign` is how; `damaged` are signed bodies
in which something that must be there is missing or of another shape. An endpoint that takes no body has none of them.
"""

import copy
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from bot.sandbox.seeded import TEAM_ID, TOKENS
from tests.services.alerts.room import body
from tests.web.raw import Header, signed

WEBHOOK_SECRET = TOKENS.github_webhook_secret
ARGOCD_WEBHOOK_TOKEN = "made-up-argocd-webhook-token"
JSON: Header = ("Content-Type", "application/json")
FORM: Header = ("Content-Type", "application/x-www-form-urlencoded")
Body = tuple[Header, bytes]


@dataclass(frozen=True)
class Endpoint:
    path: str
    method: str = "GET"
    bodies: st.SearchStrategy[Body] | None = None
    damaged: st.SearchStrategy[Body] | None = None
    sign: Callable[[bytes, float], list[Header]] | None = None  # of a body, at a time
    is_stamped: bool = True  # the signature is over the time too
    is_over_bytes: bool = True  # a signature, and no password
    is_recorded: bool = True  # what is believed becomes a row

    def __str__(self) -> str:
        return self.path


Case = tuple[dict[str, Any], tuple[str | int, ...]]
"""A payload, and a place in it."""

COMMAND: dict[str, Any] = {
    "team_id": TEAM_ID, "channel_id": "C0DEPLOY", "user_id": "U0DEV1", "command": "/gitops", "text": "status",
    "response_url": "http://127.0.0.1:9/commands/x", "trigger_id": "1.2.command",
}  # fmt: skip
MENTION: dict[str, Any] = {
    "type": "event_callback", "team_id": TEAM_ID, "event_id": "Ev1",
    "event": {"type": "app_mention", "user": "U0DEV1", "channel": "C0DEPLOY", "ts": "1.2", "text": "<@U0TIPHYS> help"},
}  # fmt: skip
PERSON = {"user": {"id": "U0DEV1", "team_id": TEAM_ID}, "team": {"id": TEAM_ID}}
CLICK: dict[str, Any] = {
    **PERSON, "type": "block_actions", "trigger_id": "1.2.click", "channel": {"id": "C0DEPLOY"},
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0DEPLOY"},
    "actions": [{"type": "button", "action_id": "change.approve", "block_id": "b", "value": "{}"}],
}  # fmt: skip
SUBMISSION: dict[str, Any] = {
    **PERSON, "type": "view_submission", "trigger_id": "1.2.submission",
    "view": {
        "type": "modal", "callback_id": "change.reject", "private_metadata": "{}",
        "state": {"values": {"reason": {"reason": {}}}},
    },
}  # fmt: skip
MUST_BE_THERE: tuple[Case, ...] = (
    (COMMAND, ("user_id",)), (COMMAND, ("channel_id",)), (MENTION, ("event",)), (MENTION, ("event", "channel")),
    (CLICK, ("user",)), (CLICK, ("user", "id")), (CLICK, ("actions",)), (CLICK, ("actions", 0)),
    (SUBMISSION, ("user",)), (SUBMISSION, ("user", "id")), (SUBMISSION, ("view",)),
)  # fmt: skip
MUST_BE_TEXT: tuple[Case, ...] = (
    (COMMAND, ("trigger_id",)), (COMMAND, ("text",)), (MENTION, ("event_id",)), (MENTION, ("event", "text")),
    (MENTION, ("event", "ts")), (CLICK, ("trigger_id",)), (CLICK, ("actions", 0, "value")),
    (CLICK, ("actions", 0, "action_id")), (CLICK, ("container", "message_ts")), (CLICK, ("team", "id")),
    (SUBMISSION, ("view", "callback_id")), (SUBMISSION, ("view", "private_metadata")),
    (SUBMISSION, ("view", "state", "values", "reason", "reason", "value")), *MUST_BE_THERE,
)  # fmt: skip
ALERTS: dict[str, Any] = json.loads(body(("a", "firing"), ("b", "resolved")))
ALERTS_NEED: tuple[tuple[str | int, ...], ...] = (
    ("version",), ("alerts",), ("alerts", 0, "status"), ("alerts", 0, "labels"), ("alerts", 1, "startsAt"),
)  # fmt: skip
NOTIFICATION: dict[str, Any] = {"schema": 1, "app": "apm-stack-production", "namespace": "argocd"}
NO_TEXT = st.sampled_from([1, 0.5, True, ["x"], {"x": "y"}, [[]], "\ud800", "a\0b"])
REMOVED = object()


def written(payload: dict[str, Any]) -> Body:
    """As Slack writes it: a command as a form, an event as JSON, an interaction as JSON in a form."""
    if payload.get("type") in ("event_callback", "url_verification"):
        return JSON, json.dumps(payload).encode()
    if "command" in payload:
        return FORM, urlencode(payload, errors="surrogatepass").encode()
    return FORM, urlencode({"payload": json.dumps(payload)}).encode()


def altered(payload: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(payload)
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    if value is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def slack_damaged() -> st.SearchStrategy[Body]:
    missing = st.tuples(st.sampled_from(MUST_BE_THERE), st.sampled_from([REMOVED, None, "", []]))
    misshapen = st.tuples(st.sampled_from([case for case in MUST_BE_TEXT if case[0] is not COMMAND]), NO_TEXT)
    unsound = st.tuples(st.sampled_from([case for case in MUST_BE_TEXT if case[0] is COMMAND]), st.just("a\0b"))
    return (
        st.one_of(missing, misshapen, unsound).filter(_is_damage).map(lambda case: written(altered(*case[0], case[1])))
    )


def _is_damage(case: tuple[tuple[dict[str, Any], tuple[str | int, ...]], Any]) -> bool:
    """A form knows no null and no list: they become words."""
    (payload, _), value = case
    return not (payload is COMMAND and value in (None, []))


def _damaged(case: tuple[Case, Any]) -> Body:
    (payload, path), value = case
    return written(altered(payload, path, value))


def slack_signature(body: bytes, at: float) -> list[Header]:
    return signed(TOKENS.slack_signing_secret, body, at=at)


def github_signature(body: bytes, at: float) -> list[Header]:
    return [("X-Hub-Signature-256", "sha256=" + hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest())]


def alertmanager_proof(body: bytes, at: float) -> list[Header]:
    return [("Authorization", f"Bearer {TOKENS.alertmanager}")]


def argocd_proof(body: bytes, at: float) -> list[Header]:
    return [("Authorization", f"Bearer {ARGOCD_WEBHOOK_TOKEN}")]


def now() -> float:
    return time.time()


ENDPOINTS = (
    Endpoint("/healthz"),
    Endpoint("/readyz"),
    Endpoint("/metrics"),
    Endpoint(
        "/slack/events", "POST", sign=slack_signature, damaged=slack_damaged(),
        bodies=st.sampled_from([COMMAND, MENTION, CLICK, SUBMISSION]).map(written),
    ),
    Endpoint(
        "/webhooks/github", "POST", sign=github_signature, is_stamped=False, is_recorded=False,
        bodies=st.sampled_from([{"repository": {"full_name": "example/apm"}}, {"repository": {"full_name": "x/y"}}])
        .map(lambda body: (JSON, json.dumps(body).encode())),
        damaged=st.sampled_from([None, [], {}, {"repository": None}, {"repository": {"full_name": 7}}])
        .map(lambda body: (JSON, json.dumps(body).encode())),
    ),
    Endpoint(
        "/webhooks/alertmanager", "POST", sign=alertmanager_proof, is_stamped=False, is_over_bytes=False,
        is_recorded=False, bodies=st.sampled_from([ALERTS]).map(lambda body: (JSON, json.dumps(body).encode())),
        damaged=st.tuples(st.sampled_from(ALERTS_NEED), st.sampled_from([REMOVED, None, 7, ["x"], "x"])).map(
            lambda case: (JSON, json.dumps(altered(ALERTS, *case)).encode())
        ),
    ),
    Endpoint(
        "/webhooks/argocd", "POST", sign=argocd_proof, is_stamped=False, is_over_bytes=False, is_recorded=False,
        bodies=st.sampled_from([NOTIFICATION]).map(lambda body: (JSON, json.dumps(body).encode())),
        damaged=st.tuples(st.sampled_from([*NOTIFICATION]), st.one_of(NO_TEXT, st.just(REMOVED))).map(
            lambda case: (JSON, json.dumps(altered(NOTIFICATION, (case[0],), case[1])).encode())
        ),
    ),
)  # fmt: skip
