"""Gate `elsewhere`."""

from collections.abc import Callable

from bot.domain.gate import Gate
from bot.domain.pull_request import Mergeability, OpenPull
from bot.gates import elsewhere, mergeable
from bot.gates.case import GateCase
from tests import examples

Case = Callable[..., GateCase]
OTHER = OpenPull(number=9, head=examples.HEAD, head_branch="copied", base_branch="main")


def test_it_is_silent_while_our_commit_leads_to_one_branch(case: Case) -> None:
    assert elsewhere.evaluate(case()) is None


def test_it_names_what_is_to_be_closed(case: Case) -> None:
    reason = "pull request 9 leads this commit into main too, past its approvals: to be closed"
    assert elsewhere.evaluate(case(elsewhere=(OTHER,))) == Gate.closed("elsewhere", reason)


def test_what_the_forge_waits_for_is_then_told_once(case: Case) -> None:
    blocked = examples.pull_request(Mergeability.BLOCKED)
    assert mergeable.evaluate(case(pull_request=blocked)) is not None
    assert mergeable.evaluate(case(pull_request=blocked, elsewhere=(OTHER,))) is None
