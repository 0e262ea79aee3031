"""What an answer that is no success means: (HTTP status, gRPC code, message) → the ports' errors.

Argo CD's statuses do not tell cases apart (a sync window and a missing right are both 403), so a case is known by its
code and a part of its message, in lower case. The slugs:

| slug | error | when |
|---|---|---|
| `bad-token` | Denied | 401: no token, or one that is expired, revoked or of a disabled account |
| `permission-denied` | Denied | 403 without details: no right, no such application, or its Kubernetes API is down |
| `missing-right` | Denied | 403 that names the right; the way out is the policy line |
| `needs-override` | Denied | the same for `override`, which pinning a revision may demand |
| `not-found` | NotFound | 404: the application (or project) is gone or in another project |
| `revision-unknown` | NotFound | Git does not have the revision |
| `auto-sync-on` | Refused | a pinned revision, while auto-sync is on |
| `busy` | Refused | another operation runs or waits |
| `deleting` | Refused | the application is being deleted |
| `blocked-by-window` | Refused | a sync window |
| `broken-window` | Refused | a sync window's definition cannot be read |
| `nothing-running` | Refused | terminate without an operation |
| `project-refuses` | Refused | the project does not allow the application |
| `invalid-spec` | Refused | the Application's spec is invalid |
| `too-large` | Refused | the answer exceeds the server's message limit (429, which is no rate limit here) |
| `content-type` | Refused | 415: something on the way changed our Content-Type |
| `bad-request` | Refused | anything else that Argo CD finds wrong with the request |

Everything else is `Unavailable`, with what to do in its reason: 5xx, timeouts, broken connections, answers that are not
Argo CD's. So are a policy that Argo CD cannot load (500/13 on everything), a redirection (a mis-set address, or an SSO
proxy in front) and an address without the API: whoever asked has no answer about his application.
`permission-denied` is a definite no only in form: while it may be the Kubernetes API, whoever waits should go on
waiting.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bot.integrations.json_api import JsonApi, retry_after
from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable

SYSTEM = "argocd"
LONGEST_REASON = 500
API = JsonApi(
    system=SYSTEM, name="Argo CD", address="the instance's `server`", ca_file="`ca_file` of the instance",
    longest=LONGEST_REASON,
)  # fmt: skip

_DETAILS = re.compile(r"permission denied: (\S+), (\S+), (\S+?)(?:, sub: (.*?))?(?:, iat: .*)?$", re.IGNORECASE)
_STATUS_OF_CODE = {1: 408, 4: 504, 5: 404, 7: 403, 10: 409, 14: 503, 16: 401}


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An error as Argo CD words it. `code` is gRPC's, None where the answer had none."""

    status: int
    code: int | None
    message: str
    retry_after: float | None = None


def read_complaint(status: int, body: bytes, *, retry_after: float | None = None) -> Complaint | None:
    """The complaint in an answer's body (unary, stream or SSE form), or None when it is not Argo CD's."""
    text = body.strip()
    if text.startswith(b"data:"):
        text = text.removeprefix(b"data:").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    error = document.get("error", document.get("message", ""))
    if isinstance(error, dict):  # streams
        return Complaint(
            status=_number(error.get("http_code")) or status,
            code=_number(error.get("grpc_code")),
            message=str(error.get("message") or ""),
            retry_after=retry_after,
        )
    return Complaint(
        status=status, code=_number(document.get("code")), message=str(error or ""), retry_after=retry_after
    )


def error_of_answer(response: httpx.Response, body: bytes) -> OutsideError:
    """The error of an answer whose status is not 200."""
    if response.is_redirect or 300 <= response.status_code < 400:
        return API.redirected(response)
    complaint = read_complaint(response.status_code, body, retry_after=retry_after(response))
    return error_of(complaint) if complaint is not None else _error_of_stranger(response, body)


def error_of(complaint: Complaint) -> OutsideError:
    """The error that a complaint means."""
    text = complaint.message.lower()
    for case in _CASES:
        if complaint.code in case.codes and any(part in text for part in case.parts):
            return case.make(complaint)
    status = _STATUS_OF_CODE.get(complaint.code or 0, complaint.status)
    said = _said(complaint)
    match status:
        case 401:
            return _bad_token(complaint)
        case 403:
            return _plain_denial(complaint)
        case 404:
            return NotFound(SYSTEM, "not-found", said, way_out="Compare name, namespace and project with Argo CD's.")
        case 408 | 409 | 429 | 500 | 502 | 503 | 504 | 200:
            return Unavailable(SYSTEM, f"Argo CD cannot answer now: {said}", retry_after=complaint.retry_after)
        case _ if status >= 500 and complaint.code != 12:
            return Unavailable(SYSTEM, f"Argo CD cannot answer now: {said}", retry_after=complaint.retry_after)
        case _:
            return Refused(SYSTEM, "bad-request", said)


# --- the cases ---


@dataclass(frozen=True, slots=True)
class _Case:
    codes: tuple[int | None, ...]
    parts: tuple[str, ...]
    make: Callable[[Complaint], OutsideError]


def _refused(slug: str, reason: str = "", way_out: str = "") -> Callable[[Complaint], OutsideError]:
    """A refusal in our words, or with `reason` empty in Argo CD's."""
    return lambda complaint: Refused(SYSTEM, slug, reason or _said(complaint), way_out=way_out)


