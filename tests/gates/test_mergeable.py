"""Gate `mergeable`."""

from collections.abc import Callable

import pytest

from bot.domain.gate import GateState
from bot.domain.pull_request import Mergeability
from bot.gates import mergeable
from bot.gates.case import GateCase
from tests.examples import pull_request

Case = Callable[..., GateCase]

EXPECTED = {
    Mergeability.CLEAN: GateState.OPEN,
    Mergeability.UNSTABLE: GateState.OPEN,  # only checks that are not required are red: gate `checks` tells them
    Mergeability.UNKNOWN: GateState.WAITING,
    Mergeability.CONFLICT: GateState.WAITING,
    Mergeability.BEHIND: GateState.WAITING,
    Mergeability.BLOCKED: GateState.CLOSED,
    Mergeability.DRAFT: GateState.CLOSED,
}


@pytest.mark.parametrize("mergeability", list(Mergeability))
def test_only_what_can_be_merged_now_opens_it(case: Case, mergeability: Mergeability) -> None:
    gate = mergeable.evaluate(case(pull_request=pull_request(mergeability)))
    assert gate is not None
    assert gate.state is EXPECTED[mergeability]
    assert gate.reason


def test_it_is_silent_without_a_pull_request(case: Case) -> None:
    assert mergeable.evaluate(case(pull_request=None)) is None
