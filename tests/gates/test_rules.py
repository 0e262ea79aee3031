"""Gate `rules`."""

from collections.abc import Callable

from bot.domain.gate import GateState
from bot.domain.pipeline import MergeMethod
from bot.gates import rules
from bot.gates.case import GateCase
from tests.gates.branches import branch

Case = Callable[..., GateCase]


def test_it_is_silent_while_there_is_a_way_to_merge(case: Case) -> None:
    assert rules.evaluate(case(branch=branch(reviews=2, strict=True))) is None
    assert rules.evaluate(case()) is None


def test_it_is_closed_with_the_way_out_when_there_is_none_any_more(case: Case) -> None:
    gate = rules.evaluate(case(branch=branch(linear=True, method=MergeMethod.MERGE, link="https://x.example/rules")))
    assert gate is not None
    assert (gate.state, gate.link) == (GateState.CLOSED, "https://x.example/rules")
    assert gate.reason == (
        "on main merge commits are not allowed: its history must be linear. "
        "Write `merge: squash` in tiphys.yaml, or allow it in the settings on the forge"
    )
