"""Gate `required_checks`."""

from collections.abc import Callable

import pytest

from bot.domain.branch_rules import RequiredCheck
from bot.domain.gate import Gate, GateState
from bot.domain.pull_request import Check, CheckState
from bot.gates import required_checks
from bot.gates.case import GateCase
from tests.gates.branches import PAGE, branch, check, ours

Case = Callable[..., GateCase]
CI, SCAN = RequiredCheck(name="ci/build"), RequiredCheck(name="scan", app=7)
BOTH = "required and pending: ci/build; required and missing: scan"
TWICE = "required and pending: ci/build"  # a status and a check run of one name: both count
PENDING, FAILURE = CheckState.PENDING, CheckState.FAILURE


def gate_of(case: Case, *checks: Check) -> Gate:
    gate = required_checks.evaluate(case(branch=branch(checks=(CI, SCAN)), checks=checks))
    assert gate is not None
    return gate


def test_it_is_silent_where_no_check_is_required_but_ours(case: Case) -> None:
    wants_ours = branch(checks=(RequiredCheck(name="Tiphys/Approval", app=1),))
    assert required_checks.evaluate(case(branch=wants_ours, checks=(ours(PENDING),))) is None
    assert required_checks.evaluate(case(branch=branch())) is None
    assert required_checks.evaluate(case()) is None


@pytest.mark.parametrize(
    ("checks", "state", "reason"),
    [
        ((), GateState.WAITING, "required and missing: ci/build and scan"),
        ((check("ci/build", PENDING),), GateState.WAITING, BOTH),
        ((check("ci/build", FAILURE), check("scan", app=7)), GateState.CLOSED, "required and failing: ci/build"),
        ((check("CI/Build"), check("scan", app=7)), GateState.OPEN, "2 required checks green"),
        ((check("ci/build"), check("scan", app=8)), GateState.WAITING, "required and missing: scan"),  # another App's
        ((check("ci/build"), check("scan")), GateState.WAITING, "required and missing: scan"),  # a person's
        ((check("scan", app=7), check("ci/build"), check("ci/build", PENDING)), GateState.WAITING, TWICE),
    ],
)  # fmt: skip
def test_what_is_pending_failing_or_missing_is_named(
    case: Case, checks: tuple[Check, ...], state: GateState, reason: str
) -> None:
    gate = gate_of(case, *checks)
    assert (gate.state, gate.reason) == (state, reason)


def test_it_leads_to_the_page_that_lists_them(case: Case) -> None:
    assert gate_of(case, check("ci/build", PENDING), check("scan", app=7)).link == PAGE
    assert gate_of(case, check("ci/build", FAILURE), check("scan", app=7)).link == PAGE
