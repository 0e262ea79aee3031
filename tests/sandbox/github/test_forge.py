"""Pull requests follow Git: whatever moves a branch moves them."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from bot.sandbox.github.plumbing import Plumbing
from tests.sandbox.github.conftest import REPO, Forge


async def test_a_deleted_head_closes_it(forge: Forge) -> None:
    await forge.open("topic")
    await forge.api.delete(f"/repos/{REPO}/git/refs/heads/topic")
    pull = await forge.pull(1)
    assert (pull["state"], pull["merged"]) == ("closed", False)


async def test_a_deleted_base_closes_it(forge: Forge) -> None:
    await forge.commit("release", {"r": "1"})
    await forge.open("topic", base="release")
    await forge.api.delete(f"/repos/{REPO}/git/refs/heads/release")
    assert (await forge.pull(1))["state"] == "closed"


async def test_a_head_fast_forwarded_into_the_base_is_merged(forge: Forge) -> None:
    pull = await forge.open("topic")
    clone = await forge.clone("clone")
    run = await forge.git("push", "origin", "origin/topic:refs/heads/main", ":refs/heads/topic", at=clone)
    assert run.code == 0, run.err
    merged = await forge.pull(1)
    assert (merged["merged"], merged["state"], merged["merged_by"]["login"]) == (True, "closed", "tiphys")
    assert merged["merge_commit_sha"] == pull["head"]["sha"]


async def test_a_merge_by_hand_names_its_merge_commit(forge: Forge) -> None:
    await forge.open("topic")
    await forge.commit("main", {"b": "1"})
    clone = await forge.clone("clone")
    await forge.git("merge", "-q", "--no-ff", "-m", "by hand", "origin/topic", at=clone)
    by_hand = (await forge.git("rev-parse", "HEAD", at=clone)).out.strip()
    await forge.git("commit", "-q", "--allow-empty", "-m", "later", at=clone)
    await forge.git("push", "-q", "origin", "main", at=clone)
    merged = await forge.pull(1)
    assert (merged["merged"], merged["merge_commit_sha"]) == (True, by_hand)


async def test_a_head_reset_to_the_base_closes_it(forge: Forge) -> None:
    pull = await forge.open("topic")
    clone = await forge.clone("clone")
    await forge.git("push", "-q", "--force", "origin", "origin/main:refs/heads/topic", at=clone)
    closed = await forge.pull(1)
    assert (closed["state"], closed["merged"]) == ("closed", False)
    assert closed["head"]["sha"] != pull["head"]["sha"]


async def test_a_closed_one_does_not_follow(forge: Forge) -> None:
    pull = await forge.open("topic")
    await forge.deed("close", number=1)
    await forge.commit("topic", {"c": "1"})
    assert (await forge.pull(1))["head"]["sha"] == pull["head"]["sha"]
    await forge.deed("reopen", number=1)
    assert (await forge.pull(1))["head"]["sha"] == forge.tip("topic")


@pytest.mark.parametrize("branch", ["topic", "main"])
async def test_a_merged_one_stays_as_it_is(forge: Forge, branch: str) -> None:
    await forge.open("topic")
    await forge.computed(1)
    await forge.merge(1)
    before = await forge.pull(1)
    await forge.commit(branch, {"c": "1"})
    after = await forge.pull(1)
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


async def test_a_commit_pushed_to_head_and_base_at_once_is_merged(forge: Forge) -> None:
    await forge.open("topic")
    clone = await forge.clone("clone")
    await forge.git("checkout", "-q", "topic", at=clone)
    await forge.git("commit", "-q", "--allow-empty", "-m", "x", at=clone)
    run = await forge.git("push", "origin", "HEAD:topic", "HEAD:main", at=clone)
    assert run.code == 0, run.err
    pull = await forge.pull(1)
    assert (pull["merged"], pull["merge_commit_sha"]) == (True, forge.tip("topic"))


async def test_histories_that_have_nothing_in_common(forge: Forge) -> None:
    await forge.open("topic")
    clone = await forge.clone("clone")
    await forge.git("checkout", "-q", "--orphan", "other", at=clone)
    await forge.git("commit", "-q", "-m", "x", at=clone)
    await forge.git("push", "-q", "--force", "origin", "HEAD:topic", "HEAD:other", at=clone)
    pull = await forge.computed(1)
    assert (pull["mergeable"], pull["mergeable_state"]) == (False, "dirty")
    body = {"head": "other", "base": "main", "title": "x"}
    [error] = (await forge.api.post(f"/repos/{REPO}/pulls", json=body)).json()["errors"]
    assert error["message"] == "The other branch has no history in common with main"


@pytest.mark.parametrize("act", ["open", "reopen"])
async def test_a_push_while_it_is_opened_is_followed(forge: Forge, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """Between what the forge has read and what it writes down."""
    before = (await forge.open("topic"))["number"]
    await forge.deed("close", number=before)
    looked, is_ancestor, count = asyncio.Event(), Plumbing.is_ancestor, Plumbing.count
    old = forge.tip("topic")

    async def push_meanwhile() -> None:
        looked.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while forge.tip("topic") == old:  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.01)

    async def count_slowly(self: Plumbing, *arguments: str) -> int:
        await push_meanwhile()
        return await count(self, *arguments)

    async def look_slowly(self: Plumbing, older: str, newer: str) -> bool:
        if (older, newer) == (old, old):
            await push_meanwhile()
        return await is_ancestor(self, older, newer)

    monkeypatch.setattr(Plumbing, "count", count_slowly)
    monkeypatch.setattr(Plumbing, "is_ancestor", look_slowly)

    async def opened() -> dict[str, Any]:
        body = {"number": before} if act == "reopen" else {"head": "topic", "base": "main", "title": "again"}
        answer = await forge.deed(act, **body)
        return dict(answer.raise_for_status().json()["pull"])

    async def pushed() -> str:
        await looked.wait()
        return await forge.commit("topic", {"more": "1"})

    pull, sha = await asyncio.gather(opened(), pushed())
    assert (await forge.pull(pull["number"]))["head"]["sha"] == sha
    out = await forge.repositories.git(REPO, "rev-parse", f"refs/pull/{pull['number']}/head")
    assert out.decode().strip() == sha
