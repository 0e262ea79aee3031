"""After the merge, until the sync is over: every branch, by values."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.change import Change, SyncFacts
from bot.domain.decisions.decision import Decision
from bot.domain.decisions.syncing import (
    FOLLOW,
    SyncSeen,
    decide_merged,
    decide_syncing,
    is_unasked,
)
from bot.domain.gate import Gate
from bot.domain.identity import UserId
from bot.domain.lifecycle import Event, State
from bot.domain.live import Deployment, LiveApplication, Phase
from bot.domain.pipeline import SyncMode
from tests import examples
from tests.domain.decisions.after_merge import AUTO, MANUAL, SECOND, advance, result, seen, wait
from tests.examples import ACTIVE, CHANGE, HOUR, KEY, MERGED, MINUTE, NOW, OTHER_KEY

ROLLED_BACK = (
    Deployment(id=14, revision=ACTIVE, deployed_at=NOW - HOUR),
    Deployment(id=15, revision=MERGED, deployed_at=NOW),
    Deployment(id=16, revision=ACTIVE, deployed_at=NOW + MINUTE),
)


class TestMerged:
    def decide(self, change: Change, looked: SyncSeen, now: datetime = NOW) -> Decision:
        return decide_merged(change, looked, examples.stage(), now)

    def test_a_controlled_stage_is_synced_at_once_under_our_id(self) -> None:
        change = examples.merged_change()
        decided = advance(change, self.decide(change, seen()))
        assert decided.event is Event.SYNC_STARTED
        assert decided.facts["sync"] == SyncFacts(operation=CHANGE, asked_at=NOW, newest_before=14)
        first = advance(change, self.decide(change, seen(live=examples.live(history=()))))
        assert first.facts["sync"].newest_before is None

    @pytest.mark.parametrize(
        ("gate", "look_again"),
        [
            (Gate.waiting("operation", "another operation is running"), 3 * SECOND),
            (Gate.closed("window", "closed", opens_at=NOW + timedelta(hours=1)), 5 * SECOND),
            (Gate.closed("window", "closed", opens_at=NOW + 4 * SECOND), 4 * SECOND),
            (Gate.closed("window", "closed", opens_at=NOW - MINUTE), FOLLOW),
        ],
    )
    def test_a_gate_that_closed_since_keeps_it_merged(self, gate: Gate, look_again: timedelta) -> None:
        decided = wait(self.decide(examples.merged_change(), seen(gates=(gate,))))
        assert (decided.reason, decided.look_again) == (gate.reason, look_again)

    def test_a_manual_stage_waits_for_a_person(self) -> None:
        change = examples.merged_change(**MANUAL)
        assert advance(change, self.decide(change, seen())).event is Event.SYNC_AWAITED
        waiting = examples.merged_change(State.WAITING_FOR_SYNC, **MANUAL)
        assert wait(self.decide(waiting, seen())).reason == "waiting for somebody to press Sync"

    @pytest.mark.parametrize("state", [State.MERGED, State.WAITING_FOR_SYNC])
    def test_a_manual_stage_syncs_once_somebody_asked(self, state: State) -> None:
        change = examples.merged_change(state, **MANUAL, sync_asked_by=UserId("U0DEV1"))
        assert advance(change, self.decide(change, seen())).event is Event.SYNC_STARTED

    def test_with_auto_sync_on_no_sync_is_ours(self) -> None:
        for mode in (SyncMode.CONTROLLED, SyncMode.MANUAL):
            decided = wait(self.decide(examples.merged_change(sync_mode=mode), seen(live=AUTO)))
            assert decided.reason == "Argo CD ships this by itself (auto-sync is on)"

    def test_an_automated_stage_without_auto_sync_says_what_to_do(self) -> None:
        change = examples.merged_change(sync_mode=SyncMode.AUTOMATED)
        assert "auto-sync is off on the live Application: turn it on" in wait(self.decide(change, seen())).reason

    def test_an_auto_sync_that_does_not_come_fails_it(self) -> None:
        change = examples.merged_change()
        decided = advance(change, self.decide(change, seen(live=AUTO), NOW + 30 * MINUTE))
        assert (decided.event, decided.facts["cause"]) == (Event.FAILED, "auto-sync did not start")

    @pytest.mark.parametrize("state", [State.MERGED, State.WAITING_FOR_SYNC])
    def test_an_operation_that_ships_the_merged_commit_is_followed(self, state: State) -> None:
        change = examples.merged_change(state, **MANUAL)
        decided = advance(change, self.decide(change, seen(live=AUTO, operation=examples.operation(infos=()))))
        assert decided.event is Event.SYNC_STARTED
        assert decided.facts["sync"] == SyncFacts(operation=None, asked_at=NOW, started_at=NOW)

    @pytest.mark.parametrize("state", [State.MERGED, State.WAITING_FOR_SYNC])
    def test_what_is_deployed_already_is_only_verified(self, state: State) -> None:
        change = examples.merged_change(state)
        decided = advance(change, self.decide(change, seen(shipped=True, moved_on=2)))
        assert decided.event is Event.OPERATION_SUCCEEDED
        assert decided.facts["sync"] == SyncFacts(operation=None, asked_at=NOW, finished_at=NOW, moved_on=2)

    @pytest.mark.parametrize("state", [State.MERGED, State.WAITING_FOR_SYNC])
    def test_an_application_that_was_changed_since_is_to_be_approved_as_it_is_now(self, state: State) -> None:
        """By the new key: the approvals of the old one must not open it again."""
        change = examples.merged_change(state, approved_by=(examples.APPROVER,))
        moved = replace(KEY, sync_digest="y2")
        decided = advance(change, self.decide(change, seen(key=moved)))
        assert decided.event is Event.MERGED_DIFFERENTLY
        merge = decided.facts["merge"]
        assert merge.key == moved
        assert merge.differences == ("the Application's sync settings",)
        assert decided.facts["approved_by"] == ()
        after = replace(change, merge=merge)
        assert after.fingerprint == moved.fingerprint
        assert advance(after, self.decide(after, seen(key=moved))).event in (Event.SYNC_STARTED, Event.SYNC_AWAITED)

    def test_auto_sync_switched_on_alone_is_followed(self) -> None:
        """Argo CD ships what was approved, and asks nobody."""
        moved = replace(KEY, sync_digest="y2")
        assert "auto-sync is on" in wait(self.decide(examples.merged_change(), seen(key=moved, live=AUTO))).reason
        both = replace(moved, project="other")
        change = examples.merged_change()
        decided = advance(change, self.decide(change, seen(key=both, live=AUTO)))
        assert decided.event is Event.MERGED_DIFFERENTLY

    def test_a_changed_application_that_was_synced_by_others_is_told_so(self) -> None:
        change = examples.merged_change()
        decided = advance(change, self.decide(change, seen(key=OTHER_KEY, shipped=True)))
        assert decided.event is Event.MERGED_DIFFERENTLY
        assert decided.note is not None
        assert decided.note.plain.endswith("It is synced already, not by Tiphys.")
        assert decided.facts["merge"].shipped

    @pytest.mark.parametrize(
        ("mode", "live", "says"),
        [
            (SyncMode.CONTROLLED, examples.live(), "Tiphys does not sync it before it is approved."),
            (SyncMode.MANUAL, AUTO, "Auto-sync is on: Argo CD ships it without waiting for an approval."),
            (SyncMode.AUTOMATED, AUTO, "Auto-sync is on: Argo CD ships it without waiting for an approval."),
            (SyncMode.AUTOMATED, examples.live(), "Argo CD syncs this stage, and its auto-sync is off."),
        ],
    )
    def test_a_changed_application_is_told_with_who_may_sync_it_meanwhile(
        self, mode: SyncMode, live: LiveApplication, says: str
    ) -> None:
        change = examples.merged_change(sync_mode=mode)
        decided = advance(change, self.decide(change, seen(key=OTHER_KEY, live=live)))
        assert decided.note is not None
        assert decided.note.plain.endswith(f". {says}")
        assert decided.facts["merge"].auto_sync is (live.auto_sync is not None)

    def test_auto_sync_that_is_switched_on_and_off_is_known_of_what_was_merged(self) -> None:
        """So that whoever ends it is told what Argo CD does with the merge."""
        on = wait(self.decide(examples.merged_change(), seen(live=AUTO))).facts["merge"]
        assert on.auto_sync
        off = examples.merged_change(State.WAITING_FOR_SYNC, **MANUAL, merge=on)
        assert not wait(self.decide(off, seen())).facts["merge"].auto_sync

    def test_auto_sync_has_its_time_once_nothing_is_in_the_way(self) -> None:
        shut = (Gate.closed("window", "a sync window is closed"),)
        decided = wait(self.decide(examples.merged_change(), seen(live=AUTO, gates=shut), NOW + 40 * MINUTE))
        assert (decided.reason, decided.facts["state_since"]) == ("a sync window is closed", NOW + 40 * MINUTE)

    def test_without_a_merge_there_is_nothing_to_sync(self) -> None:
        with pytest.raises(ValueError, match="without a merge"):
            self.decide(examples.change(State.MERGED), seen())


class TestSyncing:
    def decide(self, change: Change, looked: SyncSeen, now: datetime = NOW) -> Decision:
        return decide_syncing(change, looked, examples.stage(), now)

    @pytest.mark.parametrize(
        ("phase", "message", "says"),
        [
            (Phase.PENDING, "", "Argo CD has taken the sync and is about to start it"),
            (Phase.RUNNING, "waiting for wave 1", "waiting for wave 1"),
            (Phase.RUNNING, "", "syncing"),
            (Phase.TERMINATING, "", "the sync is being terminated"),
            (Phase.UNKNOWN, "", "syncing"),
        ],
    )
    def test_it_follows_the_phase(self, phase: Phase, message: str, says: str) -> None:
        """A finish time says nothing: hooks may still run."""
        operation = examples.operation(phase, message=message, started_at=NOW, finished_at=NOW)
        decided = wait(self.decide(examples.syncing_change(), seen(operation=operation, progress=examples.progress())))
        assert (decided.reason, decided.look_again) == (says, FOLLOW)
        assert decided.facts["progress"] == examples.progress()

    def test_the_start_is_argocds_own(self) -> None:
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW))
        started = NOW + 3 * SECOND
        decided = wait(self.decide(asked, seen(operation=examples.operation(started_at=started))))
        assert decided.facts["sync"].started_at == started

    def test_succeeded_at_the_merged_revision_goes_on_to_health(self) -> None:
        results = (result("apm-api"), result("old", "PruneSkipped"))
        operation = examples.operation(Phase.SUCCEEDED, resources=results)
        change = examples.syncing_change()
        decided = advance(change, self.decide(change, seen(operation=operation, moved_on=3), NOW + MINUTE))
        assert decided.event is Event.OPERATION_SUCCEEDED
        sync = decided.facts["sync"]
        assert (sync.operation, sync.finished_at, sync.moved_on) == (CHANGE, NOW + MINUTE, 3)
        assert sync.left_behind == ("Deployment/old",)

    def test_succeeded_at_another_revision_is_a_failure(self) -> None:
        operation = examples.operation(Phase.SUCCEEDED, revision="9" * 40)
        change = examples.syncing_change()
        decided = advance(change, self.decide(change, seen(operation=operation)))
        assert decided.event is Event.FAILED
        assert decided.reason == "Argo CD reports a sync of 9999999, not of the merged 3333333"
        assert advance(change, self.decide(change, seen(operation=operation, shipped=True))).event is (
            Event.OPERATION_SUCCEEDED
        )

    @pytest.mark.parametrize("phase", [Phase.FAILED, Phase.ERROR])
    @pytest.mark.parametrize(
        ("facts", "cause"),
        [
            (
                {"resources": (result("ok"), result("apm-api", "SyncFailed", message="field is immutable"))},
                "Deployment/apm-api: field is immutable",
            ),
            (
                {"resources": (result("migrate", "", message="exit 1", hook="PreSync", hook_phase="Failed"),)},
                "Deployment/migrate: exit 1",
            ),
            ({"message": "rpc error"}, "rpc error"),
            ({}, "Argo CD gave no reason"),
        ],
    )
    def test_a_bad_end_names_the_first_failure(self, phase: Phase, facts: dict[str, Any], cause: str) -> None:
        change = examples.syncing_change()
        decided = advance(change, self.decide(change, seen(operation=examples.operation(phase, **facts))))
        assert (decided.event, decided.facts["cause"]) == (Event.FAILED, cause)
        assert decided.reason == f"sync {phase.value.lower()}: {cause}"
        assert decided.facts["still_runs"].startswith("4444444 (history 14)")

    def test_it_fails_when_it_runs_for_too_long_with_what_was_last_seen(self) -> None:
        looked = seen(
            operation=examples.operation(started_at=NOW), progress=examples.progress("Deployment/apm-api (2 of 6)")
        )
        wait(self.decide(examples.syncing_change(), looked, NOW + 30 * MINUTE - SECOND))
        change = examples.syncing_change()
        decided = advance(change, self.decide(change, looked, NOW + 30 * MINUTE))
        assert decided.event is Event.FAILED
        assert "last seen: Deployment/apm-api (2 of 6)" in decided.reason
        assert decided.note is not None
        assert "press Terminate there" in decided.note.plain

    def test_without_a_sign_of_it_yet_it_is_asked_for(self) -> None:
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW))
        assert wait(self.decide(asked, seen())).reason == "asking Argo CD to sync"

    def test_it_is_asked_for_while_nothing_shows_that_it_was(self) -> None:
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW))
        assert is_unasked(asked, seen())
        over = examples.operation(Phase.SUCCEEDED, infos=(), initiated_by="admin")
        assert is_unasked(asked, seen(live=examples.live(operation=over)))
        assert not is_unasked(asked, seen(live=examples.live(operation=replace(over, phase=Phase.RUNNING))))
        assert not is_unasked(asked, seen(operation=examples.operation()))
        assert not is_unasked(asked, seen(shipped=True))
        assert not is_unasked(examples.syncing_change(), seen())
        followed = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=None, asked_at=NOW))
        assert not is_unasked(followed, seen())

    def test_what_came_after_our_deployment_is_not_overrun(self) -> None:
        """Taken and done, its answer lost, and rolled back by somebody since: ours is no longer the newest."""
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW, newest_before=14))
        rollback = examples.operation(Phase.SUCCEEDED, infos=(), initiated_by="admin")
        looked = seen(live=examples.live(operation=rollback, history=ROLLED_BACK))
        assert not is_unasked(asked, looked)
        assert advance(asked, self.decide(asked, looked)).event is Event.OPERATION_SUCCEEDED

    def test_a_deployment_from_before_ours_was_decided_is_not_ours(self) -> None:
        """Somebody synced the merged commit by hand and rolled it back, and then ours was decided."""
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW, newest_before=16))
        assert is_unasked(asked, seen(live=examples.live(history=ROLLED_BACK)))
        of_old = replace(asked, sync=SyncFacts(operation=CHANGE, asked_at=NOW))  # stored by an older Tiphys
        assert not is_unasked(of_old, seen(live=examples.live(history=ROLLED_BACK)))

    def test_somebody_elses_operation_before_ours_sends_it_back(self) -> None:
        asked = examples.merged_change(State.SYNCING, sync=SyncFacts(operation=CHANGE, asked_at=NOW))
        busy = examples.live(operation=examples.operation(infos=(), initiated_by="admin"))
        decided = advance(asked, self.decide(asked, seen(live=busy)))
        assert (decided.event, decided.facts["sync"]) == (Event.SYNC_BLOCKED, None)
        assert decided.reason == "another operation is running (by admin)"

    @pytest.mark.parametrize(("by", "says"), [("admin", " by admin"), ("", "")])
    def test_our_operation_replaced_by_another_is_a_failure(self, by: str, says: str) -> None:
        other = examples.live(operation=examples.operation(Phase.SUCCEEDED, infos=(), initiated_by=by))
        change = examples.syncing_change()
        decided = advance(change, self.decide(change, seen(live=other)))
        assert (decided.event, decided.reason) == (
            Event.FAILED, f"our sync was overtaken by another operation{says}",
        )  # fmt: skip

    @pytest.mark.parametrize("facts", [{"shipped": True}, {"live": examples.live(history=ROLLED_BACK)}])
    def test_our_operation_replaced_after_it_shipped_is_none(self, facts: dict[str, Any]) -> None:
        change = examples.syncing_change()
        assert advance(change, self.decide(change, seen(**facts))).event is Event.OPERATION_SUCCEEDED

    def test_a_sync_that_was_never_asked_for_is_a_bug(self) -> None:
        with pytest.raises(ValueError, match="syncing without a sync"):
            self.decide(examples.merged_change(State.SYNCING), seen())
