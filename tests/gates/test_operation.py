"""Gate `operation`."""

from collections.abc import Callable

import pytest

from bot.domain.gate import Gate
from bot.domain.live import Phase
from bot.gates import operation
from bot.gates.case import GateCase
from tests import examples

Case = Callable[..., GateCase]


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.RUNNING, Phase.TERMINATING, Phase.UNKNOWN])
def test_an_operation_that_is_not_known_to_be_over_keeps_it_waiting(case: Case, phase: Phase) -> None:
    running = examples.live(operation=examples.operation(phase, initiated_by="admin"))
    assert operation.evaluate(case(live=running)) == Gate.waiting(
        "operation", "another operation is running on apm-stack-production (by admin)"
    )


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR])
def test_an_operation_that_is_over_says_nothing(case: Case, phase: Phase) -> None:
    assert operation.evaluate(case(live=examples.live(operation=examples.operation(phase)))) is None


def test_it_is_silent_when_there_was_no_operation(case: Case) -> None:
    assert operation.evaluate(case()) is None


def test_who_started_it_is_left_out_when_argocd_does_not_tell(case: Case) -> None:
    gate = operation.evaluate(case(live=examples.live(operation=examples.operation())))
    assert gate is not None
    assert gate.reason == "another operation is running on apm-stack-production"
