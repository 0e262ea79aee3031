"""Gate `rules`: the branch's rules leave a way to merge at all."""

from bot.domain.gate import Gate
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.branch is None:
        return None
    obstacle = case.branch.rules.obstacle(case.branch.method, whole_tree=case.stage.whole_tree)
    if obstacle is None:
        return None
    return Gate.closed("rules", f"{obstacle.reason}. {obstacle.way_out}", link=case.branch.rules.link)