def _waiting(reason: str) -> Callable[[Complaint], OutsideError]:
    return lambda complaint: Unavailable(SYSTEM, f"{reason}: {_said(complaint)}", retry_after=complaint.retry_after)


def _unknown_revision(complaint: Complaint) -> OutsideError:
    return NotFound(
        SYSTEM, "revision-unknown", _said(complaint), way_out="Was the commit pushed, and is it a full SHA?"
    )


def _bad_token(complaint: Complaint) -> OutsideError:
    way_out = "Give the instance a valid token (an account with the capability `apiKey`)."
    return Denied(SYSTEM, "bad-token", f"Argo CD does not accept our token: {_said(complaint)}", way_out=way_out)


def _plain_denial(complaint: Complaint) -> OutsideError:
    return Denied(
        SYSTEM,
        "permission-denied",
        f"{_said(complaint)}; Argo CD says the same when the application does not exist in this namespace, and about "
        "everything while its Kubernetes API is down",
        way_out="If this hits every application at once, look at Argo CD's Kubernetes API; else check the account's "
        "rights and the Application's name, namespace and project.",
    )


def _detailed_denial(complaint: Complaint) -> OutsideError:
    found = _DETAILS.search(complaint.message)
    if found is None:
        return _plain_denial(complaint)
    resource, action, target, subject = found.groups()
    way_out = f"Add to argocd-rbac-cm: `p, {subject or '<account>'}, {resource}, {action}, {target}, allow`"
    if action == "override":
        reason = f"this Argo CD demands the right `override` to sync to a chosen revision of {target}"
        return Denied(SYSTEM, "needs-override", reason, way_out=way_out)
    reason = f"we lack the right `{resource}, {action}` on {target}"
    return Denied(SYSTEM, "missing-right", API.bounded(reason), way_out=API.bounded(way_out))


_ANY_SERVER_CODE = (2, 9, 13, None)
_CASES = (
    _Case((7,), ("blocked by sync window",), _refused("blocked-by-window", "a sync window does not allow a sync now")),
    _Case(
        (7,),
        ("invalid sync window",),
        _refused("broken-window", way_out="Mend the window in the project: Argo CD refuses every sync until then."),
    ),
    _Case((7,), ("permission denied: ",), _detailed_denial),
    _Case(
        (9,),
        ("another operation is already in progress",),
        _refused("busy", "another operation is already running", "Wait for it to end, or terminate it."),
    ),
    _Case((9,), ("application is deleting",), _refused("deleting", "the application is being deleted")),
    _Case(
        (9,),
        ("auto-sync currently set to", "when auto-sync is enabled", "automatic sync policy is enabled"),
        _refused("auto-sync-on", way_out="Let Argo CD follow the branch, or switch its auto-sync off."),
    ),
    _Case((2, 9), ("to a commit sha", "failed to checkout revision", "must be resolved"), _unknown_revision),
    _Case((9,), ("error resolving repo revision",), _waiting("Argo CD cannot reach the repository")),
    _Case(
        (3,),
        ("no operation is in progress",),
        _refused("nothing-running", "no operation is running that could be ended"),
    ),
    _Case((3,), ("is not allowed in project",), _refused("project-refuses")),
    _Case((3,), ("spec for ",), _refused("invalid-spec")),
    _Case(
        (8,),
        ("larger than max",),
        _refused("too-large", way_out="Ask for less: a project at a time, or raise ARGOCD_GRPC_MAX_SIZE_MB."),
    ),
    _Case((13,), ("casbin", "rbac policy"), _waiting("Argo CD's policy cannot be loaded, check argocd-rbac-cm")),
    _Case((2, 13), ("required field", "error parsing"), _refused("bad-request")),
    _Case((2,), ("refresh deadline exceeded",), _waiting("the refresh did not finish; is the controller running?")),
    _Case((4,), ("",), _waiting("Argo CD did not finish in time")),
    _Case(_ANY_SERVER_CODE, ("error getting cached app", "key is missing"), _waiting("Argo CD has lost its cache")),
    _Case(_ANY_SERVER_CODE, ("too many conflicts",), _waiting("others change the application at the same time")),
)


# --- answers that are not Argo CD's ---


def _error_of_stranger(response: httpx.Response, body: bytes) -> OutsideError:
    """An answer that is no JSON: Argo CD's own plain-text routing errors, else a proxy's."""
    words = API.bounded(body[:2000].decode(errors="replace"))
    if response.status_code == 415:
        way_out = (
            "Argo CD takes `application/json` alone: something on the way changes it, or --api-content-types does."
        )
        return Refused(SYSTEM, "content-type", words, way_out=way_out)
    if (response.status_code, words) in ((404, "Not Found"), (405, "Method Not Allowed")):
        hint = "check the instance's `server`, also its path (--rootpath)"
        return Unavailable(SYSTEM, f"there is no such call at this address ({words}): {hint}")
    kind = response.headers.get("content-type", "no content type").split(";")[0]
    reason = f"something other than Argo CD answered {response.status_code} ({kind})"
    return Unavailable(SYSTEM, reason, retry_after=retry_after(response))


def _said(complaint: Complaint) -> str:
    return API.bounded(complaint.message) or f"HTTP {complaint.status} without a reason"


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
