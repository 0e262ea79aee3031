"""Gate `mergeable`: the forge is able and willing to merge."""

from bot.domain.gate import Gate
from bot.domain.pull_request import CheckState, Mergeability
from bot.domain.text import listed
from bot.gates import behind, conversations, elsewhere, required_checks, reviews, rules
from bot.gates.case import GateCase

NAMED = (elsewhere, rules, reviews, required_checks, behind, conversations)
"""The gates that say by name what GitHub waits for."""


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
            return _blocked(case, link)
        case Mergeability.DRAFT:
            return Gate.closed("mergeable", "the pull request is a draft: mark it ready for review", link=link)
        case Mergeability.CONFLICT:
            return Gate.waiting("mergeable", "conflicts with the base; it is rebuilt", link=link)
        case Mergeability.BEHIND if _is_named(case):
            return None
        case Mergeability.BEHIND:
            return Gate.waiting("mergeable", "behind the base; it is rebuilt", link=link)


def _blocked(case: GateCase, link: str) -> Gate | None:
    """Which rule, unless another gate says it already."""
    if _is_named(case):
        return None
    if case.branch is not None:
        found = case.branch.rules
        ours = next((check for check in case.checks if check.is_ours), None)
        if found.wants_our_check and (ours is None or ours.state is not CheckState.SUCCESS):
            return Gate.waiting(
                "mergeable", "GitHub waits for tiphys/approval, which follows the other gates", link=link
            )
        if app := next((check.app for check in found.checks if check.is_ours and check.app is not None), None):
            reason = f"GitHub does not count our tiphys/approval: the rule takes it from the App {app} alone"
            return Gate.closed("mergeable", reason, link=link)
        unknown = [*found.others, *(["the review of a code owner"] if found.reviews_of_owners else [])]
        if unknown:
            return Gate.closed("mergeable", f"GitHub waits for a rule of its own: {listed(tuple(unknown))}", link=link)
        if found.hidden:
            return Gate.closed("mergeable", f"a rule of {found.branch} is unmet on GitHub; {found.hidden}", link=link)
    return Gate.closed("mergeable", "a rule of the branch is unmet on GitHub", link=link)


def _is_named(case: GateCase) -> bool:
    return any(gate is not None and not gate.is_open for gate in (module.evaluate(case) for module in NAMED))
