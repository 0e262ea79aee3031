"""Gate `approvals`: enough people have said yes to exactly this."""

from bot.domain.approval import Verdict
from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.approvals is None:
        return None
    match case.approvals.verdict:
        case Verdict.PASSED:
            return Gate.open("approvals", case.approvals.reason)
        case Verdict.WAITING:
            return Gate.waiting("approvals", case.approvals.reason)
        case Verdict.REFUSED:
            return Gate.closed("approvals", case.approvals.reason)
