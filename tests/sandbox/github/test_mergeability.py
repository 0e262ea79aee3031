"""The mergeability race (fact sheet, section 2)."""

import pytest

from tests.sandbox.github.conftest import REPO, Forge

NEVER = 3600.0


async def test_first_unknown_then_computed_by_a_real_merge(forge: Forge) -> None:
    forge.mergeability.delay = NEVER
    opened = await forge.open("topic")
    for pull in (opened, await forge.pull(1), await forge.pull(1)):
        assert (pull["mergeable"], pull["mergeable_state"], pull["merge_commit_sha"]) == (None, "unknown", None)
    forge.mergeability.delay = 0
    await forge.commit("topic", {"more": "1"})
    pull = await forge.computed(1)
    assert (pull["mergeable"], pull["rebaseable"], pull["mergeable_state"]) == (True, True, "clean")
    parents = (await forge.show(pull["merge_commit_sha"], "%P"))[0].split()
    assert parents == [forge.tip("main"), forge.tip("topic")]
    assert forge.tip("main") != pull["merge_commit_sha"]


@pytest.mark.parametrize("branch", ["topic", "main"])
async def test_every_push_to_head_or_base_forgets_it(forge: Forge, branch: str) -> None:
    await forge.open("topic")
    before = await forge.computed(1)
    forge.mergeability.delay = NEVER
    moved = await forge.commit(branch, {"more": "1"})
    forgotten = await forge.pull(1)
    assert (forgotten["mergeable"], forgotten["mergeable_state"], forgotten["merge_commit_sha"]) == (
        None,
        "unknown",
        None,
    )
    assert forgotten["head"]["sha"] == (moved if branch == "topic" else before["head"]["sha"])
    forge.mergeability.delay = 0
    await forge.commit(branch, {"yet more": "1"})
    assert (await forge.computed(1))["merge_commit_sha"] != before["merge_commit_sha"]


async def test_a_push_by_git_forgets_it_too(forge: Forge) -> None:
    await forge.open("topic")
    await forge.computed(1)
    forge.mergeability.delay = NEVER
    clone = await forge.clone("clone")
    await forge.git("commit", "-q", "--allow-empty", "-m", "x", at=clone)
    await forge.git("push", "-q", "origin", "HEAD:main", at=clone)
    assert (await forge.pull(1))["mergeable"] is None


async def test_a_conflict_is_dirty(forge: Forge) -> None:
    await forge.open("topic", {"app.yaml": "tag: 2\n"})
    await forge.commit("main", {"app.yaml": "tag: 3\n"})
    pull = await forge.computed(1)
    assert (pull["mergeable"], pull["mergeable_state"], pull["merge_commit_sha"]) == (False, "dirty", None)


@pytest.mark.parametrize(
    ("state", "expected"), [("pending", "unstable"), ("failure", "unstable"), ("success", "clean")]
)
async def test_a_check_that_is_not_required(forge: Forge, state: str, expected: str) -> None:
    await forge.open("topic")
    await forge.computed(1)
    await forge.deed("status", number=1, context="ci", state=state)
    assert (await forge.pull(1))["mergeable_state"] == expected


async def test_a_draft(forge: Forge) -> None:
    await forge.commit("topic", {"a": "1"})
    body = {"head": "topic", "base": "main", "title": "x", "draft": True}
    await forge.api.post(f"/repos/{REPO}/pulls", json=body)
    assert (await forge.computed(1))["mergeable_state"] == "draft"


async def test_the_base_sha_is_that_of_the_last_push_to_the_head(forge: Forge) -> None:
    opened = await forge.open("topic")
    newer = await forge.commit("main", {"b": "1"})
    assert (await forge.pull(1))["base"]["sha"] == opened["base"]["sha"]
    await forge.commit("topic", {"c": "1"})
    assert (await forge.pull(1))["base"]["sha"] == newer
