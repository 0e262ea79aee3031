"""After the sync, until the soak is over: every branch, by values."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts
from bot.domain.change import Change, SyncFacts
from bot.domain.decisions.decision import Decision, Wait
from bot.domain.decisions.syncing import SyncSeen
from bot.domain.decisions.verifying import BLIND_FOR, DEGRADED_GRACE, decide_verifying
from bot.domain.identity import Revision
from bot.domain.lifecycle import Event, State
from bot.domain.live import Deployment, Health, LiveApplication, Phase
from bot.domain.pipeline import BakeAction, StageAlerts, Timeouts
from tests import examples
from tests.alert_examples import fires, is_silenced
from tests.domain.decisions import after_merge
from tests.domain.decisions.after_merge import SECOND, advance, wait
from tests.examples import ACTIVE, CHANGE, MERGED, MINUTE, NOW, OTHER_KEY

SHIPPED = (*examples.live().history, Deployment(id=15, revision=MERGED, deployed_at=NOW))


def live(**facts: Any) -> LiveApplication:
    """It runs what was merged."""
    return examples.live(**{"history": SHIPPED} | facts)


def seen(**facts: Any) -> SyncSeen:
    return after_merge.seen(**{"live": live(), "shipped": True} | facts)


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
        progressing = seen(live=live(health=Health.PROGRESSING))
        decided = wait(self.decide(self.change(healthy_since=NOW), progressing, NOW + 9 * MINUTE))
        assert decided.facts["healthy_since"] is None
        assert decided.facts["unhealthy_since"] == NOW + 9 * MINUTE
        assert decided.reason == "waiting for health: the application is Progressing"

    def test_a_suspended_application_waits_for_a_person_without_end(self) -> None:
        suspended = seen(live=live(health=Health.SUSPENDED))
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
        looked = seen(live=live(health=health, resources=(examples.resource("other"), api)))
        change = self.change(unhealthy_since=NOW)
        wait(self.decide(change, looked, NOW + patience - SECOND))
        decided = advance(change, self.decide(change, looked, NOW + patience))
        assert decided.event is Event.FAILED
        assert decided.reason == (
            "not healthy within 15 min: Deployment/apm-api Degraded (image pull: manifest unknown)"
        )
        assert decided.facts["still_runs"] == ""

    def test_degraded_fails_it_soon_but_not_at_once(self) -> None:
        """Deployments pass through it for a moment."""
        looked = seen(live=live(health=Health.DEGRADED, health_message="image pull: manifest unknown"))
        first = wait(self.decide(self.change(unhealthy_since=NOW), looked, NOW + MINUTE))
        assert first.facts["degraded_since"] == NOW + MINUTE
        change = self.change(unhealthy_since=NOW, degraded_since=NOW + MINUTE)
        wait(self.decide(change, looked, NOW + MINUTE + DEGRADED_GRACE - SECOND))
        decided = advance(change, self.decide(change, looked, NOW + MINUTE + DEGRADED_GRACE))
        assert (decided.event, decided.reason) == (Event.FAILED, "Degraded: image pull: manifest unknown")

    def test_leaving_degraded_forgets_it(self) -> None:
        progressing = seen(live=live(health=Health.PROGRESSING))
        decided = wait(self.decide(self.change(unhealthy_since=NOW, degraded_since=NOW), progressing, NOW + MINUTE))
        assert decided.facts["degraded_since"] is None
        assert decided.facts["unhealthy_since"] == NOW

    def test_what_was_left_behind_is_told_at_the_good_end(self) -> None:
        sync = SyncFacts(operation=CHANGE, asked_at=NOW, left_behind=("ConfigMap/old", "Service/old"))
        change = self.change(sync=sync, healthy_since=NOW)
        decided = advance(change, self.decide(change, seen(), NOW + 10 * MINUTE))
        assert decided.reason == "healthy through the soak, 2 resources left behind: ConfigMap/old and Service/old"

    def test_a_short_health_timeout_is_kept_for_degraded_too(self) -> None:
        looked, change = seen(live=live(health=Health.DEGRADED)), self.change(degraded_since=NOW)
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
        looked = seen(live=live(health=Health.DEGRADED, **facts))
        assert wait(self.decide(self.change(), looked)).reason == f"waiting for health: {says}"

    def test_it_is_told_that_git_has_moved_on(self) -> None:
        decided = wait(self.decide(self.change(), seen(moved_on=4)))
        assert decided.facts["sync"].moved_on == 4
        assert "sync" not in wait(self.decide(self.change(), seen())).facts

    def test_another_revision_in_git_does_not_fail_it(self) -> None:
        """`status.sync` speaks of the branch tip, not of what we shipped."""
        ahead = seen(live=live(sync_revision=Revision("8" * 40)), moved_on=1, key=OTHER_KEY)
        change = self.change(healthy_since=NOW)
        assert advance(change, self.decide(change, ahead, NOW + 10 * MINUTE)).event is Event.SOAKED
        assert MERGED != "8" * 40

    @pytest.mark.parametrize("health", list(Health))
    @pytest.mark.parametrize("firing", [None, FiringAlerts(alerts=(fires(),)), CannotTell(reason="no answer")])
    def test_what_runs_instead_of_what_was_shipped_ends_it(self, health: Health, firing: Firing | None) -> None:
        """Its health is not that of what was approved."""
        back = (*SHIPPED, Deployment(id=16, revision=ACTIVE, deployed_at=NOW))
        looked = seen(live=live(health=health, history=back), shipped=False, alerts=firing)
        change = self.change(healthy_since=NOW)
        decided = advance(change, self.decide(change, looked, NOW + 10 * MINUTE))
        assert decided.event is Event.FAILED
        assert decided.reason == "the environment runs 4444444 now (history 16), not what was shipped"
        assert decided.facts["cause"] == "the environment runs 4444444 now (history 16)"

    def test_who_put_it_there_is_told_where_that_is_known(self) -> None:
        back = (*SHIPPED, Deployment(id=16, revision=ACTIVE, deployed_at=NOW))
        rollback = examples.operation(Phase.SUCCEEDED, revision=ACTIVE, infos=(), initiated_by="admin")
        for operation, says in (
            (rollback, "(history 16, synced by admin)"), (replace(rollback, phase=Phase.RUNNING), "(history 16)"),
            (replace(rollback, revision=MERGED), "(history 16)"), (replace(rollback, initiated_by=""), "(history 16)"),
        ):  # fmt: skip
            decided = self.decide(self.change(), seen(live=live(history=back, operation=operation), shipped=False))
            assert says in advance(self.change(), decided).reason

    def test_a_descendant_with_the_same_content_is_what_was_shipped(self) -> None:
        newer = (*SHIPPED, Deployment(id=16, revision=Revision("8" * 40), deployed_at=NOW))
        change = self.change(healthy_since=NOW)
        decided = self.decide(change, seen(live=live(history=newer)), NOW + 10 * MINUTE)
        assert advance(change, decided).event is Event.SOAKED

    def test_a_history_that_is_not_kept_says_nothing(self) -> None:
        change = self.change(healthy_since=NOW)
        decided = self.decide(change, seen(live=live(history=()), shipped=False), NOW + 10 * MINUTE)
        assert advance(change, decided).event is Event.SOAKED


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
        return decide_verifying(change, seen(live=live(health=health), alerts=alerts), stage, now)

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
