"""Gate `window`: Argo CD's sync windows let a manual sync through."""

from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.windows.can_sync:
        return Gate.open("window", "no sync window in the way")
    reason = case.windows.description or "an Argo CD sync window blocks syncs now"
    return Gate.closed("window", reason, opens_at=case.windows.opens_at)
