"""Gates, and which of them is named first."""

import pytest

from bot.domain.gate import Gate, GateState, first_shut
from tests.examples import NOW

OPEN = Gate.open("a", "all is well")
WAITING = Gate.waiting("b", "waits", link="https://example.com")
CLOSED = Gate.closed("c", "shut", opens_at=NOW)


@pytest.mark.parametrize(
    ("gates", "first"),
    [
        ((), None),
        ((OPEN, OPEN), None),
        ((OPEN, WAITING), WAITING),
        ((WAITING, OPEN, CLOSED), CLOSED),
        ((WAITING, Gate.waiting("d", "waits too")), WAITING),
        ((CLOSED, Gate.closed("d", "shut too")), CLOSED),
    ],
)
def test_a_closed_gate_is_named_before_a_waiting_one(gates: tuple[Gate, ...], first: Gate | None) -> None:
    assert first_shut(gates) == first


def test_a_gate_is_what_it_was_made() -> None:
    assert [gate.state for gate in (OPEN, WAITING, CLOSED)] == [GateState.OPEN, GateState.WAITING, GateState.CLOSED]
    assert [gate.is_open for gate in (OPEN, WAITING, CLOSED)] == [True, False, False]
    assert (WAITING.link, CLOSED.opens_at) == ("https://example.com", NOW)
