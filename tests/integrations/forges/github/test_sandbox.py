"""The client against the sandbox's GitHub, which was written from the same facts by other hands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.branch_rules import BranchRules, RequiredCheck, Review
from bot.domain.identity import Revision
from bot.domain.pipeline import MergeMethod, Repository
from bot.domain.pull_request import (
    Check,
    CheckState,
    HeadMoved,
    Mergeability,
    Merged,
    MergeRefused,
    NotReady,
    PullRequest,
)
from bot.integrations.forges.github.branches import HIDDEN_PROTECTION
from bot.integrations.forges.github.client import GithubForge
from bot.ports import Denied, NotFound, Unavailable
from bot.sandbox.seeded import TOKENS
from tests.sandbox.github.conftest import REPO, Forge
from tests.sandbox.github.conftest import forge as world

__all__ = ["world"]

BRANCH = "tiphys/shop/production/01JXYZ"
MARKER = "<!-- tiphys:change:01JXYZ -->"


@pytest.fixture
async def github(world: Forge) -> AsyncIterator[GithubForge]:
    client = client_of(world, TOKENS.github_tiphys)
    yield client
    await client.close()


def client_of(world: Forge, token: str) -> GithubForge:
    api_url = str(world.api.base_url).rstrip("/")
    return GithubForge(Repository(name="shop", github=REPO, api_url=api_url, token=token))


async def opened(world: Forge, github: GithubForge) -> PullRequest:
    await world.commit(BRANCH, {"app.yaml": "tag: 2\n"}, **{"from": "main"})
    return await github.ensure_pull_request(
        head_branch=BRANCH, base_branch="main", title="Promote shop", body=f"why\n\n{MARKER}", marker=MARKER
    )


async def computed(world: Forge, github: GithubForge, number: int) -> PullRequest:
    await world.computed(number)
    return await github.get_pull_request(number)


async def merge(github: GithubForge, number: int, head: str) -> Merged | NotReady | HeadMoved | MergeRefused:
    return await github.merge(
        number,
        expected_head=Revision(head),
        method="squash",
        title="Promote shop (#1)",
        message="Tiphys-Change: 01JXYZ",
    )


async def test_a_promotion_from_open_to_merged(world: Forge, github: GithubForge) -> None:
    forge = world.service.forge
    forge.mergeability.delay = 60  # longer than this takes
    pull = await opened(world, github)
    assert (pull.is_open, pull.mergeability) == (True, Mergeability.UNKNOWN)
    forge.mergeability.delay = 0
    forge.mergeability.forget(forge.pull(REPO, pull.number))
    assert (await opened_again(github)).number == pull.number
    assert (await computed(world, github, pull.number)).mergeability is Mergeability.CLEAN
    await github.set_status(pull.head, state="success", description="approved")
    merged = await merge(github, pull.number, pull.head)
    assert isinstance(merged, Merged)
    again = await merge(github, pull.number, pull.head)
    assert again == Merged(revision=merged.revision, by="tiphys")
    seen = await github.get_pull_request(pull.number)
    assert (seen.merged, seen.merge_revision, seen.merged_by) == (True, merged.revision, "tiphys")


async def opened_again(github: GithubForge) -> PullRequest:
    return await github.ensure_pull_request(
        head_branch=BRANCH, base_branch="main", title="Promote shop", body=MARKER, marker=MARKER
    )


async def test_it_is_found_by_branch_and_marker_alone(world: Forge, github: GithubForge) -> None:
    await world.open("feature")
    pull = await opened(world, github)
    found = await github.find_pull_request(head_branch=BRANCH, marker=MARKER)
    assert found is not None
    assert found.number == pull.number
    assert await github.find_pull_request(head_branch="feature", marker=MARKER) is None


async def test_a_push_meanwhile_is_head_moved(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    moved = await world.commit(BRANCH, {"oops.yaml": "x\n"})
    await computed(world, github, pull.number)
    assert await merge(github, pull.number, pull.head) == HeadMoved(head=Revision(moved))


async def test_a_conflict_asks_for_a_rebuild(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    await world.commit("main", {"app.yaml": "tag: 3\n"})
    assert (await computed(world, github, pull.number)).mergeability is Mergeability.CONFLICT
    assert await merge(github, pull.number, pull.head) == MergeRefused(
        reason="it conflicts with the base", rebuild=True
    )


async def test_mergeability_that_is_not_computed_is_not_ready_or_merged(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    assert isinstance(await merge(github, pull.number, pull.head), NotReady | Merged)


async def test_a_required_check_is_waited_for_and_a_review_is_a_persons(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    await world.deed("protect", branch="main", required_checks=["ci/build"], bypass=[])
    await computed(world, github, pull.number)
    waits = await merge(github, pull.number, pull.head)
    assert isinstance(waits, NotReady)
    assert "ci/build" in waits.reason
    await world.deed("status", number=pull.number, context="ci/build", state="success")
    assert Check(name="ci/build", state=CheckState.SUCCESS) in await github.list_checks(pull.head)
    await world.deed("protect", branch="main", required_checks=[], reviews=1, bypass=[])
    await computed(world, github, pull.number)
    refused = await merge(github, pull.number, pull.head)
    assert isinstance(refused, MergeRefused)
    assert "review" in refused.reason


async def test_it_is_closed_once_and_says_who_closed_what_was_closed_by_hand(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    for _ in range(2):
        await github.ensure_closed(pull.number, comment="shop → production: rejected.", marker=MARKER)
    comments = await world.api.get(f"/repos/{REPO}/issues/{pull.number}/comments")
    assert len(comments.json()) == 1
    seen = await github.get_pull_request(pull.number)
    assert (seen.is_open, seen.merged, seen.closed_by) == (False, False, "tiphys")


async def test_a_missing_thing_and_a_wrong_token(world: Forge, github: GithubForge) -> None:
    with pytest.raises(NotFound):
        await github.get_pull_request(4711)
    stranger = client_of(world, "wrong")
    with pytest.raises(Denied):
        await stranger.get_pull_request(1)
    await stranger.close()
    with pytest.raises(Unavailable, match="does not know the branch"):
        await opened_again(github)
    await world.commit(BRANCH, {"app.yaml": "tag: 2\n"}, **{"from": "main"})
    with pytest.raises(NotFound, match="branch nowhere does not exist"):
        await github.ensure_pull_request(
            head_branch=BRANCH, base_branch="nowhere", title="t", body=MARKER, marker=MARKER
        )


async def rules_of_main(world: Forge, github: GithubForge, **rules: Any) -> BranchRules:
    assert (await world.deed("protect", branch="main", **rules)).status_code == 200
    return await github.branch_rules("main")


async def test_no_rules_are_told_from_hidden_ones(world: Forge, github: GithubForge) -> None:
    free = await github.branch_rules("main")
    assert (free.reviews, free.checks, free.hidden, free.no_pushes) == (0, (), "", False)
    assert (free.link or "").endswith("/rules?ref=refs%2Fheads%2Fmain")
    assert (await rules_of_main(world, github, reviews=1)).hidden == HIDDEN_PROTECTION
    assert (await rules_of_main(world, github, reviews=1, bypass=["tiphys"])).hidden == ""
    assert (await github.branch_rules("a/branch that is not there")).hidden == HIDDEN_PROTECTION


async def test_every_rule_is_read(world: Forge, github: GithubForge) -> None:
    found = await rules_of_main(
        world, github, required_checks=["ci"], reviews=2, strict=True, methods=["squash"], queue=True, signatures=True,
        dismiss_stale=True, linear_history=True, conversation_resolution=True,
    )  # fmt: skip
    assert found.checks == (RequiredCheck(name="ci"),)
    assert (found.reviews, found.reviews_of_head_only, found.strict, found.queue) == (2, True, True, True)
    assert (found.signatures, found.linear, found.conversations, found.no_pushes) == (True, True, True, True)
    assert found.methods == {MergeMethod.SQUASH, MergeMethod.FAST_FORWARD}


async def test_who_may_bypass_is_told_the_same_rules_and_may_push(world: Forge, github: GithubForge) -> None:
    found = await rules_of_main(world, github, required_checks=["ci"], reviews=1, strict=True, bypass=["tiphys"])
    assert (found.checks, found.reviews, found.strict) == ((RequiredCheck(name="ci"),), 1, True)
    assert not found.no_pushes


async def test_a_token_that_is_none_is_an_error_and_nothing_hidden(world: Forge) -> None:
    stranger = client_of(world, "wrong")
    with pytest.raises(Denied):
        await stranger.branch_rules("main")
    await stranger.close()


async def test_reviews_and_conversations(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    assert await github.list_reviews(pull.number) == ()
    assert await github.count_unresolved(pull.number) == 0
    await world.deed("review", number=pull.number, state="COMMENTED", body="hm")
    await world.deed("review", number=pull.number, state="APPROVED")
    await world.deed("discuss", number=pull.number)
    assert await github.list_reviews(pull.number) == (Review(login="developer", approves=True, head=pull.head),)
    assert await github.count_unresolved(pull.number) == 1
    await world.deed("discuss", number=pull.number, resolved=True)
    assert await github.count_unresolved(pull.number) == 0
    assert await github.count_unresolved(4711) is None


async def test_our_status_and_everybodys_pull_requests(world: Forge, github: GithubForge) -> None:
    pull = await opened(world, github)
    theirs = await world.open("feature")
    assert await github.find_status(pull.head) is None
    await github.set_status(pull.head, state="pending", description="waits")
    found = await github.find_status(pull.head)
    assert found is not None
    assert (found.state, found.description, found.is_ours) == (CheckState.PENDING, "waits", True)
    assert found in await github.list_checks(pull.head)
    assert {(one.number, one.head_branch, one.base_branch) for one in await github.list_open_pulls()} == {
        (pull.number, BRANCH, "main"), (theirs["number"], "feature", "main"),
    }  # fmt: skip
    await github.ensure_closed(pull.number, comment="over", marker=MARKER)
    assert [one.number for one in await github.list_open_pulls()] == [theirs["number"]]
