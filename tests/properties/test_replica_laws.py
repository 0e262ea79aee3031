"""The laws of several replicas, under random claims, deaths and lost leases."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.replica_machine import Replicas

pytestmark = pytest.mark.postgresql
SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def machine(postgresql: str) -> type[Replicas]:
    return type("ReplicasHere", (Replicas,), {"url": postgresql})


def test_a_row_and_a_lane_are_in_one_pair_of_hands(machine: type[Replicas]) -> None:
    quick = settings(SETTINGS, max_examples=6, stateful_step_count=25, phases=[Phase.generate])
    run_state_machine_as_test(machine, settings=quick)


@pytest.mark.long
def test_also_over_very_many_orders(machine: type[Replicas]) -> None:
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=300, stateful_step_count=60))
