"""Gate `conversations`."""

from collections.abc import Callable

from bot.domain.gate import Gate, GateState
from bot.domain.pull_request import Mergeability
from bot.gates import conversations
from bot.gates.case import GateCase
from tests.examples import pull_request
from tests.gates.branches import PAGE, branch

Case = Callable[..., GateCase]


def test_it_is_silent_where_nobody_asks_for_it(case: Case) -> None:
    assert conversations.evaluate(case(branch=branch(unresolved=3))) is None
    assert conversations.evaluate(case()) is None


def test_it_counts_what_is_not_resolved(case: Case) -> None:
    gate = conversations.evaluate(case(branch=branch(conversations=True, unresolved=2)))
    assert gate == Gate.waiting("conversations", "2 conversations to be resolved on GitHub", link=PAGE)
    gate = conversations.evaluate(case(branch=branch(conversations=True, unresolved=0)))
    assert gate == Gate.open("conversations", "every conversation is resolved")


def test_where_nobody_can_tell_only_githubs_own_yes_opens_it(case: Case) -> None:
    unknown = branch(conversations=True)
    for mergeability in Mergeability:
        gate = conversations.evaluate(case(branch=unknown, pull_request=pull_request(mergeability)))
        assert gate is not None
        is_yes = mergeability in (Mergeability.CLEAN, Mergeability.UNSTABLE)
        assert gate.state is (GateState.OPEN if is_yes else GateState.WAITING)
