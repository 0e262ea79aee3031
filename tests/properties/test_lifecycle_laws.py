"""The laws of the lifecycle, under random interleavings of everything that may happen to a change."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.lifecycle_machine import Lifecycle

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_the_laws_hold_in_any_order_of_events() -> None:
    quick = settings(SETTINGS, max_examples=14, stateful_step_count=25, phases=[Phase.generate])
    run_state_machine_as_test(Lifecycle, settings=quick)


@pytest.mark.long
def test_the_laws_hold_in_very_many_orders() -> None:
    run_state_machine_as_test(Lifecycle, settings=settings(SETTINGS, max_examples=400, stateful_step_count=60))
