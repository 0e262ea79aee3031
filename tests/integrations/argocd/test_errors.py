"""Every error told apart: as a real Argo CD worded it, and as proxies in front of it do."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.integrations.argocd import errors
from bot.integrations.argocd.errors import LONGEST_REASON, error_of, error_of_answer, read_complaint
from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable
from tests.integrations.argocd.conftest import recorded_exchange, recorded_stream


def _error(status: int, body: Any, *, content_type: str = "application/json", **headers: str) -> OutsideError:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    names = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = httpx.Request("GET", "http://argocd.example.com/api/v1/applications")
    return error_of_answer(httpx.Response(status, headers=names, content=content, request=request), content)


def _unary(status: int, code: int, message: str) -> OutsideError:
    return _error(status, {"error": message, "code": code, "message": message})


def _recorded(scenario: str, label: str) -> OutsideError:
    entry = recorded_exchange(scenario, label)
    return _error(entry["status"], entry.get("body", entry.get("text")), content_type=entry["content_type"])


@pytest.mark.parametrize(
    ("scenario", "label", "kind", "slug"),
    [
        ("auth_errors", "no token: list", Denied, "bad-token"),
        ("auth_errors", "token with a wrong signature: list", Denied, "bad-token"),
        ("account_can_i", "use the expired token", Denied, "bad-token"),
        ("auth_errors", "outsider: get an app, no project given", Denied, "permission-denied"),
        ("auth_errors", "tiphys: app that does not exist, no project given", Denied, "permission-denied"),
        ("auth_errors", "viewer may not terminate", Denied, "permission-denied"),
        ("outages", "Kubernetes API down: get", Denied, "permission-denied"),
        ("auth_errors", "viewer may get but not sync", Denied, "missing-right"),
        ("projects", "unknown project, tiphys", Denied, "missing-right"),
        ("auth_errors", "tiphys: app that does not exist, project given", NotFound, "not-found"),
        ("auth_errors", "tiphys: app of another project, own project given", NotFound, "not-found"),
        ("auth_errors", "admin: wrong project given", NotFound, "not-found"),
        ("sync_window", "sync in a deny window", Refused, "blocked-by-window"),
        ("sync_busy", "second sync while Running", Refused, "busy"),
        ("sync_busy", "terminate when nothing runs", Refused, "nothing-running"),
        ("sync_failures", "auto-sync on, other revision", Refused, "auto-sync-on"),
        ("sync_pinned_revision", "branch that does not exist", NotFound, "revision-unknown"),
        ("revision_metadata", "unknown SHA", NotFound, "revision-unknown"),
        ("request_errors", "POST without Content-Type", Refused, "content-type"),
        ("request_errors", "malformed JSON", Refused, "bad-request"),
        ("request_errors", "rollback without id", Refused, "bad-request"),
        ("account_can_i", "can-i nonsense/get/x", Refused, "bad-request"),
    ],
)
def test_a_definite_no(scenario: str, label: str, kind: type[Refused], slug: str) -> None:
    error = _recorded(scenario, label)
    assert type(error) is kind
    assert isinstance(error, Refused)
    assert (error.system, error.slug) == ("argocd", slug)
    assert error.reason


@pytest.mark.parametrize(
    ("scenario", "label", "says"),
    [
        ("rbac_broken", "broken: get", "check argocd-rbac-cm"),
        ("rbac_broken", "broken: can-i", "check argocd-rbac-cm"),
        ("outages", "controller frozen: refresh with Grpc-Timeout 3S", "did not finish in time"),
        ("outages", "repo-server down: manifests", "connection error"),
        ("outages", "repo-server down: sync", "cannot reach the repository"),
        ("outages", "redis down: resource tree", "lost its cache"),
        ("outages", "redis back and empty: resource tree", "lost its cache"),
        ("request_errors", "unknown route", "no such call at this address"),
        ("request_errors", "wrong method on a known route", "no such call at this address"),
        ("list_fields", "spec and spec.project together, try 3", "failed to marshal"),
    ],
)
def test_no_answer_now(scenario: str, label: str, says: str) -> None:
    error = _recorded(scenario, label)
    assert type(error) is Unavailable
    assert says in error.reason


@pytest.mark.parametrize(
    ("status", "code", "message", "slug"),
    [
        (400, 9, "application is deleting", "deleting"),
        (403, 7, "cannot sync: invalid sync window: expected exactly 5 fields", "broken-window"),
        (400, 9, "rollback cannot be initiated when auto-sync is enabled", "auto-sync-on"),
        (400, 9, "Cannot sync source https://x/y to abc: auto-sync currently set to main", "auto-sync-on"),
        (400, 3, 'app is not allowed in project "p", or the project does not exist', "project-refuses"),
        (400, 3, "application spec for x is invalid: InvalidSpecError: no path", "invalid-spec"),
        (400, 3, "application destination spec for x is invalid: no cluster", "invalid-spec"),
        (429, 8, "grpc: received message larger than max (210000000 vs. 209715200)", "too-large"),
        (400, 3, "multiple projects specified - the get endpoint accepts either zero or one project", "bad-request"),
        (400, 9, "sync with replace was disabled on the API Server level", "bad-request"),
        (500, 2, "error parsing the selector: found '', expected: ','", "bad-request"),
        (501, 12, "unknown method", "bad-request"),
        (400, 11, "out of range", "bad-request"),
    ],
)
def test_a_definite_no_that_was_not_recorded(status: int, code: int, message: str, slug: str) -> None:
    error = _unary(status, code, message)
    assert isinstance(error, Refused)
    assert error.slug == slug


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (503, 14, "upstream connect error"),
        (504, 4, "context deadline exceeded"),
        (408, 1, "context canceled"),
        (409, 10, "the object has been modified"),
        (429, 8, "too many requests"),
        (500, 2, "application refresh deadline exceeded"),
        (500, 2, "something new"),
        (500, 13, "runtime error: invalid memory address"),
        (500, 13, "Failed to terminate app. Too many conflicts"),
        (500, 15, "data loss"),
    ],
)
def test_what_may_be_asked_again(status: int, code: int, message: str) -> None:
    assert type(_unary(status, code, message)) is Unavailable


def test_a_missing_right_gives_the_line_to_add() -> None:
    error = _recorded("auth_errors", "viewer may get but not sync")
    assert isinstance(error, Denied)
    assert error.way_out == ("Add to argocd-rbac-cm: `p, viewer, applications, sync, apm/apm-stack-staging, allow`")


def test_the_right_to_pin_is_its_own_case() -> None:
    error = _unary(403, 7, "permission denied: applications, override, apm/apm-stack, sub: tiphys, iat: 2026-11-23T19Z")
    assert isinstance(error, Denied)
    assert error.slug == "needs-override"
    assert error.way_out.endswith("`p, tiphys, applications, override, apm/apm-stack, allow`")


def test_a_project_token_is_named_as_it_is() -> None:
    error = _unary(403, 7, "permission denied: applications, sync, apm/x, sub: proj:apm:ci, iat: 2026-11-23T19:22:10Z")
    assert isinstance(error, Denied)
    assert "`p, proj:apm:ci, applications, sync, apm/x, allow`" in error.way_out
    nameless = _unary(403, 7, "permission denied: applications, sync, apm/x")
    assert isinstance(nameless, Denied)
    assert "`p, <account>, applications, sync, apm/x, allow`" in nameless.way_out


@pytest.mark.parametrize("label", ["no token, SSE", "no token, NDJSON with fields that lack", "no token, NDJSON with"])
def test_streams_word_their_errors_otherwise(label: str) -> None:
    """Nested, or as an event, or (with a projection that forgot `error`) not at all."""
    stream = recorded_stream("stream_applications", label)
    error = _error(stream["status"], "".join(stream["chunks"]), content_type=stream["content_type"])
    assert isinstance(error, Denied)
    assert error.slug == "bad-token"


def test_an_error_at_the_end_of_a_stream_has_its_own_status() -> None:
    text = b'{"error":{"grpc_code":16,"http_code":401,"message":"no session information","http_status":"Unauthorized"}}'
    complaint = read_complaint(200, text)
    assert complaint is not None
    assert isinstance(error_of(complaint), Denied)


@pytest.mark.parametrize(
    ("status", "location", "says"),
    [
        (307, "https://argocd.example.com/api/v1/applications", "with https://"),
        (302, "https://sso.example.com/login?state=secret", "sign-on proxy"),
        (301, "/argo/api", "server"),
    ],
)
def test_a_redirection_is_a_wrong_address_or_a_sign_on(status: int, location: str, says: str) -> None:
    error = _error(status, "", location=location)
    assert isinstance(error, Unavailable)
    assert says in error.reason
    assert "secret" not in str(error)


@pytest.mark.parametrize("status", [200, 403, 404, 429, 500, 502, 503])
def test_a_proxys_page_is_no_answer(status: int) -> None:
    error = _error(status, "<html><body>Bad Gateway</body></html>", content_type="text/html", retry_after="7")
    assert type(error) is Unavailable
    assert f"answered {status} (text/html)" in error.reason
    assert error.retry_after == 7


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "{", "\x00\xff", "default backend - 404"])
def test_bodies_that_are_nothing(body: str) -> None:
    assert type(_error(502, body)) is Unavailable


@pytest.mark.parametrize("body", [{}, {"error": None}, {"error": 3, "code": "x"}, {"error": {"http_code": "401"}}])
def test_bodies_of_the_wrong_shape(body: Any) -> None:
    assert type(_error(500, body)) is Unavailable
    assert isinstance(_error(401, body), Denied)


def test_a_reason_is_one_line_of_bounded_length() -> None:
    error = _unary(500, 2, "a\n\tb " + "x" * 5000)
    assert "\n" not in error.reason
    assert len(error.reason) < LONGEST_REASON + 100


def test_the_table_of_slugs_is_whole() -> None:
    """Each slug that the module raises is a row, and each row is raised."""
    table, _, code = Path(errors.__file__).read_text().partition("\nimport json")
    rows = {
        slug for line in table.splitlines() if line.startswith("| `") for slug in line.split("|")[1].split("`")[1::2]
    }
    raised = set(re.findall(r'(?:SYSTEM, *|_refused\( *)"([a-z-]+)"', re.sub(r"\s+", " ", code)))
    assert raised == rows
