"""What all REST calls share: tokens, error shapes, lists in pages, conditional reads."""

import re

import httpx
import pytest

from tests.sandbox.github.conftest import REPO, Forge


@pytest.mark.parametrize("header", ["Bearer ghp_wrong", "token ghp_wrong", "Digest x", "Basic %%%"])
async def test_a_bad_token_is_bad_credentials(forge: Forge, header: str) -> None:
    answer = await forge.api.get("/user", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert answer.json()["status"] == "401"


async def test_no_token_is_refused(forge: Forge) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{forge.repositories.base_url}/api/v3/repos/{REPO}")
    assert answer.status_code == 401


async def test_each_token_is_its_login(forge: Forge) -> None:
    assert (await forge.api.get("/user")).json()["login"] == "tiphys"
    token = forge.developer.headers["Authorization"].replace("Bearer", "token")
    assert (await forge.api.get("/user", headers={"Authorization": token})).json()["login"] == "developer"


@pytest.mark.parametrize("path", ["/repos/example/nothing", f"/repos/{REPO}/pulls/7", "/no/such/thing"])
async def test_the_unknown_is_not_found(forge: Forge, path: str) -> None:
    answer = await forge.api.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


async def test_the_prefix_may_be_left_out(forge: Forge) -> None:
    url = f"{forge.repositories.base_url}/repos/{REPO}"
    answer = await forge.api.get(url)
    assert answer.json()["full_name"] == REPO
    assert answer.json()["url"] == f"{forge.repositories.base_url}/api/v3/repos/{REPO}"


async def test_bodies_that_are_not_what_they_should_be(forge: Forge) -> None:
    path = f"/repos/{REPO}/pulls"
    broken = await forge.api.post(path, content=b"{")
    assert (broken.status_code, broken.json()["message"]) == (400, "Problems parsing JSON")
    missing = await forge.api.post(path, json={"head": "main", "base": "main"})
    assert missing.status_code == 422
    assert missing.json()["message"] == 'Invalid request.\n\n"title" wasn\'t supplied.'
    wrong = await forge.api.post(path, json={"head": 7, "base": "main", "title": "x"})
    assert wrong.status_code == 422
    listed = await forge.api.post(path, json=[1])
    assert listed.status_code == 422


async def test_lists_come_in_pages(forge: Forge) -> None:
    await forge.open("topic")
    for number in range(3):
        await forge.api.post(f"/repos/{REPO}/issues/1/comments", json={"body": f"comment {number}"})
    first = await forge.api.get(f"/repos/{REPO}/issues/1/comments?per_page=2")
    assert [comment["body"] for comment in first.json()] == ["comment 0", "comment 1"]
    links = dict(reversed(found) for found in re.findall(r'<([^>]+)>; rel="(\w+)"', first.headers["Link"]))
    assert sorted(links) == ["last", "next"]
    second = await forge.api.get(links["next"])
    assert [comment["body"] for comment in second.json()] == ["comment 2"]
    assert 'rel="prev"' in second.headers["Link"]
    assert 'rel="next"' not in second.headers["Link"]
    assert "Link" not in (await forge.api.get(f"/repos/{REPO}/issues/1/comments")).headers


async def test_what_has_not_changed_need_not_be_sent_again(forge: Forge) -> None:
    path = f"/repos/{REPO}/git/ref/heads/main"
    tag = (await forge.api.get(path)).headers["ETag"]
    assert (await forge.api.get(path, headers={"If-None-Match": tag})).status_code == 304
    await forge.commit("main", {"a": "1"})
    assert (await forge.api.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_rate_limit(forge: Forge) -> None:
    assert (await forge.api.get("/rate_limit")).json()["resources"]["core"]["limit"] == 5000
