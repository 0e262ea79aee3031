"""Opening, finding, reading and editing pull requests (fact sheet, sections 1 and 2)."""

import asyncio

import httpx
import pytest

from tests.sandbox.github.conftest import REPO, Forge

PULLS = f"/repos/{REPO}/pulls"


def errors(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"] == "Validation Failed"
    return list(answer.json()["errors"])


async def test_opening(forge: Forge) -> None:
    pull = await forge.open("topic")
    assert (pull["number"], pull["state"], pull["title"], pull["body"]) == (1, "open", "Ship topic", "why")
    assert pull["user"]["login"] == "tiphys"
    assert pull["head"]["sha"] == forge.tip("topic")
    assert (pull["head"]["label"], pull["head"]["repo"]["full_name"]) == ("example:topic", REPO)
    assert pull["base"]["sha"] == forge.tip("main")
    assert pull["html_url"] == f"{forge.repositories.base_url}/{REPO}/pull/1"
    assert (pull["commits"], pull["additions"], pull["changed_files"]) == (1, 1, 1)


async def test_the_same_pair_again(forge: Forge) -> None:
    await forge.open("topic")
    body = {"head": "topic", "base": "main", "title": "again"}
    [error] = errors(await forge.api.post(PULLS, json=body))
    assert error["message"] == "A pull request already exists for example:topic."
    assert (error["resource"], error["code"]) == ("PullRequest", "custom")
    await forge.commit("other-base", {"c": "3"}, **{"from": "main"})
    assert (await forge.api.post(PULLS, json={**body, "base": "other-base"})).status_code == 201
    await forge.api.patch(f"{PULLS}/1", json={"state": "closed"})
    assert (await forge.api.post(PULLS, json=body)).status_code == 201


async def test_nothing_between_the_branches(forge: Forge) -> None:
    await forge.commit("topic", {"a": "1"})
    await forge.commit("main", {"b": "1"}, **{"from": "topic"})
    [error] = errors(await forge.api.post(PULLS, json={"head": "topic", "base": "main", "title": "x"}))
    assert error["message"] == "No commits between main and topic"


@pytest.mark.parametrize(("head", "base", "field"), [
    ("gone", "main", "head"), ("other:topic", "main", "head"), ("topic", "gone", "base"),
])  # fmt: skip
async def test_a_missing_branch(forge: Forge, head: str, base: str, field: str) -> None:
    await forge.commit("topic", {"a": "1"})
    [error] = errors(await forge.api.post(PULLS, json={"head": head, "base": base, "title": "x"}))
    assert (error["field"], error["code"]) == (field, "invalid")


async def test_the_head_filter_without_an_owner_is_ignored(forge: Forge) -> None:
    await forge.open("one")
    await forge.open("two")
    for query, numbers in (
        ("head=example:one", [1]), ("head=one", [2, 1]), ("head=other:one", []), ("head=example:one&base=gone", []),
        ("", [2, 1]), ("direction=asc", [1, 2]),
    ):  # fmt: skip
        found = (await forge.api.get(f"{PULLS}?{query}")).json()
        assert [pull["number"] for pull in found] == numbers, query


async def test_lists_by_state_and_without_mergeability(forge: Forge) -> None:
    await forge.open("one")
    await forge.open("two")
    await forge.api.patch(f"{PULLS}/1", json={"state": "closed"})
    for state, numbers in (("open", [2]), ("closed", [1]), ("all", [2, 1])):
        found = (await forge.api.get(f"{PULLS}?state={state}")).json()
        assert [pull["number"] for pull in found] == numbers
        assert "mergeable" not in found[0]
    assert (await forge.api.get(f"{PULLS}?state=merged")).status_code == 422


async def test_editing(forge: Forge) -> None:
    await forge.open("topic")
    edited = (await forge.api.patch(f"{PULLS}/1", json={"title": "new", "body": ""})).json()
    assert (edited["title"], edited["body"]) == ("new", "")
    assert (await forge.api.patch(f"{PULLS}/1", json={"body": "x" * 65_537})).status_code == 422


async def test_closing_and_who_did_it(forge: Forge) -> None:
    await forge.open("topic")
    closed = (await forge.developer.patch(f"{PULLS}/1", json={"state": "closed"})).json()
    assert (closed["state"], closed["merged"]) == ("closed", False)
    issue = (await forge.api.get(f"/repos/{REPO}/issues/1")).json()
    assert issue["closed_by"]["login"] == "developer"
    reopened = (await forge.api.patch(f"{PULLS}/1", json={"state": "open"})).json()
    assert (reopened["state"], reopened["closed_at"]) == ("open", None)


async def test_what_cannot_be_reopened(forge: Forge) -> None:
    for branch in ("gone", "rewritten", "doubled"):
        number = (await forge.open(branch))["number"]
        await forge.api.patch(f"{PULLS}/{number}", json={"state": "closed"})
    await forge.api.delete(f"/repos/{REPO}/git/refs/heads/gone")
    await forge.commit("rewritten", {"b": "2"}, force=True, **{"from": "main"})
    await forge.api.post(PULLS, json={"head": "doubled", "base": "main", "title": "x"})
    for number, said in ((1, "deleted"), (2, "force-pushed"), (3, "already an open pull request")):
        [error] = errors(await forge.api.patch(f"{PULLS}/{number}", json={"state": "open"}))
        assert said in error["message"]


async def test_retargeting(forge: Forge) -> None:
    await forge.open("topic")
    other = await forge.commit("release", {"r": "1"}, **{"from": "main"})
    moved = (await forge.api.patch(f"{PULLS}/1", json={"base": "release"})).json()
    assert (moved["base"]["ref"], moved["base"]["sha"], moved["mergeable"]) == ("release", other, None)
    [error] = errors(await forge.api.patch(f"{PULLS}/1", json={"base": "gone"}))
    assert error["field"] == "base"
    await forge.api.post(PULLS, json={"head": "topic", "base": "main", "title": "x"})
    [error] = errors(await forge.api.patch(f"{PULLS}/1", json={"base": "main"}))
    assert "already exists" in error["message"]


async def test_commits_and_files(forge: Forge) -> None:
    await forge.open("topic", {"app.yaml": "tag: 2\n"})
    await forge.commit("topic", {"docs/readme.md": None, "new/file.txt": "a\nb\n"})
    await forge.commit("main", {"elsewhere": "1"})
    commits = (await forge.api.get(f"{PULLS}/1/commits")).json()
    assert [commit["sha"] for commit in commits][-1] == forge.tip("topic")
    assert len(commits) == 2
    assert commits[0]["commit"]["author"]["name"] == commits[0]["author"]["login"] == "developer"
    files = {file["filename"]: file for file in (await forge.api.get(f"{PULLS}/1/files")).json()}
    assert {path: file["status"] for path, file in files.items()} == {
        "app.yaml": "modified", "docs/readme.md": "removed", "new/file.txt": "added",
    }  # fmt: skip
    assert files["app.yaml"]["patch"] == "@@ -1 +1 @@\n-tag: 1\n+tag: 2"
    assert (files["new/file.txt"]["additions"], files["new/file.txt"]["changes"]) == (2, 2)


async def test_a_renamed_file(forge: Forge) -> None:
    long = "".join(f"line {number}\n" for number in range(30))
    await forge.commit("main", {"old name": long})
    await forge.open("topic", {"old name": None, "new name": long})
    [file] = (await forge.api.get(f"{PULLS}/1/files")).json()
    assert (file["status"], file["filename"], file["previous_filename"]) == ("renamed", "new name", "old name")


async def test_which_pull_request_brought_a_commit(forge: Forge) -> None:
    pull = await forge.open("topic")
    await forge.computed(1)
    merged = (await forge.merge(1, merge_method="squash")).json()["sha"]
    for sha in (pull["head"]["sha"], merged):
        found = (await forge.api.get(f"/repos/{REPO}/commits/{sha}/pulls")).json()
        assert [item["number"] for item in found] == [1]
    assert (await forge.api.get(f"/repos/{REPO}/commits/{pull['base']['sha']}/pulls")).json() == []


async def test_one_of_two_simultaneous_requests_gets_the_pair(forge: Forge) -> None:
    await forge.commit("topic", {"a": "1"})
    body = {"head": "topic", "base": "main", "title": "x"}
    answers = await asyncio.gather(*(forge.api.post(PULLS, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
