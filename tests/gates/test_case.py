"""What the rosters ask of one moment, before a merge and before a sync."""

from collections.abc import Callable

from bot.domain.live import SyncWindows
from bot.gates import BEFORE_MERGE, BEFORE_SYNC, before_merge, before_sync
from bot.gates.case import GateCase
from tests.examples import live, operation

Case = Callable[..., GateCase]


def test_every_gate_before_a_sync_stands_before_the_merge_too() -> None:
    """Merge and sync are one step: no merge unless the sync would be allowed now."""
    assert set(BEFORE_SYNC) <= set(BEFORE_MERGE)


def test_nothing_in_the_way_leaves_every_gate_open(case: Case) -> None:
    assert all(gate.is_open for gate in before_merge(case()))
    assert [gate.slug for gate in before_merge(case())] == ["source", "checks", "approvals", "mergeable", "window"]
    assert [gate.slug for gate in before_sync(case())] == ["window"]


def test_every_shut_gate_is_told_not_only_the_first(case: Case) -> None:
    moment = case(
        live=live(is_deleting=True, operation=operation()), windows=SyncWindows(can_sync=False), mismatches=("x",)
    )
    shut = ["application", "deletion", "window", "operation"]
    assert [gate.slug for gate in before_merge(moment) if not gate.is_open] == shut
    assert [gate.slug for gate in before_sync(moment)] == shut
