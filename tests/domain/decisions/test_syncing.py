"""After the merge: every branch, by values."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts
from bot.domain.change import Change, SyncFacts
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.syncing import (
    BLIND_FOR,
    DEGRADED_GRACE,
    FOLLOW,
    SyncSeen,
    decide_merged,
    decide_syncing,
    decide_verifying,
)
from bot.domain.gate import Gate
from bot.domain.identity import Revision, UserId
from bot.domain.lifecycle import Event, State, allows
from bot.domain.live import AutoSync, Health, Phase, ResourceKey, ResourceResult
from bot.domain.pipeline import BakeAction, StageAlerts, SyncMode, Timeouts
from tests import examples
from tests.alert_examples import fires, is_silenced
from tests.examples import CHANGE, KEY, MERGED, MINUTE, NOW, OTHER_KEY

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


class TestMerged:
    def decide(self, change: Change, looked: SyncSeen, now: datetime = NOW) -> Decision:
        return decide_merged(change, looked, examples.stage(), now)

    def test_a_controlled_stage_is_synced_at_once_under_our_id(self) -> None:
        change = examples.merged_change()
        decided = advance(change, self.decide(change, seen()))
        assert decided.event is Event.SYNC_STARTED
        assert decided.facts["sync"] == SyncFacts(operation=CHANGE, asked_at=NOW)

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
        assert decided.note.plain.endswith("It is synced already, not by us.")

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

    @pytest.mark.parametrize("facts", [{"shipped": True}, {"deployed": True}])
    def test_our_operation_replaced_after_it_shipped_is_none(self, facts: dict[str, bool]) -> None:
        change = examples.syncing_change()
        assert advance(change, self.decide(change, seen(**facts))).event is Event.OPERATION_SUCCEEDED

    def test_a_sync_that_was_never_asked_for_is_a_bug(self) -> None:
        with pytest.raises(ValueError, match="syncing without a sync"):
            self.decide(examples.merged_change(State.SYNCING), seen())


class TestVerifying:
    def change(self, **facts: Any) -> Change:
        sync = SyncFacts(operation=CHANGE, asked_at=NOW, started_at=NOW, finished_at=NOW)
        return examples.merged_change(State.VERIFYING, **{"sync": sync} | facts)

    def decide(self, change: Change, looked: SyncSeen, now: datetime = NOW, **facts: Any) -> Decision:
        return decide_verifying(change, looked, examples.stage(**facts), now)

    def test_health_must_hold_for_the_whole_soak(self) -> None:
        first = wait(self.decide(self.change(), seen()))
        assert (first.reason, first.facts["healthy_since"]) == ("healthy; soaking 10 min", NOW)
        assert first.look_again == 5 * SECOND
        healthy = self.change(healthy_since=NOW)
        almost = wait(self.decide(healthy, seen(), NOW + 10 * MINUTE - SECOND))
        assert almost.look_again == SECOND
        assert advance(healthy, self.decide(healthy, seen(), NOW + 10 * MINUTE)).event is Event.SOAKED

    def test_no_soak_succeeds_at_the_first_healthy_look(self) -> None:
        change = self.change()
        assert advance(change, self.decide(change, seen(), soak=timedelta(0))).event is Event.SOAKED

    @pytest.mark.parametrize(("soak", "says"), [(30 * SECOND, "30 s"), (2 * MINUTE, "2 min")])
    def test_the_soak_is_told(self, soak: timedelta, says: str) -> None:
        assert wait(self.decide(self.change(), seen(), soak=soak)).reason == f"healthy; soaking {says}"

    def test_a_relapse_begins_the_soak_anew(self) -> None:
        progressing = seen(live=examples.live(health=Health.PROGRESSING))
        decided = wait(self.decide(self.change(healthy_since=NOW), progressing, NOW + 9 * MINUTE))
        assert decided.facts["healthy_since"] is None
        assert decided.facts["unhealthy_since"] == NOW + 9 * MINUTE
        assert decided.reason == "waiting for health: the application is Progressing"

    def test_a_suspended_application_waits_for_a_person_without_end(self) -> None:
        suspended = seen(live=examples.live(health=Health.SUSPENDED))
        decided = wait(self.decide(self.change(healthy_since=NOW), suspended, NOW + timedelta(days=3)))
        assert decided.reason == "Suspended: waits for a person"
        assert decided.facts["healthy_since"] is None

    @pytest.mark.parametrize(
        ("health", "patience"),
        [
            (Health.PROGRESSING, 15 * MINUTE),
            (Health.MISSING, 15 * MINUTE),
            (Health.UNKNOWN, 15 * MINUTE),
        ],
    )
    def test_bad_health_fails_it_after_its_patience(self, health: Health, patience: timedelta) -> None:
        api = examples.resource("apm-api", Health.DEGRADED, message="image pull: manifest unknown")
        looked = seen(live=examples.live(health=health, resources=(examples.resource("other"), api)))
        change = self.change(unhealthy_since=NOW)
        wait(self.decide(change, looked, NOW + patience - SECOND))
        decided = advance(change, self.decide(change, looked, NOW + patience))
        assert decided.event is Event.FAILED
        assert decided.reason == (
            "not healthy within 15 min: Deployment/apm-api Degraded (image pull: manifest unknown)"
        )
        assert decided.facts["still_runs"] == "4444444 (history 14)"

    def test_degraded_fails_it_soon_but_not_at_once(self) -> None:
        """Deployments pass through it for a moment."""
        looked = seen(live=examples.live(health=Health.DEGRADED, health_message="image pull: manifest unknown"))
        first = wait(self.decide(self.change(unhealthy_since=NOW), looked, NOW + MINUTE))
        assert first.facts["degraded_since"] == NOW + MINUTE
        change = self.change(unhealthy_since=NOW, degraded_since=NOW + MINUTE)
        wait(self.decide(change, looked, NOW + MINUTE + DEGRADED_GRACE - SECOND))
        decided = advance(change, self.decide(change, looked, NOW + MINUTE + DEGRADED_GRACE))
        assert (decided.event, decided.reason) == (Event.FAILED, "Degraded: image pull: manifest unknown")

    def test_leaving_degraded_forgets_it(self) -> None:
        progressing = seen(live=examples.live(health=Health.PROGRESSING))
        decided = wait(self.decide(self.change(unhealthy_since=NOW, degraded_since=NOW), progressing, NOW + MINUTE))
        assert decided.facts["degraded_since"] is None
        assert decided.facts["unhealthy_since"] == NOW

    def test_what_was_left_behind_is_told_at_the_good_end(self) -> None:
        sync = SyncFacts(operation=CHANGE, asked_at=NOW, left_behind=("ConfigMap/old", "Service/old"))
        change = self.change(sync=sync, healthy_since=NOW)
        decided = advance(change, self.decide(change, seen(), NOW + 10 * MINUTE))
        assert decided.reason == "healthy through the soak, 2 resources left behind: ConfigMap/old and Service/old"

    def test_a_short_health_timeout_is_kept_for_degraded_too(self) -> None:
        looked, change = seen(live=examples.live(health=Health.DEGRADED)), self.change(degraded_since=NOW)
        decided = self.decide(change, looked, NOW + 2 * SECOND, timeouts=Timeouts(health=2 * SECOND))
        assert advance(change, decided).event is Event.FAILED

    @pytest.mark.parametrize(
        ("facts", "says"),
        [
            ({"health_message": "the chart is broken"}, "the chart is broken"),
            ({"resources": (examples.resource("config", None),)}, "the application is Degraded"),
        ],
    )
    def test_without_a_bad_resource_the_application_speaks(self, facts: dict[str, Any], says: str) -> None:
        looked = seen(live=examples.live(health=Health.DEGRADED, **facts))
        assert wait(self.decide(self.change(), looked)).reason == f"waiting for health: {says}"

    def test_it_is_told_that_git_has_moved_on(self) -> None:
        decided = wait(self.decide(self.change(), seen(moved_on=4)))
        assert decided.facts["sync"].moved_on == 4
        assert "sync" not in wait(self.decide(self.change(), seen())).facts

    def test_another_revision_in_git_does_not_fail_it(self) -> None:
        """`status.sync` speaks of the branch tip, not of what we shipped."""
        ahead = seen(live=examples.live(sync_revision=Revision("8" * 40)), moved_on=1, key=OTHER_KEY)
        change = self.change(healthy_since=NOW)
        assert advance(change, self.decide(change, ahead, NOW + 10 * MINUTE)).event is Event.SOAKED
        assert MERGED != "8" * 40


class TestAlertsInTheSoak:
    """What fires for the stage while a synced change soaks."""

    FIRING = FiringAlerts(alerts=(fires(),))
    SILENCED = FiringAlerts(alerts=(is_silenced(),))
    BLIND = CannotTell(reason="default: no answer within 8 s")
    QUIET = FiringAlerts()

    def change(self, **facts: Any) -> Change:
        sync = SyncFacts(operation=CHANGE, asked_at=NOW, started_at=NOW, finished_at=NOW)
        return examples.merged_change(State.VERIFYING, **{"sync": sync, "healthy_since": NOW} | facts)

    def decide(
        self, change: Change, alerts: Firing | None, now: datetime = NOW, *, health: Health = Health.HEALTHY,
        **policy: Any,
    ) -> Decision:  # fmt: skip
        stage = examples.stage(alerts=StageAlerts(**policy))
        return decide_verifying(change, seen(live=examples.live(health=health), alerts=alerts), stage, now)

    def after(self, change: Change, decided: Decision) -> Change:
        """As the ledger stores a wait."""
        return replace(change, **{"trouble_since": None, **wait(decided).facts, "reason": decided.reason})

    def test_what_fires_holds_it_and_sets_the_soak_back(self) -> None:
        change = self.change()
        decided = wait(self.decide(change, self.FIRING, NOW + 9 * MINUTE))
        assert decided.reason == "waiting: HighErrorRate fires (critical, since 14:02 UTC)"
        assert decided.facts["healthy_since"] is None
        assert decided.facts["alerts"] == self.FIRING
        assert decided.facts["alerting_since"] == NOW + 9 * MINUTE
        assert decided.facts["fails_at"] == NOW + 24 * MINUTE
        assert decided.look_again == 5 * SECOND

    def test_when_it_is_over_the_soak_begins_anew(self) -> None:
        held = self.after(self.change(), self.decide(self.change(), self.FIRING, NOW + 9 * MINUTE))
        quiet = wait(self.decide(held, self.QUIET, NOW + 11 * MINUTE))
        assert quiet.facts["healthy_since"] == NOW + 11 * MINUTE
        assert (quiet.facts["alerting_since"], quiet.facts["fails_at"]) == (None, None)
        going_on = self.after(held, quiet)
        assert isinstance(self.decide(going_on, self.QUIET, NOW + 20 * MINUTE), Wait)
        assert advance(going_on, self.decide(going_on, self.QUIET, NOW + 21 * MINUTE)).event is Event.SOAKED

    def test_what_lasts_for_too_long_fails_it_with_the_cause(self) -> None:
        held = self.after(self.change(), self.decide(self.change(), self.FIRING))
        almost = wait(self.decide(held, self.FIRING, NOW + 15 * MINUTE - SECOND))
        assert almost.look_again == SECOND
        decided = advance(held, self.decide(held, self.FIRING, NOW + 15 * MINUTE))
        assert decided.event is Event.FAILED
        assert decided.reason == "HighErrorRate fires (critical, since 14:02 UTC), for longer than 15 min"
        assert decided.facts["cause"] == "HighErrorRate fires (critical, since 14:02 UTC)"

    @pytest.mark.parametrize("health", [Health.HEALTHY, Health.PROGRESSING, Health.SUSPENDED])
    def test_the_policy_may_fail_it_at_once(self, health: Health) -> None:
        decided = advance(self.change(), self.decide(
            self.change(), self.FIRING, health=health, during_soak=BakeAction.FAIL
        ))  # fmt: skip
        assert (decided.event, decided.reason) == (
            Event.FAILED, "HighErrorRate fires (critical, since 14:02 UTC) during the soak"
        )  # fmt: skip

    def test_the_policy_may_only_show_them(self) -> None:
        change = self.change()
        looked = wait(self.decide(change, self.FIRING, NOW + MINUTE, during_soak=None))
        assert (looked.reason, looked.facts["alerts"]) == ("healthy; soaking 10 min", self.FIRING)
        assert looked.facts["fails_at"] is None
        done = advance(change, self.decide(change, self.FIRING, NOW + 10 * MINUTE, during_soak=None))
        assert done.reason == "healthy through the soak, HighErrorRate fires (critical)"

    def test_health_is_waited_for_first(self) -> None:
        """Why it does not go on is the health; that they fire is kept all the same, and counts from now."""
        decided = wait(self.decide(self.change(), self.FIRING, health=Health.PROGRESSING))
        assert decided.reason.startswith("waiting for health")
        assert decided.facts["alerting_since"] == NOW

    def test_silenced_alerts_do_not_hold_it_and_are_named_at_the_end(self) -> None:
        decided = advance(self.change(), self.decide(self.change(), self.SILENCED, NOW + 10 * MINUTE))
        assert decided.event is Event.SOAKED
        assert decided.reason == "healthy through the soak, 1 silenced by @approver-1: HighErrorRate"

    def test_while_nobody_can_tell_the_soak_stands_still(self) -> None:
        change = self.change()
        blind = self.decide(change, self.BLIND, NOW + 8 * MINUTE)
        assert blind.reason == "waiting: cannot tell whether alerts fire: default: no answer within 8 s"
        standing = self.after(change, blind)
        assert (standing.healthy_since, standing.trouble_since) == (NOW, NOW + 8 * MINUTE)
        standing = self.after(standing, self.decide(standing, self.BLIND, NOW + 60 * MINUTE))
        assert standing.trouble_since == NOW + 8 * MINUTE
        again = wait(self.decide(standing, self.QUIET, NOW + 70 * MINUTE))
        assert again.facts["healthy_since"] == NOW + 62 * MINUTE
        assert "trouble_since" not in again.facts

    def test_it_ends_as_errored_when_nobody_ever_tells(self) -> None:
        standing = self.after(self.change(), self.decide(self.change(), self.BLIND))
        assert isinstance(self.decide(standing, self.BLIND, NOW + BLIND_FOR - SECOND), Wait)
        decided = advance(standing, self.decide(standing, self.BLIND, NOW + BLIND_FOR))
        assert decided.event is Event.ERRORED
        assert "cannot tell whether alerts fire" in decided.reason

    def test_what_was_seen_to_fire_is_not_over_because_nobody_can_tell(self) -> None:
        held = self.after(self.change(), self.decide(self.change(), self.FIRING))
        blind = self.after(held, self.decide(held, self.BLIND, NOW + 10 * MINUTE))
        assert blind.alerting_since == NOW
        assert advance(blind, self.decide(blind, self.FIRING, NOW + 15 * MINUTE)).event is Event.FAILED

    def test_not_knowing_hinders_nothing_where_alerts_are_only_shown(self) -> None:
        decided = self.decide(self.change(), self.BLIND, NOW + 10 * MINUTE, during_soak=None)
        assert advance(self.change(), decided).event is Event.SOAKED

    def test_without_a_source_of_alerts_nothing_is_different(self) -> None:
        decided = advance(self.change(), self.decide(self.change(), None, NOW + 10 * MINUTE))
        assert (decided.event, decided.reason) == (Event.SOAKED, "healthy through the soak")
