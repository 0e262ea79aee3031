"""Merging exactly the head that was approved, and what every refusal of GitHub means."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.identity import Revision
from bot.domain.pull_request import HeadMoved, MergeAttempt, Merged, MergeRefused, NotReady
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.forges.github.merging import COMPUTING
from bot.ports import Denied, Unavailable
from tests.integrations.forges.github.standin import HEAD, MERGED, Hub

MERGE = "/merge$"
OTHER = "d" * 40


@pytest.fixture
def number(hub: Hub) -> int:
    return hub.open("tiphys/apm-stack/production/01JXYZ", body="<!-- tiphys:change:01JXYZ -->")


async def attempt(forge: GithubForge, number: int) -> MergeAttempt:
    return await forge.merge(
        number, expected_head=Revision(HEAD), method="squash", title="Promote (#12)", message="Approved-by: approver-1"
    )


async def test_it_merges_the_expected_head_with_our_message(forge: GithubForge, hub: Hub, number: int) -> None:
    assert await attempt(forge, number) == Merged(revision=Revision(MERGED))
    [asked] = hub.writes("PUT")
    assert asked.body == {
        "sha": HEAD,
        "merge_method": "squash",
        "commit_title": "Promote (#12)",
        "commit_message": "Approved-by: approver-1",
    }


async def test_foreign_words_in_the_message_close_and_mention_nothing(
    forge: GithubForge, hub: Hub, number: int
) -> None:
    message = "image: fixes #12 @everyone\n\nTiphys-Change: 01JXYZ"
    await forge.merge(number, expected_head=Revision(HEAD), method="squash", title="t", message=message)
    said = hub.writes("PUT")[0].body["commit_message"]
    assert "#12" not in said
    assert "@everyone" not in said
    assert said.splitlines()[-1] == "Tiphys-Change: 01JXYZ"


async def test_merging_again_answers_merged(forge: GithubForge, hub: Hub, number: int) -> None:
    await attempt(forge, number)
    assert await attempt(forge, number) == Merged(revision=Revision(MERGED), by="tiphys")


async def test_a_head_that_moved_is_not_merged(forge: GithubForge, hub: Hub, number: int) -> None:
    hub.pulls[number]["head"]["sha"] = OTHER
    assert await attempt(forge, number) == HeadMoved(head=Revision(OTHER))
    assert not hub.pulls[number]["merged"]


async def test_a_closed_one_is_refused(forge: GithubForge, hub: Hub, number: int) -> None:
    hub.close_by_hand(number)
    assert await attempt(forge, number) == MergeRefused(reason="the pull request is closed")


@pytest.mark.parametrize(
    ("state", "mergeable", "expected"),
    [
        ("dirty", False, MergeRefused(reason="it conflicts with the base", rebuild=True)),
        ("behind", True, MergeRefused(reason="it is behind the base", rebuild=True)),
        ("unknown", None, NotReady(reason=COMPUTING)),
        ("draft", True, MergeRefused(reason="the pull request is a draft: mark it ready for review")),
        (
            "blocked",
            True,
            MergeRefused(reason="a rule of the branch is unmet on GitHub: Pull Request is not mergeable"),
        ),
        (
            "clean",
            True,
            NotReady(reason="GitHub refused once and calls it mergeable now: Pull Request is not mergeable"),
        ),
    ],
)
async def test_not_mergeable_is_told_apart_by_reading_again(
    forge: GithubForge, hub: Hub, number: int, state: str, mergeable: bool | None, expected: MergeAttempt
) -> None:
    hub.pulls[number] |= {"mergeable": mergeable, "mergeable_state": state}
    hub.fail("PUT", MERGE, status=405, document={"message": "Pull Request is not mergeable"})
    assert await attempt(forge, number) == expected


CHECK = 'Required status check "conflict is failing" is expected.'
RULES = "Repository rule violations found\n\nAt least 1 approving review is required by reviewers with write access."
QUEUE = "Changes must be made through the merge queue"


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (405, "Base branch was modified. Review and try the merge again.", NotReady),
        (409, "Base branch was modified. Review and try the merge again.", NotReady),
        (409, "Head branch was modified. Review and try the merge again.", NotReady),
        (405, CHECK, NotReady),
        (405, "2 of 3 required status checks are pending.", NotReady),
        (405, 'Required status check "build" is failing.', MergeRefused),
        (405, RULES, MergeRefused),
        (405, QUEUE, MergeRefused),
        (405, "Merge commits are not allowed on this repository.", MergeRefused),
        (422, "commit_title is invalid", MergeRefused),
    ],
)
async def test_rules_are_told_in_githubs_own_sentence(
    forge: GithubForge, hub: Hub, number: int, status: int, said: str, expected: type[NotReady | MergeRefused]
) -> None:
    hub.fail("PUT", MERGE, status=status, document={"message": said})
    answer = await attempt(forge, number)
    assert isinstance(answer, expected)
    if "Head branch" not in said:
        assert " ".join(said.split()) in answer.reason
    assert not (isinstance(answer, MergeRefused) and answer.rebuild)


@pytest.mark.parametrize(
    ("status", "said"),
    [(409, "Merge conflict"), (405, "Head branch is out of date. Review and try the merge again.")],
)
async def test_what_a_new_base_would_mend_asks_for_a_rebuild(
    forge: GithubForge, hub: Hub, number: int, status: int, said: str
) -> None:
    hub.fail("PUT", MERGE, status=status, document={"message": said})
    assert await attempt(forge, number) == MergeRefused(reason=said, rebuild=True)


async def test_a_missing_right_is_denied_with_what_the_token_needs(forge: GithubForge, hub: Hub, number: int) -> None:
    hub.fail(
        "PUT", MERGE, status=403, document={"message": "Resource not accessible by personal access token"},
        headers={"X-Accepted-GitHub-Permissions": "contents=write"},
    )  # fmt: skip
    with pytest.raises(Denied) as denied:
        await attempt(forge, number)
    assert denied.value.slug == "missing-right"
    assert "contents=write" in denied.value.way_out


BROKEN: list[dict[str, Any]] = [
    {"reset": True},
    {"hang": True},
    {"status": 502, "text": "<html>Bad gateway</html>"},
    {"status": 200, "text": "<html>Sign in</html>"},
    {"status": 500, "document": {"message": "Server Error"}},
]


@pytest.mark.parametrize("how", BROKEN)
async def test_a_merge_without_an_answer_that_happened_is_merged(
    forge: GithubForge, hub: Hub, number: int, how: dict[str, Any]
) -> None:
    hub.fail("PUT", MERGE, after=True, **how)
    assert await attempt(forge, number) == Merged(revision=Revision(MERGED), by="tiphys")
    assert len(hub.writes("PUT")) == 1


@pytest.mark.parametrize("how", BROKEN)
async def test_a_merge_without_an_answer_that_did_not_happen_is_asked_again_later(
    forge: GithubForge, hub: Hub, number: int, how: dict[str, Any]
) -> None:
    hub.fail("PUT", MERGE, **how)
    with pytest.raises(Unavailable):
        await attempt(forge, number)
    assert await attempt(forge, number) == Merged(revision=Revision(MERGED))


async def test_nothing_is_known_while_github_is_away(forge: GithubForge, hub: Hub, number: int) -> None:
    hub.fail("PUT", MERGE, after=True, reset=True)
    hub.fail("GET", "/pulls/", status=503, text="<html>away</html>")
    with pytest.raises(Unavailable, match="connection to GitHub broke"):
        await attempt(forge, number)
    assert await attempt(forge, number) == Merged(revision=Revision(MERGED), by="tiphys")


async def test_a_right_that_is_gone_when_it_is_read_again_leaves_the_doubt(
    forge: GithubForge, hub: Hub, number: int
) -> None:
    """A definite no would say that nothing was merged."""
    hub.fail("PUT", MERGE, after=True, reset=True)
    hub.fail("GET", "/pulls/", status=403, document={"message": "Resource not accessible by personal access token"})
    with pytest.raises(Unavailable, match="connection to GitHub broke"):
        await attempt(forge, number)


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (lambda hub, number: hub.close_by_hand(number), MergeRefused(reason="the pull request is closed")),
        (
            lambda hub, number: hub.pulls[number]["head"].update(sha=OTHER),
            HeadMoved(head=Revision(OTHER)),
        ),
    ],
)
async def test_what_happened_meanwhile_is_seen_after_the_doubt(
    forge: GithubForge, hub: Hub, number: int, happens: Callable[[Hub, int], None], expected: MergeAttempt
) -> None:
    hub.fail("PUT", MERGE, reset=True, first=lambda: happens(hub, number))
    assert await attempt(forge, number) == expected


async def test_a_limited_merge_is_not_read_again(forge: GithubForge, hub: Hub, number: int) -> None:
    hub.fail(
        "PUT", MERGE, status=403, document={"message": "You have exceeded a secondary rate limit."},
        headers={"Retry-After": "17"},
    )  # fmt: skip
    with pytest.raises(Unavailable) as limited:
        await attempt(forge, number)
    assert limited.value.retry_after == 17
    assert len(hub.asked) == 1
