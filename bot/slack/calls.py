"""One call of Slack's Web API and its four possible ends. Nothing is repeated here: whoever asks decides that."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

DEFAULT_RETRY_AFTER = 30.0
TRANSIENT = frozenset({
    "accesslimited", "fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org",
    "rollup_error",
})  # fmt: skip
BAD_TOKEN = frozenset({
    "account_inactive", "invalid_auth", "not_allowed_token_type", "not_authed", "token_expired", "token_revoked",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """Slack said ok."""

    data: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limited:
    """Nothing was done; ask again after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite no by Slack's error code; nothing was done."""

    error: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.error == "missing_scope" and self.details.get("needed"):
            return f"missing_scope: the app lacks {self.details['needed']}; add it and install the app again"
        messages = (self.details.get("response_metadata") or {}).get("messages")
        return f"{self.error}: {'; '.join(map(str, messages))[:500]}" if messages else self.error


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that says whether it was done: time-out, reset, 5xx, HTML."""

    reason: str


Result = Done | Limited | Refused | Unknown


async def call(request: Awaitable[AsyncSlackResponse]) -> Result:
    """Await one SDK call. Never raises for anything that the network or Slack does."""
    try:
        response = await request
    except SlackApiError as error:
        return end_of_error(error)
    except Exception as error:  # a call can end in any way that aiohttp, the SDK or a proxy think of
        return Unknown(f"{type(error).__name__}: {str(error)[:200]}")
    if not isinstance(response.data, dict):
        return Unknown("an answer without JSON")
    return Done(response.data, {name.lower(): value for name, value in response.headers.items()})


def retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", DEFAULT_RETRY_AFTER)))
    except ValueError:
        return DEFAULT_RETRY_AFTER


def end_of_error(error: SlackApiError) -> Result:
    """What an answer that is not ok means."""
    response = error.response
    if not isinstance(response, AsyncSlackResponse):
        return Unknown("an answer that is not JSON")
    data = response.data if isinstance(response.data, dict) else {}
    code = data.get("error")
    if response.status_code == 429 or code in ("ratelimited", "rate_limited"):
        return Limited(retry_after(response.headers))
    if response.status_code >= 500 or not isinstance(code, str) or code in TRANSIENT:
        return Unknown(f"HTTP {response.status_code} {code or json.dumps(data)[:100]}")
    return Refused(code, data)
