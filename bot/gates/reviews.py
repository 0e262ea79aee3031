"""Gate `reviews`: the reviews on the forge that the branch's rules want, whoever may bypass them."""

from bot.domain.gate import Gate
from bot.domain.text import listed
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.branch is None or case.pull_request is None or not case.branch.rules.reviews:
        return None
    rules, link = case.branch.rules, case.pull_request.link
    if refusing := case.branch.refused_by():
        return Gate.closed("reviews", f"{listed(refusing)} asked for changes in a review", link=link)
    given = len(case.branch.approved_by())
    reason = f"reviews {given} of {rules.reviews}"
    if given < rules.reviews:
        of = " of the newest commit" if rules.reviews_of_head_only else ""
        return Gate.waiting("reviews", f"{reason}: {rules.branch} wants approving reviews{of} on GitHub", link=link)
    return Gate.open("reviews", reason)
