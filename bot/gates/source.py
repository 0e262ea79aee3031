"""Gate `source`: the stage that is promoted from is healthy, where the policy asks for it."""

from bot.domain.gate import Gate
from bot.domain.live import Health
from bot.gates.case import GateCase


def evaluate(case: GateCase) -> Gate | None:
    if case.source is None or case.stage.source is None:
        return None
    if case.source.health is Health.HEALTHY or not case.stage.source_must_be_healthy:
        return Gate.open("source", f"{case.stage.source} is {case.source.health.value}")
    return Gate.waiting("source", f"{case.stage.source} is {case.source.health.value}, it must be Healthy")
