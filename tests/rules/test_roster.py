"""What the rules say together."""

from bot.domain.approval import Verdict
from bot.rules import RULES, evaluate, quorum
from tests.rules.conftest import ApprovalOf, CaseOf


def test_every_rule_is_asked_and_the_first_no_is_told(case: CaseOf, approval: ApprovalOf) -> None:
    assert quorum.evaluate in RULES
    assert evaluate(case(approval("U0APPR1"))).verdict is Verdict.WAITING
    assert evaluate(case(approval("U0APPR1"), approval("U0APPR2"))).passed
