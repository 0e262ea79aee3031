"""Gate `checks`: what the forge's statuses and check runs say of the promotion commit, those that no rule asks for."""

from bot.domain.branch_rules import OUR_CHECK
from bot.domain.gate import Gate
from bot.domain.pull_request import CheckState
from bot.domain.text import counted, listed
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.pull_request is None:
        return None
    required = {check.name.lower() for check in case.branch.rules.checks} if case.branch else set()
    checks = [check for check in case.checks if not check.is_ours and check.name.lower() not in required]
    failing = tuple(check.name for check in checks if check.state is CheckState.FAILURE)
    pending = tuple(check.name for check in checks if check.state is CheckState.PENDING)
    if failing:
        return Gate.closed("checks", f"failing: {listed(failing)}", link=case.pull_request.link)
    if pending:
        return Gate.waiting("checks", f"pending: {listed(pending)}", link=case.pull_request.link)
    if checks:
        return Gate.open("checks", f"{counted(len(checks), 'check')} green")
    return None if required - {OUR_CHECK} else Gate.open("checks", "no checks reported")
