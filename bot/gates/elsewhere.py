"""Gate `elsewhere`: no other pull request leads the promotion commit into another branch that promotions lead into.

A status belongs to the commit, not to the pull request: green for the one, it would be green for the other.
"""

from bot.domain.approval_status import ELSEWHERE, leads_elsewhere
from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    return Gate.closed(ELSEWHERE, leads_elsewhere(case.elsewhere)) if case.elsewhere else None
