"""Commits, comparisons and statuses (fact sheet, section 4)."""

import pytest

from tests.sandbox.github.conftest import REPO, Forge


async def status(forge: Forge, sha: str, state: str, context: str = "ci", **more: str) -> int:
    body = {"state": state, "context": context, **more}
    return (await forge.api.post(f"/repos/{REPO}/statuses/{sha}", json=body)).status_code


async def test_a_commit(forge: Forge) -> None:
    sha = await forge.commit("main", {"app.yaml": "tag: 2\n"}, message="subject\n\nbody")
    commit = (await forge.api.get(f"/repos/{REPO}/commits/{sha}")).json()
    assert commit["sha"] == (await forge.api.get(f"/repos/{REPO}/commits/main")).json()["sha"] == sha
    assert commit["commit"]["message"] == "subject\n\nbody"
    assert commit["commit"]["author"]["date"].endswith("Z")
    assert [file["filename"] for file in commit["files"]] == ["app.yaml"]
    assert commit["stats"] == {"total": 2, "additions": 1, "deletions": 1}
    root = commit["parents"][0]["sha"]
    assert len((await forge.api.get(f"/repos/{REPO}/commits/{root}")).json()["files"]) == 2


async def test_an_unknown_commit(forge: Forge) -> None:
    answer = await forge.api.get(f"/repos/{REPO}/commits/{'1' * 40}")
    assert (answer.status_code, answer.json()["message"]) == (422, f"No commit found for SHA: {'1' * 40}")
    assert await status(forge, "1" * 40, "success") == 422


@pytest.mark.parametrize(("basehead", "state", "ahead", "behind"), [
    ("main...main", "identical", 0, 0), ("main...topic", "diverged", 1, 1), ("old...topic", "ahead", 1, 0),
    ("example:topic...old", "behind", 0, 1),
])  # fmt: skip
async def test_compare(forge: Forge, basehead: str, state: str, ahead: int, behind: int) -> None:
    fork = forge.tip("main")
    await forge.commit("old", {}, message="nothing", **{"from": "main"})
    await forge.commit("topic", {"a": "1"}, **{"from": "old"})
    await forge.commit("main", {}, force=True, **{"from": "old"})
    answer = (await forge.api.get(f"/repos/{REPO}/compare/{basehead}")).json()
    assert (answer["status"], answer["ahead_by"], answer["behind_by"]) == (state, ahead, behind)
    assert len(answer["commits"]) == ahead
    assert answer["merge_base_commit"]["sha"] != fork


async def test_comparing_with_nothing(forge: Forge) -> None:
    assert (await forge.api.get(f"/repos/{REPO}/compare/main...gone")).status_code == 404
    assert (await forge.api.get(f"/repos/{REPO}/compare/main")).status_code == 404


async def test_without_statuses_it_is_pending(forge: Forge) -> None:
    combined = (await forge.api.get(f"/repos/{REPO}/commits/main/status")).json()
    assert (combined["state"], combined["statuses"], combined["total_count"]) == ("pending", [], 0)


async def test_the_newest_status_of_a_context_counts(forge: Forge) -> None:
    sha = forge.tip("main") or ""
    assert await status(forge, sha, "failure") == 201
    assert await status(forge, sha, "success", context="CI") == 201
    assert await status(forge, sha, "success", context="tiphys/approval", description="2 of 2") == 201
    combined = (await forge.api.get(f"/repos/{REPO}/commits/{sha}/status")).json()
    assert combined["state"] == "success"
    assert {s["context"]: s["description"] for s in combined["statuses"]} == {"CI": None, "tiphys/approval": "2 of 2"}
    listed = (await forge.api.get(f"/repos/{REPO}/commits/{sha}/statuses")).json()
    assert [s["state"] for s in listed] == ["success", "success", "failure"]
    assert listed[0]["creator"]["login"] == "tiphys"
    assert await status(forge, sha, "pending") == 201
    assert (await forge.api.get(f"/repos/{REPO}/commits/{sha}/status")).json()["state"] == "pending"


async def test_refused_statuses(forge: Forge) -> None:
    sha = forge.tip("main") or ""
    assert await status(forge, sha, "success", description="x" * 141) == 422
    assert await status(forge, sha, "success", description="x" * 140) == 201
    assert await status(forge, sha, "green") == 422


async def test_a_context_takes_a_thousand_statuses(forge: Forge) -> None:
    sha = forge.tip("main") or ""
    records = forge.service.forge.records.of(REPO).statuses
    await status(forge, sha, "success")
    records[sha] *= 1000
    assert await status(forge, sha, "success") == 422
    assert await status(forge, sha, "success", context="other") == 201


async def test_there_are_no_check_runs(forge: Forge) -> None:
    answer = (await forge.api.get(f"/repos/{REPO}/commits/main/check-runs")).json()
    assert answer == {"total_count": 0, "check_runs": []}
