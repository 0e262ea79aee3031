"""How a pull request stands towards rules, for the gates that tell of them."""

from typing import Any

from bot.domain.branch_rules import BranchRules, BranchSeen, Review
from bot.domain.identity import Revision
from bot.domain.pipeline import MergeMethod
from bot.domain.pull_request import Check, CheckState
from tests import examples

PAGE = examples.pull_request().link


def branch(*, method: MergeMethod = MergeMethod.SQUASH, **facts: Any) -> BranchSeen:
    """`facts` of `BranchSeen`, and of the rules."""
    seen = {name: facts.pop(name) for name in ("reviews_given", "unresolved", "behind") if name in facts}
    reviews = seen.pop("reviews_given", ())
    return BranchSeen(
        rules=BranchRules(branch="main", **facts), method=method, head=examples.HEAD, reviews=reviews, **seen
    )


def review(login: str, *, approves: bool = True, head: str = examples.HEAD) -> Review:
    return Review(login=login, approves=approves, head=Revision(head))


def check(name: str, state: CheckState = CheckState.SUCCESS, **facts: Any) -> Check:
    return Check(name=name, state=state, **facts)


def ours(state: CheckState) -> Check:
    return check("tiphys/approval", state, is_ours=True)
