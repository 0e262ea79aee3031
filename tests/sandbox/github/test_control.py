"""The forge's part of the control API."""

import asyncio
from typing import Any

import httpx
import pytest

from bot.sandbox.github.plumbing import person
from tests.sandbox.github.conftest import REPO, Forge


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()["error"]
    assert body["message"]
    return answer.status_code, body["slug"], body.get("field")


def commit(**more: Any) -> dict[str, Any]:
    body = {"repository": REPO, "branch": "main", "as": "developer", "message": "m", "files": {"a": "1"}}
    return {key: value for key, value in {**body, **more}.items() if value is not ...}


async def test_a_commit_is_pushed_as_that_person(forge: Forge) -> None:
    before = forge.tip("main")
    answer = await forge.control.post("/api/git/commit", json=commit(**{"as": "U0APPR1"}, message="subject\n\nbody\n"))
    sha = answer.json()["sha"]
    assert forge.tip("main") == sha
    assert await forge.show(sha) == ["subject", "approver-1 approver-1@example.com", "approver-1", f"{before}"]
    assert forge.pushes[-1] == (REPO, "main", sha)


async def test_files_are_set_and_deleted_and_the_rest_stays(forge: Forge) -> None:
    await forge.commit("main", {"deep/er/file": "x", "app.yaml": None, "not there": None})
    out = await forge.repositories.git(REPO, "ls-tree", "-r", "--name-only", "main")
    assert out.decode().split() == ["deep/er/file", "docs/readme.md"]


async def test_modes_stay(forge: Forge) -> None:
    plumbing = forge.service.forge.plumbing(REPO)
    blob = (await forge.repositories.git(REPO, "hash-object", "-w", "--stdin", stdin=b"#!/bin/sh\n")).decode().strip()
    entry = f"100755 blob {blob}\trun.sh\n".encode()
    tree = (await forge.repositories.git(REPO, "mktree", stdin=entry)).decode().strip()
    tip = await plumbing.commit(tree, [], "x\n", person("developer"), person("developer"))
    await forge.repositories.move_branch(REPO, "scripts", tip, expected=None)
    await forge.commit("scripts", {"run.sh": "#!/bin/sh\necho\n", "other": "1"})
    out = (await forge.repositories.git(REPO, "ls-tree", "scripts")).decode()
    assert [line.split()[0] for line in out.splitlines()] == ["100644", "100755"]


async def test_from_and_force(forge: Forge) -> None:
    first = forge.tip("main")
    await forge.commit("main", {"a": "1"})
    refused = await forge.control.post("/api/git/commit", json=commit(**{"from": first}, files={"b": "1"}))
    assert error(refused)[:2] == (422, "not_fast_forward")
    sha = await forge.commit("main", {"b": "1"}, force=True, **{"from": first})
    assert forge.tip("main") == sha
    assert await forge.show(sha, "%P") == [f"{first}"]
    new = await forge.commit("brand-new", {"c": "1"}, **{"from": "main"})
    assert await forge.show(new, "%P") == [sha]


async def test_commits_at_the_same_time_all_arrive(forge: Forge) -> None:
    await asyncio.gather(*(forge.commit("main", {f"file-{number}": "x"}) for number in range(6)))
    out = await forge.repositories.git(REPO, "ls-tree", "--name-only", "main")
    assert {f"file-{number}" for number in range(6)} <= set(out.decode().split())


@pytest.mark.parametrize(("more", "expected"), [
    ({"repository": "example/nothing"}, (404, "unknown_repository", "repository")),
    ({"as": "nobody"}, (404, "unknown_user", "as")),
    ({"as": "guest"}, (422, "no_write_access", "as")),
    ({"as": "U0EXTERNAL"}, (422, "no_write_access", "as")),
    ({"as": "gone"}, (422, "no_write_access", "as")),
    ({"as": "robot"}, (422, "no_write_access", "as")),
    ({"message": ...}, (400, "malformed", "message")),
    ({"files": {"a": 7}}, (400, "malformed", "files.a")),
    ({"message": "a\0b"}, (400, "malformed", "message")),
    ({"branch": "a\0b"}, (400, "malformed", "branch")),
    ({"from": "a\0b"}, (400, "malformed", "from")),
    ({"files": {"git~1": "x"}}, (400, "malformed", None)),
    ({"files": {"docs/GIT~1/config": "x"}}, (400, "malformed", None)),
    ({"files": {"../a": "x"}}, (400, "malformed", "files")),
    ({"files": {".git/config": "x"}}, (400, "malformed", "files")),
    ({"files": {"a": "x", "a/b": "y"}}, (400, "malformed", "files")),
    ({"branch": "a..b"}, (400, "malformed", "branch")),
    ({"branch": "-x"}, (400, "malformed", "branch")),
    ({"from": "nowhere"}, (404, "unknown_commit", "from")),
    ({"surprise": 1}, (400, "malformed", "surprise")),
])  # fmt: skip
async def test_refused_commits(forge: Forge, more: dict[str, Any], expected: tuple[int, str, str | None]) -> None:
    before = forge.repositories.tips(REPO)
    assert error(await forge.control.post("/api/git/commit", json=commit(**more))) == expected
    assert forge.repositories.tips(REPO) == before


