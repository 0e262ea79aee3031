"""The checker itself: what it finds wrong, so that its silence means something."""

import pytest

from tests.integrations.argocd.swagger import Swagger

JSON = {"Content-Type": "application/json"}
SYNC = "/api/v1/applications/x/sync"
GET = "/api/v1/applications/x"


def test_right_requests_pass(swagger: Swagger) -> None:
    body = {"appNamespace": "argocd", "revision": "a", "prune": True, "infos": [{"name": "a", "value": "b"}]}
    assert swagger.violations("POST", SYNC, [], JSON, body) == []
    assert swagger.violations("GET", GET, [("project", "apm"), ("refresh", "normal")], {}, None) == []
    assert swagger.violations("GET", "/api/v1/account/can-i/applications/sync/apm/team-a/x", [], {}, None) == []
    assert swagger.violations("GET", "/api/v1/applications", [("projects", "a"), ("projects", "b")], {}, None) == []


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body"),
    [
        ("GET", "/api/v1/application", [], {}, None),
        ("PUT", GET, [], JSON, {}),
        ("GET", GET, [("appnamespace", "argocd")], {}, None),
        ("GET", GET, [("refresh", "")], {}, None),
        ("POST", SYNC, [], {}, {}),
        ("POST", SYNC, [], {"Content-Type": "application/json; charset=utf-8"}, {}),
        ("POST", SYNC, [], JSON, {"dry_run": True}),
        ("POST", SYNC, [], JSON, {"prune": "yes"}),
        ("POST", SYNC, [], JSON, {"infos": [{"key": "a"}]}),
        ("POST", SYNC, [("project", "apm")], JSON, {}),
        ("DELETE", "/api/v1/applications/x/operation", [], JSON, {}),
    ],
)
def test_wrong_requests_do_not(
    swagger: Swagger,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: dict[str, object] | None,
) -> None:
    assert len(swagger.violations(method, path, query, headers, body)) == 1
