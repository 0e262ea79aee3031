"""What an answer that is no success means: (HTTP status, words) → the ports' errors.

Alertmanager words a no as a JSON string, as an object with `message`, or not at all; what stands in front of it (a
proxy, Mimir, Grafana) as it likes. The slugs:

| slug | error | when |
|---|---|---|
| `bad-credentials` | Denied | 401 |
| `permission-denied` | Denied | 403 |
| `no-such-silence` | NotFound | 404, or 500 of version 0.25, about a silence |
| `ends-in-the-past`, `ends-before-it-starts` | Refused | the times of a silence |
| `matches-everything` | Refused | a silence whose every matcher lets the empty value through |
| `bad-regex`, `bad-matcher` | Refused | a matcher that it cannot read |
| `too-many`, `too-large` | Refused | a silence beyond the limits that it was started with |
| `bad-request` | Refused | anything else that it finds wrong with the request |

Everything else is `Unavailable`: 5xx, 408, 429, broken connections, redirections (never followed), an address without
the API, answers that are not Alertmanager's.
"""

import json

import httpx

from bot.integrations.json_api import JsonApi, retry_after
from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable

SYSTEM = "alertmanager"
LONGEST_REASON = 300
API = JsonApi(
    system=SYSTEM, name="Alertmanager", address="the `url` of this source", ca_file="the `ca_file` of this source",
    longest=LONGEST_REASON,
)  # fmt: skip

_REFUSALS = (
    ("end time can't be in the past", "ends-in-the-past", "Let it end later."),
    ("start time must be before end time", "ends-before-it-starts", "Let it end after it starts."),
    ("must not match the empty string", "matches-everything", "Name at least one label with a value."),
    ("error parsing regexp", "bad-regex", "Alertmanager reads regular expressions as RE2: no look-around, no \\1."),
    ("bad matcher format", "bad-matcher", 'Write matchers as severity="critical".'),
    ("invalid label name", "bad-matcher", "This version takes letters, digits and `_` in the names of labels."),
    ("exceeded maximum number of silences", "too-many", "Expire silences, or raise --silences.max-silences."),
    ("exceeded maximum size", "too-large", "Use fewer matchers or a shorter comment."),
)


def error_of_answer(response: httpx.Response, body: bytes) -> OutsideError:
    """The error of an answer whose status is no success."""
    status, words = response.status_code, said(body)
    if 300 <= status < 400:
        return API.redirected(response)
    if status in (404, 500) and (
        "silence not found" in words.lower() or (status == 404 and _is_of_silence(response, body))
    ):
        return NotFound(SYSTEM, "no-such-silence", "there is no such silence", way_out="It may be long over.")
    told = words or f"HTTP {status} without a reason"
    match status:
        case 401:
            way_out = "Check the `token` or `basic` of this source, and its `tenant`."
            return Denied(SYSTEM, "bad-credentials", told, way_out=way_out)
        case 403:
            return Denied(SYSTEM, "permission-denied", told, way_out="Give the account of this source the right.")
        case 404 | 410:
            return Unavailable(
                SYSTEM, f"there is no API at this address ({told}): check the `url` of this source, also its path"
            )
        case 408 | 429:
            return Unavailable(SYSTEM, f"it cannot answer now: {told}", retry_after=retry_after(response))
        case _ if status >= 500:
            return Unavailable(SYSTEM, f"it cannot answer now: {told}", retry_after=retry_after(response))
        case _:
            found = (case for case in _REFUSALS if case[0] in told.lower())
            _, slug, way_out = next(found, ("", "bad-request", ""))
            return Refused(SYSTEM, slug, told, way_out=way_out)


def said(body: bytes) -> str:
    """An error's words, in one line of bounded length; empty when there are none, or a page."""
    text = body[:10_000].decode(errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.lstrip().startswith("<") else API.bounded(text)
    if isinstance(document, dict):
        document = document.get("message") or document.get("error") or ""
    return API.bounded(document) if isinstance(document, str) else ""


def _is_of_silence(response: httpx.Response, body: bytes) -> bool:
    """Whether an empty 404 is about a silence: a path that does not exist is answered in words."""
    return not body.strip() and "/silence/" in response.request.url.path
