"""What is seen after the merge, and what is decided of it, as the tests of these decisions write it."""

from datetime import timedelta
from typing import Any

from bot.domain.change import Change
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.syncing import (
    SyncSeen,
)
from bot.domain.lifecycle import allows
from bot.domain.live import AutoSync, ResourceKey, ResourceResult
from bot.domain.pipeline import SyncMode
from tests import examples
from tests.examples import KEY

MANUAL: dict[str, Any] = {"sync_mode": SyncMode.MANUAL}
AUTO = examples.live(auto_sync=AutoSync(prune=False, self_heal=False))
SECOND = timedelta(seconds=1)


def seen(**facts: Any) -> SyncSeen:
    """Argo CD has done nothing yet, and nothing stands in the way."""
    known: dict[str, Any] = {
        "live": examples.live(), "gates": examples.OPEN_GATES, "operation": None, "shipped": False, "key": KEY,
    }  # fmt: skip
    return SyncSeen(**known | facts)


def result(name: str, status: str = "Synced", **facts: Any) -> ResourceResult:
    key = ResourceKey(group="apps", kind="Deployment", namespace="apm", name=name)
    known: dict[str, Any] = {"key": key, "status": status}
    return ResourceResult(**known | facts)


def advance(change: Change, decided: Decision) -> Advance:
    assert isinstance(decided, Advance), decided
    assert allows(change.state, decided.event)
    return decided


def wait(decided: Decision) -> Wait:
    assert isinstance(decided, Wait), decided
    return decided
