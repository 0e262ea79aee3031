"""Gate `approvals`."""

from collections.abc import Callable

import pytest

from bot.domain.approval import Verdict
from bot.domain.gate import GateState
from bot.gates import approvals
from bot.gates.case import GateCase
from tests.examples import result

Case = Callable[..., GateCase]


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.PASSED, GateState.OPEN),
        (Verdict.WAITING, GateState.WAITING),
        (Verdict.REFUSED, GateState.CLOSED),
    ],
)
def test_it_says_what_the_rules_say(case: Case, verdict: Verdict, state: GateState) -> None:
    gate = approvals.evaluate(case(approvals=result(verdict=verdict, reason="needs 2 more approvals")))
    assert gate is not None
    assert (gate.slug, gate.state, gate.reason) == ("approvals", state, "needs 2 more approvals")


def test_it_is_silent_where_no_approvals_are_needed(case: Case) -> None:
    assert approvals.evaluate(case(approvals=None)) is None
