"""Gate `conversations`: every conversation on the pull request is resolved, where the branch's rules want that."""

from bot.domain.gate import Gate
from bot.domain.pull_request import Mergeability
from bot.domain.text import counted
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.branch is None or case.pull_request is None or not case.branch.rules.conversations:
        return None
    unresolved, link = case.branch.unresolved, case.pull_request.link
    if unresolved is None:
        if case.pull_request.mergeability in (Mergeability.CLEAN, Mergeability.UNSTABLE):
            return Gate.open("conversations", "GitHub waits for no conversation")
        return Gate.waiting("conversations", "cannot tell whether every conversation is resolved on GitHub", link=link)
    if unresolved:
        reason = f"{counted(unresolved, 'conversation')} to be resolved on GitHub"
        return Gate.waiting("conversations", reason, link=link)
    return Gate.open("conversations", "every conversation is resolved")
