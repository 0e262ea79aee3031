"""Gate `source`."""

from collections.abc import Callable

import pytest

from bot.domain.gate import Gate
from bot.domain.live import Health
from bot.gates import source
from bot.gates.case import GateCase
from tests.examples import live, stage

Case = Callable[..., GateCase]


def test_a_healthy_source_opens_it(case: Case) -> None:
    assert source.evaluate(case()) == Gate.open("source", "staging is Healthy")


@pytest.mark.parametrize("health", [health for health in Health if health is not Health.HEALTHY])
def test_any_other_health_keeps_it_waiting(case: Case, health: Health) -> None:
    assert source.evaluate(case(source=live(health=health))) == Gate.waiting(
        "source", f"staging is {health.value}, it must be Healthy"
    )


def test_the_policy_may_let_a_sick_source_through(case: Case) -> None:
    lenient = stage(source_must_be_healthy=False)
    gate = source.evaluate(case(stage=lenient, source=live(health=Health.DEGRADED)))
    assert gate == Gate.open("source", "staging is Degraded")


@pytest.mark.parametrize("facts", [{"source": None}, {"stage": stage(source=None)}], ids=["not looked at", "first"])
def test_it_is_silent_without_a_source(case: Case, facts: dict[str, object]) -> None:
    assert source.evaluate(case(**facts)) is None
