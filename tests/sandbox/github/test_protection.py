"""What a branch's rules refuse: merges (405) and pushes, each beside what they allow."""

import re
from typing import Any

import httpx
import pytest

from tests.sandbox.github.conftest import REPO, Forge

PREFIX = "Repository rule violations found\n\n"


async def ready(forge: Forge, **rules: Any) -> None:
    """A pull request on a branch with these rules, as far as computed."""
    assert (await forge.deed("protect", branch="main", **rules)).status_code == 200
    await forge.open("topic")
    await forge.computed(1)


async def check(forge: Forge, state: str, context: str = "ci") -> None:
    assert (await forge.deed("status", number=1, context=context, state=state)).status_code == 200


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 405, answer.text
    return str(answer.json()["message"])


async def test_a_required_check(forge: Forge) -> None:
    await ready(forge, required_checks=["ci"])
    for state, word in ((None, "expected"), ("pending", "pending"), ("failure", "failing"), ("error", "failing")):
        if state is not None:
            await check(forge, state)
        assert refused(await forge.merge(1)) == f'{PREFIX}Required status check "ci" is {word}.'
        assert (await forge.pull(1))["mergeable_state"] == "blocked"
    await check(forge, "success", context="CI")
    assert (await forge.pull(1))["mergeable_state"] == "clean"
    assert (await forge.merge(1)).status_code == 200


async def test_several_required_checks(forge: Forge) -> None:
    await ready(forge, required_checks=["ci", "tiphys/approval", "scan"])
    assert "3 of 3 required status checks are expected." in refused(await forge.merge(1))
    await check(forge, "success")
    await check(forge, "pending", "scan")
    said = "2 of 3 required status checks have not succeeded: 1 expected and 1 pending."
    assert said in refused(await forge.merge(1))
    await check(forge, "success", "scan")
    assert "1 of 3 required status checks is expected." in refused(await forge.merge(1))


async def test_a_new_push_needs_the_check_again(forge: Forge) -> None:
    await ready(forge, required_checks=["ci"])
    await check(forge, "success")
    await forge.commit("topic", {"more": "1"})
    await forge.computed(1)
    assert "is expected" in refused(await forge.merge(1))


async def test_an_approving_review(forge: Forge) -> None:
    await ready(forge, reviews=1)
    said = "At least 1 approving review is required by reviewers with write access."
    assert refused(await forge.merge(1)) == PREFIX + said
    assert (await forge.pull(1))["mergeable_state"] == "blocked"
    await forge.deed("review", number=1, state="APPROVED")
    assert (await forge.pull(1))["mergeable_state"] == "clean"
    await forge.deed("review", number=1, state="CHANGES_REQUESTED")
    assert "Changes have been requested" in refused(await forge.merge(1))
    await forge.deed("review", number=1, state="APPROVED")
    assert (await forge.merge(1)).status_code == 200


async def test_one_person_counts_once(forge: Forge) -> None:
    await ready(forge, reviews=2)
    for _ in range(2):
        await forge.deed("review", number=1, state="APPROVED")
    assert "At least 2 approving reviews are required" in refused(await forge.merge(1))
    await forge.deed("review", number=1, state="APPROVED", **{"as": "developer-2"})
    assert (await forge.merge(1)).status_code == 200


@pytest.mark.parametrize(("method", "said"), [
    ("merge", "Merge commits are not allowed on this repository."),
    ("squash", "Squash merges are not allowed on this repository."),
    ("rebase", "Rebase merges are not allowed on this repository."),
])  # fmt: skip
async def test_methods(forge: Forge, method: str, said: str) -> None:
    others = [other for other in ("merge", "squash", "rebase") if other != method]
    await ready(forge, methods=others)
    assert refused(await forge.merge(1, merge_method=method)) == said
    assert (await forge.merge(1, merge_method=others[0])).status_code == 200


async def test_the_merge_queue(forge: Forge) -> None:
    await ready(forge, queue=True)
    assert refused(await forge.merge(1)) == f"{PREFIX}Changes must be made through the merge queue"


async def test_a_head_behind_a_strict_base(forge: Forge) -> None:
    await ready(forge, required_checks=["ci"], strict=True, bypass=["developer"])
    await check(forge, "success")
    assert (await forge.pull(1))["mergeable_state"] == "clean"
    await forge.commit("main", {"more": "1"})
    assert (await forge.computed(1))["mergeable_state"] == "behind"
    assert 'Required status check "ci" is expected.' in refused(await forge.merge(1))


async def test_who_bypasses_is_not_bound(forge: Forge) -> None:
    await ready(forge, reviews=2, required_checks=["ci"], queue=True, bypass=["tiphys"])
    assert (await forge.pull(1))["mergeable_state"] == "blocked"
    assert (await forge.merge(1)).status_code == 200


async def test_rules_that_demand_nothing_end_the_protection(forge: Forge) -> None:
    await ready(forge, reviews=1)
    await forge.deed("protect", branch="main")
    assert (await forge.merge(1)).status_code == 200


