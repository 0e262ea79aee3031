"""Gate `deletion`: the Application is not being deleted."""

from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    return Gate.closed("deletion", "the Application is being deleted in Argo CD") if case.live.is_deleting else None
