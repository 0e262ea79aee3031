"""The rules over approvals, one file each, and what they say together."""

from bot.domain.approval import ApprovalCase, RuleResult
from bot.rules import quorum

RULES = (quorum.evaluate,)


def evaluate(case: ApprovalCase) -> RuleResult:
    """The first rule that does not pass, else the last one's result."""
    results = [rule(case) for rule in RULES]
    return next((result for result in results if not result.passed), results[-1])
