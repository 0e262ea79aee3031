"""Gate `checks`: what the forge's statuses and check runs say of the promotion commit."""

from bot.domain.gate import Gate
from bot.domain.pull_request import CheckState
from bot.domain.text import counted, listed
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.pull_request is None:
        return None
    failing = tuple(check.name for check in case.checks if check.state is CheckState.FAILURE)
    pending = tuple(check.name for check in case.checks if check.state is CheckState.PENDING)
    if failing:
        return Gate.closed("checks", f"failing: {listed(failing)}", link=case.pull_request.link)
    if pending:
        return Gate.waiting("checks", f"pending: {listed(pending)}", link=case.pull_request.link)
    if case.checks:
        return Gate.open("checks", f"{counted(len(case.checks), 'check')} green")
    return Gate.open("checks", "no checks reported")
