"""Reviews and conversations of a pull request, as GitHub tells them."""

from typing import Any

from bot.domain.branch_rules import Review
from bot.domain.identity import Revision
from bot.integrations.forges.github.wire import Wire, WireUser, read

UNRESOLVED = """
query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        nodes { isResolved }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
"""REST has no word for a conversation that is resolved."""
_COUNTS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""Who may have write access; of others a review says nothing to a rule."""
_APPROVES = {"APPROVED": True, "CHANGES_REQUESTED": False}


class WireReview(Wire):
    state: str
    user: WireUser | None = None  # None: the account is gone
    commit_id: str | None = None
    author_association: str = ""


class WireThread(Wire):
    isResolved: bool


class WirePage(Wire):
    hasNextPage: bool
    endCursor: str | None = None


class WireThreads(Wire):
    nodes: list[WireThread]
    pageInfo: WirePage


def reviews_of(reviews: list[WireReview]) -> tuple[Review, ...]:
    """Those that say yes or no, oldest first. GitHub lets nobody approve his own."""
    return tuple(
        Review(
            login=review.user.login,
            approves=_APPROVES[review.state],
            head=Revision(review.commit_id) if review.commit_id else None,
        )
        for review in reviews
        if review.state in _APPROVES and review.user is not None and review.author_association in _COUNTS
    )


def threads_of(data: dict[str, Any]) -> WireThreads | None:
    """None when GitHub shows no such pull request."""
    match data:
        case {"repository": {"pullRequest": {"reviewThreads": threads}}}:
            return read(WireThreads, threads)
    return None