async def test_open_review_status_and_merge(forge: Forge) -> None:
    head = await forge.commit("topic", {"a": "1"})
    opened = (await forge.deed("open", head="topic", base="main", title="Ship it", **{"as": "U0DEV2"})).json()["pull"]
    assert (opened["number"], opened["author"], opened["head"]) == (1, "developer-2", {"ref": "topic", "sha": head})
    reviewed = (await forge.deed("review", number=1, state="approved")).json()["pull"]
    assert [(review["user"], review["state"]) for review in reviewed["reviews"]] == [("developer", "APPROVED")]
    checked = (await forge.deed("status", number=1, context="ci", state="success")).json()["pull"]
    assert checked["statuses"] == {"ci": {"state": "success", "description": None}}
    merged = (await forge.deed("merge", number=1, method="squash")).json()["pull"]
    assert (merged["state"], merged["merged"], merged["merged_by"]) == ("closed", True, "developer")
    assert merged["merge_commit_sha"] == forge.tip("main")


async def test_merge_waits_until_it_is_known(forge: Forge) -> None:
    forge.mergeability.delay = 0.2
    await forge.open("topic")
    assert (await forge.deed("merge", number=1)).status_code == 200


async def test_close_reopen_retarget(forge: Forge) -> None:
    await forge.open("topic")
    await forge.commit("release", {"r": "1"}, **{"from": "main"})
    assert (await forge.deed("close", number=1)).json()["pull"]["state"] == "closed"
    assert error(await forge.deed("close", number=1))[:2] == (409, "not_open")
    assert error(await forge.deed("merge", number=1))[:2] == (409, "not_open")
    assert (await forge.deed("reopen", number=1)).json()["pull"]["state"] == "open"
    assert error(await forge.deed("reopen", number=1))[:2] == (409, "cannot_reopen")
    assert (await forge.deed("retarget", number=1, base="release")).json()["pull"]["base"]["ref"] == "release"


async def test_refused_deeds(forge: Forge) -> None:
    await forge.open("conflicting", {"app.yaml": "tag: 2\n"})
    await forge.commit("main", {"app.yaml": "tag: 3\n"})
    assert error(await forge.deed("merge", number=1))[:2] == (422, "conflict")
    assert error(await forge.deed("merge", number=9)) == (404, "unknown_pull", "number")
    assert error(await forge.deed("merge")) == (400, "malformed", "number")
    assert error(await forge.deed("merge", number=1, method="octopus")) == (400, "malformed", "method")
    assert error(await forge.deed("dance")) == (400, "malformed", "do")
    assert error(await forge.deed("review", number=1, state="meh")) == (400, "malformed", "state")
    assert error(await forge.deed("merge", number=1, **{"as": "guest"})) == (422, "no_write_access", "as")
    assert error(await forge.deed("retarget", number=1, base="gone"))[:2] == (422, "invalid_base")
    assert error(await forge.deed("open", head="main", base="main", title="x"))[:2] == (422, "no_commits")
    assert error(await forge.deed("open", head="gone", base="main", title="x"))[:2] == (422, "invalid_head")
    assert error(await forge.deed("open", head="conflicting", base="main", title="x"))[:2] == (422, "already_exists")
    assert error(await forge.deed("protect", branch="gone"))[:2] == (404, "unknown_branch")
    assert error(await forge.deed("protect", branch="main", methods=[])) == (400, "malformed", "methods")
    assert error(await forge.deed("protect", branch="main", bypass=["x"])) == (404, "unknown_user", "bypass")
    await forge.deed("open", head="conflicting", base="other", title="x")


async def test_nobody_approves_his_own(forge: Forge) -> None:
    await forge.commit("topic", {"a": "1"})
    await forge.deed("open", head="topic", base="main", title="x")
    assert error(await forge.deed("review", number=1, state="APPROVED"))[:2] == (409, "own_pull_request")


async def test_rules_refuse_a_merge(forge: Forge) -> None:
    await forge.open("topic")
    protected = await forge.deed("protect", branch="main", reviews=1)
    assert (protected.status_code, protected.json()) == (200, {"pull": None})
    status, slug, _ = error(await forge.deed("merge", number=1))
    assert (status, slug) == (422, "rules_unmet")
