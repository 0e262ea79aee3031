"""Gate `alerts`."""

from collections.abc import Callable

import pytest

from bot.domain.alerts.firing import CannotTell, FiringAlerts
from bot.domain.gate import Gate
from bot.gates import alerts
from bot.gates.case import GateCase
from tests.alert_examples import fires, is_silenced
from tests.examples import stage

Case = Callable[..., GateCase]
FIRING = FiringAlerts(alerts=(fires(), is_silenced("DiskFull")))
BLIND = CannotTell(reason="default: no answer within 8 s")


def test_a_quiet_source_opens_it(case: Case) -> None:
    assert alerts.evaluate(case(source_alerts=FiringAlerts())) == Gate.open("alerts", "no alerts on staging")


def test_what_fires_closes_it_by_name(case: Case) -> None:
    reason = "HighErrorRate fires on staging (critical) (1 silenced by @approver-1: DiskFull)"
    assert alerts.evaluate(case(source_alerts=FIRING)) == Gate.closed("alerts", reason)


def test_what_is_silenced_is_named_and_does_not(case: Case) -> None:
    seen = FiringAlerts(alerts=(is_silenced(),))
    reason = "no alerts on staging (1 silenced by @approver-1: HighErrorRate)"
    assert alerts.evaluate(case(source_alerts=seen)) == Gate.open("alerts", reason)


def test_not_knowing_is_waited_out(case: Case) -> None:
    reason = "cannot tell whether alerts fire on staging: default: no answer within 8 s"
    assert alerts.evaluate(case(source_alerts=BLIND)) == Gate.waiting("alerts", reason)


@pytest.mark.parametrize("seen", [FIRING, BLIND])
def test_the_policy_may_let_them_through(case: Case, seen: FiringAlerts | CannotTell) -> None:
    gate = alerts.evaluate(case(source_alerts=seen, alerts_block=False))
    assert gate is not None
    assert gate.is_open


@pytest.mark.parametrize("facts", [{}, {"stage": stage(source=None), "source_alerts": FIRING}], ids=["none", "first"])
def test_it_is_silent_without_sources_of_alerts_or_a_stage_before(case: Case, facts: dict[str, object]) -> None:
    assert alerts.evaluate(case(**facts)) is None
