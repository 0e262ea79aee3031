"""Gate `reviews`."""

from collections.abc import Callable

from bot.domain.gate import Gate, GateState
from bot.gates import reviews
from bot.gates.case import GateCase
from tests import examples
from tests.gates.branches import PAGE, branch, review

Case = Callable[..., GateCase]


def test_it_is_silent_where_no_review_is_wanted(case: Case) -> None:
    assert reviews.evaluate(case(branch=branch())) is None
    assert reviews.evaluate(case()) is None
    assert reviews.evaluate(case(branch=branch(reviews=1), pull_request=None)) is None


def test_it_counts_and_leads_to_the_page(case: Case) -> None:
    gate = reviews.evaluate(case(branch=branch(reviews=2, reviews_given=(review("dev-one"),))))
    assert gate == Gate.waiting("reviews", "reviews 1 of 2: main wants approving reviews on GitHub", link=PAGE)


def test_enough_of_them_open_it(case: Case) -> None:
    given = (review("dev-one"), review("dev-two"))
    assert reviews.evaluate(case(branch=branch(reviews=2, reviews_given=given))) == Gate.open(
        "reviews", "reviews 2 of 2"
    )


def test_a_wish_for_changes_closes_it(case: Case) -> None:
    given = (review("dev-one"), review("dev-two", approves=False))
    gate = reviews.evaluate(case(branch=branch(reviews=1, reviews_given=given)))
    assert gate == Gate.closed("reviews", "dev-two asked for changes in a review", link=PAGE)


def test_a_yes_to_an_older_commit_counts_only_where_a_push_leaves_it_standing(case: Case) -> None:
    older = (review("dev-one", head=examples.BASE),)
    standing = reviews.evaluate(case(branch=branch(reviews=1, reviews_given=older)))
    dismissed = reviews.evaluate(case(branch=branch(reviews=1, reviews_given=older, reviews_of_head_only=True)))
    assert standing is not None
    assert standing.is_open
    assert dismissed is not None
    assert dismissed.state is GateState.WAITING
    assert "reviews 0 of 1: main wants approving reviews of the newest commit" in dismissed.reason
