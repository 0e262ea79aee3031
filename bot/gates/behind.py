"""Gate `behind`: the promotion commit stands on the newest base, where the rules or the way to merge want that."""

from bot.domain.gate import Gate
from bot.domain.pipeline import MergeMethod
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.branch is None or case.pull_request is None or not case.branch.behind:
        return None
    is_ours = case.branch.method is MergeMethod.FAST_FORWARD
    why = "a fast-forward needs its newest commit" if is_ours else "which wants its newest commit in every merge"
    reason = f"behind {case.branch.rules.branch}, {why}: rebuilt as soon as it is approved"
    return Gate.waiting("behind", reason, link=case.pull_request.link)
