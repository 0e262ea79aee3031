"""Whose reviews count, and which conversations are open."""

import pytest

from bot.domain.branch_rules import Review
from bot.domain.identity import Revision
from bot.integrations.forges.github.reviews import WireReview, reviews_of, threads_of
from bot.integrations.forges.github.wire import WireUser
from bot.ports import Unavailable

HEAD = Revision("a" * 40)


def review(state: str, login: str | None = "dev-one", association: str = "MEMBER") -> WireReview:
    user = WireUser(login=login) if login else None
    return WireReview(state=state, user=user, commit_id=HEAD, author_association=association)


def test_a_yes_and_a_wish_for_changes_count() -> None:
    assert reviews_of([review("APPROVED"), review("CHANGES_REQUESTED", "dev-two", "COLLABORATOR")]) == (
        Review(login="dev-one", approves=True, head=HEAD),
        Review(login="dev-two", approves=False, head=HEAD),
    )


@pytest.mark.parametrize(
    "ignored",
    [
        review("COMMENTED"), review("DISMISSED"), review("PENDING"), review("SOMETHING_NEW"), review("APPROVED", None),
        review("APPROVED", association="CONTRIBUTOR"), review("APPROVED", association="NONE"),
    ],
)  # fmt: skip
def test_everything_else_says_nothing(ignored: WireReview) -> None:
    assert reviews_of([ignored]) == ()


def test_threads() -> None:
    page = {"nodes": [{"isResolved": True}], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    threads = threads_of({"repository": {"pullRequest": {"reviewThreads": page}}})
    assert threads is not None
    assert [thread.isResolved for thread in threads.nodes] == [True]
    assert threads_of({"repository": None}) is None
    with pytest.raises(Unavailable):
        threads_of({"repository": {"pullRequest": {"reviewThreads": {}}}})
