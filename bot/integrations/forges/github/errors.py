"""What an answer of GitHub that is no success means: (status, headers, message) → the ports' errors.

| slug | error | when |
|---|---|---|
| `bad-token` | Denied | 401: no token, or one that is expired or revoked |
| `app-suspended` | Denied | 403 to a GitHub App whose installation is suspended |
| `missing-right` | Denied | 403 that is no rate limit; the way out names the permission where GitHub does |
| `not-found` | NotFound | 404: it does not exist, or the token may not see it |
| `not-protected` | NotFound | 404 to a question for branch protection: there is none, and we would see it |
| `redirected` | Refused | a redirect to another host, or an endless one |
| `rejected` | Complaint | every other 4xx, with its status and GitHub's sentence, for the client to judge |

A rate limit (403 or 429, told from a missing right by its headers or its words) is `RateLimited`; 5xx, timeouts, broken
connections and answers that are not GitHub's are `Unavailable`.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable

SYSTEM = "github"
LONGEST_REASON = 500
WAIT_WITHOUT_HINT = 60.0
"""What GitHub asks for when it limits without saying for how long."""


class RateLimited(Unavailable):
    """GitHub wants us to wait. The request had no effect."""


class Complaint(Refused):
    """A request that GitHub understood and refused. `said` is its own sentence, untrusted and bounded."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(SYSTEM, "rejected", f"GitHub refused ({status}): {said}")
        self.status, self.said = status, said


def error_of_answer(response: httpx.Response) -> OutsideError:
    """The error of an answer whose status is not 2xx. Redirects are the transport's."""
    status, headers = response.status_code, response.headers
    document = _document(response)
    said = sentence_of(document) if document is not None else ""
    if status in (403, 429) and _is_limit(status, headers, said):
        return _limit(headers, said)
    if status >= 500 or status == 408:
        return Unavailable(SYSTEM, f"GitHub cannot answer now ({status})", retry_after=_seconds(headers))
    if document is None:
        kind = headers.get("content-type", "no content type").split(";")[0]
        reason = f"something other than GitHub answered {status} ({bounded(kind)})"
        return Unavailable(SYSTEM, reason, retry_after=_seconds(headers))
    match status:
        case 401:
            way_out = (
                "Give the repository a valid token: it may be expired, revoked, or not approved for the organisation."
            )
            return Denied(SYSTEM, "bad-token", f"GitHub does not accept our token: {said}", way_out=way_out)
        case 403:
            return _denial(headers, said)
        case 404:
            way_out = "Compare `github:` with the repository's owner and name, and see that the token may read it."
            if said == "Branch not protected":
                return NotFound(SYSTEM, "not-protected", "the branch has no protection of the older kind")
            return NotFound(SYSTEM, "not-found", "it does not exist on GitHub, or is hidden from us", way_out=way_out)
        case _:
            return Complaint(status, said)


def error_of_transport(error: Exception) -> Unavailable:
    """The error of a request that got no (whole) answer. It may have had its effect."""
    if isinstance(error, TimeoutError | httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return Unavailable(SYSTEM, "GitHub did not answer in time")
    words = bounded(str(error) or type(error).__name__)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unavailable(SYSTEM, f"no connection to GitHub ({words})")
    return Unavailable(SYSTEM, f"the connection to GitHub broke ({words})")


def not_understood(what: str) -> Unavailable:
    """A success whose body is not what it should be: a proxy's page, or half an answer."""
    return Unavailable(SYSTEM, f"something other than GitHub answered: {bounded(what)}")


def misdirected(target: str) -> Refused:
    way_out = "Check GITHUB_API_URL, its scheme, host and port too; our token is sent to no other host."
    return Refused(SYSTEM, "redirected", f"GitHub sends us elsewhere ({bounded(target)})", way_out=way_out)


def sentence_of(document: Mapping[str, Any]) -> str:
    """GitHub's `message` with those of its `errors`, on one bounded line."""
    said = [str(document.get("message") or "no reason given")]
    errors = document.get("errors")
    for error in errors if isinstance(errors, list) else []:
        match error:
            case {"message": str(message)}:
                said.append(message)
            case {"field": field, "code": code}:
                said.append(f"{field} is {code}")
            case str():
                said.append(error)
    return bounded("; ".join(said))


def bounded(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


def _document(response: httpx.Response) -> Mapping[str, Any] | None:
    """The error document, or None when the answer is not GitHub's."""
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _is_limit(status: int, headers: httpx.Headers, said: str) -> bool:
    return (
        status == 429
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or _speaks_of_limits(said)
    )


def _speaks_of_limits(said: str) -> bool:
    return "rate limit" in said.lower() or "abuse detection" in said.lower()


def _limit(headers: httpx.Headers, said: str) -> RateLimited:
    wait = _seconds(headers)
    if wait is None and headers.get("x-ratelimit-remaining") == "0":
        wait = _until_reset(headers)
    kind = "secondary" if "secondary" in said.lower() or "abuse" in said.lower() else "request"
    if wait is None and _speaks_of_limits(said):
        wait = WAIT_WITHOUT_HINT
    return RateLimited(SYSTEM, f"GitHub's {kind} rate limit is reached", retry_after=wait)


def _denial(headers: httpx.Headers, said: str) -> Denied:
    if "installation has been suspended" in said.lower():
        way_out = "Whoever owns the account can lift that on the installation's page."
        return Denied(SYSTEM, "app-suspended", "the GitHub App's installation is suspended", way_out=way_out)
    needed = headers.get("x-accepted-github-permissions")
    way_out = (
        f"The token needs {bounded(needed)}." if needed else "Look at the token's permissions and the branch's rules."
    )
    return Denied(SYSTEM, "missing-right", f"GitHub denies it: {said}", way_out=way_out)


def _seconds(headers: httpx.Headers) -> float | None:
    wait = headers.get("retry-after", "")
    return float(wait) if wait.isdecimal() else None


def _until_reset(headers: httpx.Headers) -> float | None:
    """Seconds until the primary limit is reset, by GitHub's own clock: ours may be wrong."""
    try:
        now = parsedate_to_datetime(headers["date"]).timestamp()
        return max(1.0, float(headers["x-ratelimit-reset"]) - now)
    except (KeyError, ValueError):
        return None
