"""Gate `required_checks`: what the branch's rules want to be green, whoever may bypass them. Ours is left out."""

from bot.domain.branch_rules import RequiredCheck, state_of
from bot.domain.gate import Gate
from bot.domain.pull_request import CheckState
from bot.domain.text import counted, listed
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.branch is None or case.pull_request is None:
        return None
    required = [check for check in case.branch.rules.checks if not check.is_ours]
    if not required:
        return None
    states = {check: state_of(check, case.checks) for check in required}
    link = case.pull_request.link  # which lists them all; where a check itself leads, whoever sets it decides
    if failing := _named(states, CheckState.FAILURE):
        return Gate.closed("required_checks", f"required and failing: {failing}", link=link)
    waiting = {"pending": _named(states, CheckState.PENDING), "missing": _named(states, None)}
    if any(waiting.values()):
        said = "; ".join(f"required and {word}: {names}" for word, names in waiting.items() if names)
        return Gate.waiting("required_checks", said, link=link)
    return Gate.open("required_checks", f"{counted(len(required), 'required check')} green")


def _named(states: dict[RequiredCheck, CheckState | None], wanted: CheckState | None) -> str:
    return listed(tuple(check.name for check, state in states.items() if state is wanted))