@pytest.mark.parametrize(("rules", "said"), [
    ({"reviews": 1}, "Changes must be made through a pull request."),
    ({"queue": True}, "Changes must be made through the merge queue"),
    ({"required_checks": ["ci"]}, 'Required status check "ci" is expected.'),
])  # fmt: skip
async def test_pushes(forge: Forge, rules: dict[str, Any], said: str) -> None:
    assert (await forge.deed("protect", branch="main", **rules)).status_code == 200
    before = forge.tip("main")
    clone = await forge.clone("clone")
    await forge.git("commit", "-q", "--allow-empty", "-m", "x", at=clone)
    run = await forge.git("push", "--porcelain", "origin", "HEAD:main", "HEAD:free", at=clone)
    assert run.code == 1
    assert f"GH013: Repository rule violations found for refs/heads/main.\nremote:\nremote: - {said}" in re.sub(
        r" +\n", "\n", run.err
    )
    assert "!\tHEAD:refs/heads/main\t[remote rejected]" in run.out
    assert forge.tip("main") == before
    assert forge.tip("free") is not None

    body = {"repository": REPO, "branch": "main", "as": "developer", "message": "x", "files": {"a": "1"}}
    answer = await forge.control.post("/api/git/commit", json=body)
    assert (answer.status_code, answer.json()["error"]["slug"]) == (422, "rules_unmet")
    assert said in answer.json()["error"]["message"]
    assert forge.tip("main") == before


async def test_a_push_with_its_check_done(forge: Forge) -> None:
    sha = await forge.commit("topic", {"a": "1"})
    assert (await forge.deed("protect", branch="main", required_checks=["ci"])).status_code == 200
    await forge.api.post(f"/repos/{REPO}/statuses/{sha}", json={"state": "success", "context": "ci"})
    clone = await forge.clone("clone")
    run = await forge.git("push", "origin", "origin/topic:refs/heads/main", at=clone)
    assert run.code == 0, run.err


async def test_force_and_deletion(forge: Forge) -> None:
    older = forge.tip("main")
    sha = await forge.commit("release", {"a": "1"})
    assert (await forge.deed("protect", branch="release", required_checks=["ci"])).status_code == 200
    await forge.api.post(f"/repos/{REPO}/statuses/{older}", json={"state": "success", "context": "ci"})
    clone = await forge.clone("clone")
    run = await forge.git("push", "--force", "origin", "origin/main:refs/heads/release", at=clone)
    assert "Cannot force-push to this branch" in run.err
    run = await forge.git("push", "origin", ":refs/heads/release", at=clone)
    assert "Cannot delete this branch" in run.err
    assert forge.tip("release") == sha


async def test_who_bypasses_may_push(forge: Forge) -> None:
    await forge.deed("protect", branch="main", reviews=1, bypass=["tiphys", "developer"])
    clone = await forge.clone("clone")
    await forge.git("commit", "-q", "--allow-empty", "-m", "x", at=clone)
    assert (await forge.git("push", "origin", "main", at=clone)).code == 0
    assert await forge.commit("main", {"a": "1"})


async def test_an_approval_of_an_older_head_is_dismissed_where_that_is_wanted(forge: Forge) -> None:
    await ready(forge, reviews=1, dismiss_stale=True)
    await forge.deed("review", number=1, state="APPROVED")
    await forge.commit("topic", {"more": "1"})
    await forge.computed(1)
    assert "At least 1 approving review is required" in refused(await forge.merge(1))
    await forge.deed("review", number=1, state="APPROVED")
    assert (await forge.merge(1)).status_code == 200


async def test_conversations_must_be_resolved(forge: Forge) -> None:
    await ready(forge, conversation_resolution=True)
    await forge.deed("discuss", number=1)
    assert refused(await forge.merge(1)) == f"{PREFIX}All comments must be resolved."
    assert (await forge.pull(1))["mergeable_state"] == "blocked"
    await forge.deed("discuss", number=1, resolved=True)
    assert (await forge.merge(1)).status_code == 200


async def test_linear_history(forge: Forge) -> None:
    await ready(forge, linear_history=True)
    said = "This branch must not contain merge commits."
    assert refused(await forge.merge(1, merge_method="merge")) == PREFIX + said
    clone = await forge.clone("clone")
    await forge.git("merge", "-q", "--no-ff", "-m", "a merge", "origin/topic", at=clone)
    run = await forge.git("push", "origin", "HEAD:main", at=clone)
    assert f"GH013: Repository rule violations found for refs/heads/main.\nremote:\nremote: - {said}" in re.sub(
        r" +\n", "\n", run.err
    )
    assert (await forge.merge(1, merge_method="squash")).status_code == 200


async def test_signed_commits(forge: Forge) -> None:
    await ready(forge, signatures=True)
    said = "Commits must have verified signatures."
    assert refused(await forge.merge(1, merge_method="squash")) == PREFIX + said
    clone = await forge.clone("clone")
    run = await forge.git("push", "origin", "origin/topic:refs/heads/main", at=clone)
    assert f"- {said}" in run.err
