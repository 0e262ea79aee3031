"""What gates look at: a moment in which nothing stands in the way, but for what a test says."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.live import SyncWindows
from bot.gates.case import GateCase
from tests import examples


@pytest.fixture
def case() -> Callable[..., GateCase]:
    def make(**facts: Any) -> GateCase:
        known: dict[str, Any] = {
            "stage": examples.stage(), "live": examples.live(), "windows": SyncWindows(can_sync=True),
            "mismatches": (), "now": examples.NOW, "source": examples.live(name="apm-stack-staging"),
            "pull_request": examples.pull_request(), "approvals": examples.quorum(),
        }  # fmt: skip
        return GateCase(**known | facts)

    return make
