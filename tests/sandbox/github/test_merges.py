"""Merging, with its guards (fact sheet, section 3)."""

import asyncio

from bot.sandbox.github.refusals import BASE_MODIFIED, HEAD_MODIFIED, NOT_MERGEABLE
from tests.sandbox.github.conftest import REPO, Forge


async def two_commits(forge: Forge) -> str:
    """An open pull request with two commits, on a base that has moved on; its mergeability is known."""
    await forge.open("topic", {"a": "1"})
    head = await forge.commit("topic", {"a": "2", "b": "1"}, message="second")
    await forge.commit("main", {"elsewhere": "1"})
    await forge.computed(1)
    return head


async def test_a_merge_commit(forge: Forge) -> None:
    head, base = await two_commits(forge), forge.tip("main")
    answer = await forge.merge(1, sha=head, commit_title="Promote", commit_message="Tiphys-Change: 01J")
    assert answer.status_code == 200
    sha = answer.json()["sha"]
    assert answer.json()["merged"] is True
    assert forge.tip("main") == sha
    assert await forge.show(sha) == ["Promote", "tiphys tiphys@example.com", "tiphys", f"{base} {head}"]
    assert "Tiphys-Change: 01J" in await forge.show(sha, "%B")
    assert (REPO, "main", sha) in forge.pushes
    pull = await forge.pull(1)
    assert (pull["state"], pull["merged"], pull["merge_commit_sha"]) == ("closed", True, sha)
    assert (pull["merged_by"]["login"], pull["mergeable"]) == ("tiphys", None)


async def test_a_squash(forge: Forge) -> None:
    head, base = await two_commits(forge), forge.tip("main")
    sha = (await forge.merge(1, merge_method="squash")).json()["sha"]
    assert (await forge.show(sha))[::3] == ["Ship topic (#1)", f"{base}"]
    assert (await forge.repositories.git(REPO, "show", f"{sha}:a")) == b"2"
    assert (await forge.repositories.git(REPO, "show", f"{sha}:elsewhere")) == b"1"
    assert head not in (await forge.repositories.git(REPO, "rev-list", "main")).decode()


async def test_a_rebase(forge: Forge) -> None:
    head, base = await two_commits(forge), forge.tip("main")
    sha = (await forge.merge(1, merge_method="rebase")).json()["sha"]
    assert await forge.show(sha) == [
        "second",
        "developer developer@example.com",
        "tiphys",
        (await forge.show(f"{sha}^", "%H"))[0],
    ]
    assert (await forge.show(f"{sha}^^", "%H"))[0] == base
    assert (await forge.show(f"{sha}^", "%s"))[0] == "change topic"
    assert (await forge.repositories.git(REPO, "show", f"{sha}:a")) == b"2"
    assert sha != head


async def test_default_messages(forge: Forge) -> None:
    await two_commits(forge)
    sha = (await forge.merge(1)).json()["sha"]
    assert (await forge.show(sha, "%B"))[:3] == ["Merge pull request #1 from example/topic", "", "Ship topic"]


async def test_a_head_that_has_moved(forge: Forge) -> None:
    old = await two_commits(forge)
    await forge.commit("topic", {"c": "1"})
    await forge.computed(1)
    base = forge.tip("main")
    answer = await forge.merge(1, sha=old)
    assert (answer.status_code, answer.json()["message"]) == (409, HEAD_MODIFIED)
    assert forge.tip("main") == base


async def test_a_second_merge(forge: Forge) -> None:
    head = await two_commits(forge)
    await forge.merge(1, sha=head)
    answer = await forge.merge(1, sha=head)
    assert (answer.status_code, answer.json()["message"]) == (405, NOT_MERGEABLE)


async def test_a_closed_one(forge: Forge) -> None:
    await two_commits(forge)
    await forge.deed("close", number=1)
    assert (await forge.merge(1)).status_code == 405


async def test_a_conflict(forge: Forge) -> None:
    await forge.open("topic", {"app.yaml": "tag: 2\n"})
    await forge.commit("main", {"app.yaml": "tag: 3\n"})
    await forge.computed(1)
    answer = await forge.merge(1)
    assert (answer.status_code, answer.json()["message"]) == (405, NOT_MERGEABLE)


async def test_a_rebase_that_conflicts_where_a_merge_does_not(forge: Forge) -> None:
    await forge.open("topic", {"app.yaml": "tag: 2\n"})
    await forge.commit("topic", {"app.yaml": "tag: 1\n"})
    await forge.commit("main", {"app.yaml": "tag: 3\n"})
    assert (await forge.computed(1))["mergeable"] is True
    base = forge.tip("main")
    answer = await forge.merge(1, merge_method="rebase")
    assert (answer.status_code, answer.json()["message"]) == (405, "This branch can't be rebased")
    assert forge.tip("main") == base


async def test_an_unknown_method(forge: Forge) -> None:
    await two_commits(forge)
    assert (await forge.merge(1, merge_method="octopus")).status_code == 422


async def test_before_mergeability_is_known(forge: Forge) -> None:
    forge.mergeability.delay = 3600
    await forge.open("topic")
    answer = await forge.merge(1)
    assert (answer.status_code, answer.json()["message"]) == (405, NOT_MERGEABLE)


async def test_two_merges_within_a_moment(forge: Forge) -> None:
    """The second finds that the base branch was modified, and is merged when it tries again."""
    await forge.open("one")
    await forge.open("two")
    await forge.computed(1)
    await forge.computed(2)
    forge.mergeability.delay = 3600
    answers = await asyncio.gather(forge.merge(1), forge.merge(2))
    assert sorted(answer.status_code for answer in answers) == [200, 405]
    late = next(answer for answer in answers if answer.status_code == 405)
    assert late.json()["message"] == BASE_MODIFIED
    number = answers.index(late) + 1
    forge.mergeability.delay = 0
    await forge.commit(["one", "two"][number - 1], {"more": "1"})
    await forge.computed(number)
    assert (await forge.merge(number)).status_code == 200
    files = (await forge.repositories.git(REPO, "ls-tree", "-r", "--name-only", "main")).decode().split()
    assert {"one.txt", "two.txt"} <= set(files)
