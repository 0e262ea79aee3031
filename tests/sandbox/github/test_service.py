"""The service as the world holds it: its state, and going on after a restart."""

import asyncio
import json

from bot.sandbox.feed import Feed
from bot.sandbox.github.service import GithubService
from bot.sandbox.service import Service
from bot.sandbox.traffic import Traffic
from tests.sandbox.github.conftest import DEADLINE, REPO, Forge


async def until_computed(service: Service) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if all(p["state"] == "closed" or p["mergeable_state"] != "unknown" for p in service.state()["pulls"]):
                return
            await asyncio.sleep(0.01)


async def test_the_state(forge: Forge) -> None:
    opened = await forge.open("topic")
    await forge.api.post(
        f"/repos/{REPO}/statuses/{opened['head']['sha']}",
        json={"state": "pending", "context": "tiphys/approval", "description": "0 of 2"},
    )
    state = forge.service.state()
    json.dumps(state)
    [pull] = state["pulls"]
    assert (pull["repository"], pull["number"], pull["state"], pull["merged"]) == (REPO, 1, "open", False)
    assert (pull["title"], pull["body"], pull["author"]) == ("Ship topic", "why", "tiphys")
    assert pull["head"] == {"ref": "topic", "sha": forge.tip("topic")}
    assert pull["base"] == {"ref": "main", "sha": forge.tip("main")}
    assert pull["statuses"] == {"tiphys/approval": {"state": "pending", "description": "0 of 2"}}
    assert (pull["merge_commit_sha"], pull["merged_by"], pull["reviews"]) == (None, None, [])
    await forge.computed(1)
    assert forge.service.state()["pulls"][0]["mergeable_state"] == "unstable"
    assert state["repositories"] == [
        {
            "name": REPO,
            "clone_url": forge.repositories.clone_url(REPO),
            "branches": {"main": forge.tip("main"), "topic": forge.tip("topic")},
        }
    ]


async def test_a_test_merge_is_no_merge_in_the_state(forge: Forge) -> None:
    await forge.open("topic")
    assert (await forge.computed(1))["merge_commit_sha"] is not None
    assert forge.service.state()["pulls"][0]["merge_commit_sha"] is None


async def test_it_goes_on_where_it_was(forge: Forge) -> None:
    await forge.open("one")
    await forge.computed(1)
    await forge.deed("review", number=1, state="APPROVED")
    await forge.deed("status", number=1, context="ci", state="success")
    await forge.deed("protect", branch="main", reviews=1)
    await forge.open("two")
    dumped = json.loads(json.dumps(forge.service.dump()))

    again: Service = GithubService(Traffic(), Feed(), forge.repositories, 30)
    again.load(dumped)
    await again.start()
    await until_computed(again)
    await until_computed(forge.service)
    assert again.state() == forge.service.state()
    assert [pull["mergeable_state"] for pull in again.state()["pulls"]] == ["clean", "blocked"]
    await again.close()
    await again.close()


async def test_what_git_did_meanwhile_is_found_at_the_start(forge: Forge) -> None:
    for branch in ("moved", "gone", "merged"):
        await forge.open(branch)
    dumped = forge.service.dump()
    moved = await forge.commit("moved", {"more": "1"})
    await forge.repositories.move_branch(REPO, "gone", None, expected=forge.tip("gone"))
    await forge.repositories.move_branch(REPO, "main", forge.tip("merged"), expected=forge.tip("main"))

    again = GithubService(Traffic(), Feed(), forge.repositories, 30)
    again.load(dumped)
    await again.start()
    await until_computed(again)
    pulls = again.state()["pulls"]
    assert [(pull["state"], pull["merged"]) for pull in pulls] == [("open", False), ("closed", False), ("closed", True)]
    assert pulls[0]["head"]["sha"] == moved
    await again.close()


async def test_what_moves_is_told_to_the_watchers(forge: Forge) -> None:
    feed = forge.service.forge.feed
    before = feed.count
    await forge.open("topic")
    assert feed.count > before


async def test_rest_calls_are_logged_as_github(forge: Forge) -> None:
    await forge.open("topic")
    logged, _ = forge.traffic.requests(service="github")
    opening = next(entry for entry in logged if entry.method == "POST")
    assert opening.path == f"/api/v3/repos/{REPO}/pulls"
    assert opening.body["head"] == "topic"
    assert (opening.status, opening.applied) == (201, True)
    await forge.merge(9)
    logged, _ = forge.traffic.requests(service="github")
    assert (logged[-1].status, logged[-1].applied) == (404, False)
