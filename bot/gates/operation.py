"""Gate `operation`: no operation is running on the Application."""

from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    operation = case.live.operation
    if operation is None or operation.phase.is_over:
        return None
    by = f" (by {operation.initiated_by})" if operation.initiated_by else ""
    return Gate.waiting("operation", f"another operation is running on {case.live.name}{by}")
