"""Gate `application`: the live Application is the one that the configuration means, and of a shape that we handle."""

from bot.domain.gate import Gate
from bot.domain.mapping import unsupported_in
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if unsupported := unsupported_in(case.stage, case.live):
        return Gate.closed("application", unsupported[0][1])
    if case.mismatches:
        return Gate.closed("application", f"the live Application differs from tiphys.yaml: {case.mismatches[0]}")
    return None
