"""Gate `mergeable`: the forge is able and willing to merge."""

from bot.domain.gate import Gate
from bot.domain.pull_request import Mergeability
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.pull_request is None:
        return None
    link = case.pull_request.link
    match case.pull_request.mergeability:
        case Mergeability.CLEAN | Mergeability.UNSTABLE:
            return Gate.open("mergeable", "mergeable")
        case Mergeability.UNKNOWN:
            return Gate.waiting("mergeable", "GitHub is still computing whether it can be merged", link=link)
        case Mergeability.BLOCKED:
            return Gate.closed("mergeable", "a rule of the branch is unmet on GitHub", link=link)
        case Mergeability.DRAFT:
            return Gate.closed("mergeable", "the pull request is a draft: mark it ready for review", link=link)
        case Mergeability.CONFLICT:
            return Gate.waiting("mergeable", "conflicts with the base; it is rebuilt", link=link)
        case Mergeability.BEHIND:
            return Gate.waiting("mergeable", "behind the base; it is rebuilt", link=link)
