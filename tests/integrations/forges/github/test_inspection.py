"""What GitHub tells of a repository, its rules and our token, over a socket; nothing is written."""

from typing import Any

import pytest

from bot.integrations.forges.github.client import GithubForge
from bot.ports import Denied, NotFound, Refused, Unavailable
from tests.integrations.forges.github.standin import Hub

REPOSITORY: dict[str, Any] = {
    "id": 1, "full_name": "example/apm", "private": False, "archived": False,
    "permissions": {"admin": False, "push": True, "pull": True},
    "allow_merge_commit": False, "allow_squash_merge": True,
}  # fmt: skip
BRANCH: dict[str, Any] = {"name": "main", "protected": True, "protection": {"enabled": False}}


def answer(hub: Hub, path: str, document: Any, **headers: str) -> None:
    hub.fail("GET", path, status=200, document=document, headers=headers, times=99)


def rule(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, **({"parameters": parameters} if parameters else {})}


async def test_a_repository_as_a_classic_token_sees_it(hub: Hub, forge: GithubForge) -> None:
    headers = {"X-OAuth-Scopes": "repo, read:org", "GitHub-Authentication-Token-Expiration": "2026-03-10 09:00:00 UTC"}
    answer(hub, "/repos/example/apm$", REPOSITORY, **headers)
    facts = await forge.inspection().repository()
    assert (facts.full_name, facts.private, facts.archived, facts.may_push) == ("example/apm", False, False, True)
    assert facts.methods == {"merge": False, "squash": True, "rebase": None}
    assert facts.token.scopes == frozenset({"repo", "read:org"})
    assert facts.token.expires == "2026-03-10 09:00:00 UTC"
    assert hub.writes() == []


async def test_what_github_does_not_tell_is_unknown(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "/repos/example/apm$", {"full_name": "example/apm"})
    facts = await forge.inspection().repository()
    assert facts.may_push is None
    assert facts.token.scopes is None
    assert facts.private


async def test_a_classic_token_without_scopes_is_no_fine_grained_one(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "/repos/example/apm$", REPOSITORY, **{"X-OAuth-Scopes": ""})
    assert (await forge.inspection().repository()).token.scopes == frozenset()


async def test_rules_of_several_rulesets_count_together(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "apm/branches/main$", BRANCH)
    checks = [{"context": "build"}, {"context": "tiphys/approval", "integration_id": 7}]
    answer(
        hub, "/rules/branches/main$",
        [
            rule("pull_request", allowed_merge_methods=["merge", "squash"]),
            rule("pull_request", allowed_merge_methods=["squash", "rebase"]),
            rule("required_status_checks", required_status_checks=checks),
            rule("required_status_checks", required_status_checks=[{"context": "tiphys/approval"}]),
            rule("non_fast_forward"),
        ],
    )  # fmt: skip
    facts = await forge.inspection().branch("main")
    assert facts.kinds == {"pull_request", "required_status_checks", "non_fast_forward"}
    assert facts.methods == frozenset({"squash"})
    assert facts.our_check == (7,)
    assert facts.asks_for_pull_request


async def test_protection_of_the_older_kind(hub: Hub, forge: GithubForge) -> None:
    checks = [{"context": "Tiphys/Approval", "app_id": -1}]
    answer(hub, "apm/branches/main$", {**BRANCH, "protection": {"required_status_checks": {"checks": checks}}})
    answer(hub, "/rules/branches/main$", [])
    facts = await forge.inspection().branch("main")
    assert facts.our_check == (None,)
    assert facts.methods is None


async def test_a_github_that_knows_no_rules_is_not_one_without_rules(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "apm/branches/main$", BRANCH)
    hub.fail("GET", "/rules/branches/main$", status=404, document={"message": "Not Found"})
    with pytest.raises(Refused, match="does not tell a branch's rules"):
        await forge.inspection().branch("main")
    hub.fail("GET", "apm/branches/main$", status=404, document={"message": "Branch not found"})
    hub.faults.reverse()
    with pytest.raises(NotFound):
        await forge.inspection().branch("main")


async def test_a_branch_whose_name_has_slashes(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "apm/branches/", {"name": "release/1.0", "protected": False})
    answer(hub, "/rules/branches/", [])
    assert (await forge.inspection().branch("release/1.0")).our_check is None
    assert [asked.path for asked in hub.asked] == [
        "/repos/example/apm/branches/release/1.0", "/repos/example/apm/rules/branches/release/1.0",
    ]  # fmt: skip


async def test_check_runs_that_may_not_be_read(hub: Hub, forge: GithubForge) -> None:
    assert await forge.inspection().may_read_check_runs("main")
    hub.fail("GET", "/check-runs", status=403, document={"message": "Resource not accessible by personal access token"})
    assert not await forge.inspection().may_read_check_runs("main")
    hub.fail("GET", "/check-runs", status=502, document={})
    with pytest.raises(Unavailable):
        await forge.inspection().may_read_check_runs("main")


async def test_the_account_behind_the_token(hub: Hub, forge: GithubForge) -> None:
    answer(hub, "/user$", {"login": "tiphys"}, **{"X-OAuth-Scopes": "repo"})
    login, token = await forge.inspection().account()
    assert (login, token.scopes) == ("tiphys", frozenset({"repo"}))
    hub.faults.clear()
    hub.fail("GET", "/user$", status=401, document={"message": "Bad credentials"})
    with pytest.raises(Denied):
        await forge.inspection().account()


async def test_a_repository_that_is_not_there(hub: Hub, forge: GithubForge) -> None:
    hub.fail("GET", "/repos/example/apm$", status=404, document={"message": "Not Found"})
    with pytest.raises(NotFound):
        await forge.inspection().repository()
