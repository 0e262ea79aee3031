"""Gate `behind`."""

from collections.abc import Callable

from bot.domain.gate import Gate
from bot.domain.pipeline import MergeMethod
from bot.gates import behind
from bot.gates.case import GateCase
from tests.gates.branches import PAGE, branch

Case = Callable[..., GateCase]


def test_it_is_silent_while_the_commit_stands_on_the_newest_base(case: Case) -> None:
    assert behind.evaluate(case(branch=branch(strict=True))) is None
    assert behind.evaluate(case()) is None


def test_it_says_what_wants_the_newest_base(case: Case) -> None:
    strict = "behind main, which wants its newest commit in every merge: rebuilt as soon as it is approved"
    assert behind.evaluate(case(branch=branch(behind=True))) == Gate.waiting("behind", strict, link=PAGE)
    fast = "behind main, a fast-forward needs its newest commit: rebuilt as soon as it is approved"
    moved = branch(behind=True, method=MergeMethod.FAST_FORWARD)
    assert behind.evaluate(case(branch=moved)) == Gate.waiting("behind", fast, link=PAGE)
