"""Gate `checks`."""

from collections.abc import Callable

import pytest

from bot.domain.branch_rules import RequiredCheck
from bot.domain.gate import Gate, GateState
from bot.domain.pull_request import Check, CheckState
from bot.gates import checks
from bot.gates.case import GateCase
from tests.examples import pull_request
from tests.gates.branches import branch, check, ours

Case = Callable[..., GateCase]

GREEN = Check(name="build", state=CheckState.SUCCESS)
PENDING = Check(name="lint", state=CheckState.PENDING)
RED = Check(name="test", state=CheckState.FAILURE)


@pytest.mark.parametrize(
    ("given", "state", "reason"),
    [
        ((), GateState.OPEN, "no checks reported"),
        ((GREEN,), GateState.OPEN, "1 check green"),
        ((GREEN, GREEN), GateState.OPEN, "2 checks green"),
        ((GREEN, PENDING), GateState.WAITING, "pending: lint"),
        ((GREEN, PENDING, RED), GateState.CLOSED, "failing: test"),
    ],
)
def test_a_red_check_closes_it_and_a_pending_one_keeps_it_waiting(
    case: Case, given: tuple[Check, ...], state: GateState, reason: str
) -> None:
    gate = checks.evaluate(case(checks=given))
    assert gate is not None
    assert (gate.state, gate.reason) == (state, reason)
    assert gate.link == (None if gate.is_open else pull_request().link)


def test_it_is_silent_without_a_pull_request(case: Case) -> None:
    assert checks.evaluate(case(pull_request=None, checks=(RED,))) is None


def test_what_a_rule_asks_for_and_our_own_are_told_elsewhere(case: Case) -> None:
    required = branch(checks=(RequiredCheck(name="ci"),))
    failing = check("CI", CheckState.FAILURE)
    assert checks.evaluate(case(branch=required, checks=(failing, ours(CheckState.PENDING)))) is None
    gate = checks.evaluate(case(branch=required, checks=(failing, check("lint"))))
    assert gate == Gate.open("checks", "1 check green")
    wants_ours = branch(checks=(RequiredCheck(name="tiphys/approval"),))
    gate = checks.evaluate(case(branch=wants_ours, checks=(ours(CheckState.PENDING),)))
    assert gate == Gate.open("checks", "no checks reported")
