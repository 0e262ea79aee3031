"""Every case of a change card, by its name: the golden files are kept by these."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.firing import CannotTell, FiringAlerts, in_words
from bot.domain.alerts.group import SilenceSeen
from bot.domain.alerts.severity import Severity
from bot.domain.approval import Verdict
from bot.domain.gate import Gate
from bot.domain.identity import UserId
from bot.domain.lifecycle import State
from bot.domain.live import SyncProgress, WaveProgress
from bot.domain.pipeline import SyncMode
from tests.alert_examples import fires, is_silenced

S = Any  # the `Samples` of the conftest
WAVES = (
    WaveProgress(wave=-10, done=4, total=4), WaveProgress(wave=-5, done=4, total=4),
    WaveProgress(wave=0, done=3, total=7), WaveProgress(wave=5, done=0, total=3),
)  # fmt: skip
RUNNING = SyncProgress(waves=WAVES, waiting_for=("Deployment/apm-api (2 of 6 ready)",))
TWO = (UserId("U0APPR1"), UserId("U0APPR2"))


def many_waves(s: S) -> Any:
    waves = tuple(WaveProgress(wave=n, done=2 if n < 12 else 1 if n == 12 else 0, total=2) for n in range(30))
    progress = SyncProgress(waves=waves, waiting_for=tuple(f"Deployment/d{n} (0 of 1 ready)" for n in range(9)))
    return s.card(s.change(State.SYNCING, merge=s.merge(), progress=progress, approved_by=TWO))


def huge(s: S) -> Any:
    """More of everything than anybody wants to read."""
    long = "x" * 500
    ships = s.shipment(
        values=tuple(s.value(f"{long}{n}", long, long) for n in range(60)),
        drifted=tuple(s.value(f"{long}{n}", long, long) for n in range(30)),
        also=tuple(s.commit(n, long, author=long) for n in range(20)), also_total=500, also_paths=(long,) * 9,
        carried=tuple(s.commit(n, long, author=long) for n in range(5)), carried_total=900,
        files=(long,) * 20, files_total=5000, source_ahead=7, prunes=tuple(f"Deployment/{long}{n}" for n in range(40)),
        notes=(long,) * 12,
    )  # fmt: skip
    refused = {f"U0PERSON{n}": long for n in range(40)}
    return s.card(
        s.change(
            State.WAITING_FOR_APPROVAL, proposal=s.proposal(shipment=ships), reason=long * 3, void_because=long * 3,
            gates=tuple(Gate.closed(f"gate-{n}", long, opens_at=s.now, link="https://example.com/") for n in range(40)),
            approvals=s.approvals("U0APPR1", **refused), trouble_since=s.now,
        ),
        may_approve=tuple(f"U0PERSON{n}" for n in range(50)), prune=True,
    )  # fmt: skip


def of_a_merge(s: S) -> Any:
    """What a promotion by branches carries."""
    return s.shipment(
        values=(s.value("example/gateway", "1.7.0", "1.8.0"),),
        carried=tuple(s.commit(n, f"Route /v{n}") for n in range(5)), carried_total=12,
        files=tuple(f"routes/{n}.yaml" for n in range(20)), files_total=31,
        notes=("1 commit on main is not on staging and stays: 4d1e77c stop the leak",),
    )  # fmt: skip


def auto_synced(s: S) -> Any:
    proposal = s.proposal(auto_sync=True, active_revision=None, active_history_id=None)
    return s.card(s.change(proposal=proposal, gates=s.gates()))


def void(s: S) -> Any:
    because = "developer-2 pushed 1 commit to the promotion branch; it touches overlays/production/slipped.yaml"
    return s.card(s.change(State.APPROVALS_VOID, void_because=because, reason=f"approvals no longer count: {because}"))


def merged_by_hand(s: S) -> Any:
    words = "developer merged the pull request by hand before it was approved"
    reason = f"{words}; Tiphys does not sync it before it is approved"
    return s.card(s.change(reason=reason, merge=s.merge(by="developer", by_hand=True), approvals=s.approvals()))


def merged_by_hand_and_shipped(s: S) -> Any:
    """Auto-sync is on: Argo CD does not wait for a yes."""
    merge = s.merge(by="developer", by_hand=True, auto_sync=True)
    return s.card(s.change(merge=merge, approvals=s.approvals(), proposal=s.proposal(auto_sync=True)))


def merged_differs(s: S, **facts: Any) -> Any:
    merge = s.merge(differences=("`deployments/k8s/base`", "the Application's sync settings"), **facts)
    reason = "what was merged differs from what was approved: `deployments/k8s/base`"
    return s.card(s.change(State.MERGED_DIFFERS, merge=merge, reason=reason, approvals=s.approvals()))


def merged_differs_and_synced(s: S) -> Any:
    """A manual stage: after the merge somebody changed the Application, and synced it in Argo CD."""
    moved = "the destination (in-cluster/apm → in-cluster/other)"
    return s.card(s.change(
        State.MERGED_DIFFERS, sync_mode=SyncMode.MANUAL, merge=s.merge(shipped=True, differences=(moved,)),
        reason=f"since the merge the Application changed: {moved}", approvals=s.approvals(),
    ))  # fmt: skip


def failed(s: S) -> Any:
    cause = "Deployment/apm-api does not become ready (image pull: manifest unknown)"
    return s.card(s.change(
        State.FAILED, merge=s.merge(), approved_by=TWO, reason=f"Degraded: {cause}", cause=cause,
        still_runs="2.14.0 on 6 of 6 pods", sync=s.synced(),
    ))  # fmt: skip


def well(s: S, **facts: Any) -> Any:
    given = s.approvals(*TWO, verdict=Verdict.PASSED, at=s.now + timedelta(minutes=5))
    known: dict[str, Any] = {"merge": s.merge(), "approved_by": TWO, "approvals": given, "sync": s.synced()}
    return s.card(s.change(State.SUCCEEDED, **{**known, **facts}))


def alerting(s: S, alerts: Any, reason: str, **facts: Any) -> Any:
    known: dict[str, Any] = {"merge": s.merge(), "approved_by": TWO, "sync": s.synced(), "alerts": alerts}
    return s.card(s.change(State.VERIFYING, reason=reason, **{**known, **facts}))


def held_by_alerts(s: S) -> Any:
    """One that began after the sync, one that was there before it, and what does not count."""
    since, silence = s.now - timedelta(minutes=2), SilenceSeen(id="s1", by="@approver-1", ends_at=s.now)
    alerts = FiringAlerts(alerts=(
        fires(starts_at=since, count=3), fires("DiskFull", starts_at=s.now - timedelta(days=1)),
        is_silenced("Slow", severity=Severity.WARNING, starts_at=since, silence=silence),
        fires("Noisy", starts_at=since, state=AlertState.INHIBITED),
    ))  # fmt: skip
    reason = f"waiting: {in_words(alerts.counting, now=s.now)}"
    return alerting(
        s,
        alerts,
        reason,
        fails_at=s.now + timedelta(minutes=13),
        alerting_since=since,
        sync=replace(s.synced(), asked_at=s.now - timedelta(minutes=4)),
    )


def alerts_huge(s: S) -> Any:
    many = tuple(fires("<!channel> `x`\n" + "y" * 300, starts_at=s.now, severity=Severity.NONE) for _ in range(20))
    return alerting(s, FiringAlerts(alerts=many, more=400), f"waiting: {in_words(many, now=s.now)}", fails_at=s.now)


CASES: dict[str, Callable[[S], Any]] = {
    "proposing": lambda s: s.card(s.change(State.PROPOSING, proposal=None, ready_at=None)),
    "proposing-after-rebuild": lambda s: s.card(
        s.change(State.PROPOSING, void_because="main moved and changed `deployments/k8s/base`")
    ),
    "waiting": lambda s: s.card(s.change(gates=s.gates(), approvals=s.approvals())),
    "waiting-one-approval": lambda s: s.card(
        s.change(gates=s.gates(), approvals=s.approvals("U0APPR1", U0DEV1="asked for it himself"))
    ),
    "waiting-also-ships": lambda s: s.card(
        s.change(
            proposal=s.proposal(
                shipment=s.shipment(
                    also=tuple(s.commit(n, f"Tune base {n}") for n in range(3)), also_total=5,
                    also_paths=("deployments/k8s/base",), source_ahead=2, prunes=("ConfigMap/old", "Service/older"),
                    drifted=(s.value("apm-api", "2.14.0", "2.14.9"),), notes=("apm-ui has no tag in production.",),
                )
            ),
            approvals=s.approvals(),
        ),
        prune=True,
    ),
    "waiting-merge": lambda s: s.card(
        s.change(proposal=s.proposal(shipment=of_a_merge(s)), approvals=s.approvals())
    ),
    "waiting-no-approvals-needed": lambda s: s.card(
        s.change(environment="staging", sync_mode=SyncMode.MANUAL), approvals_needed=0, may_approve=()
    ),
    "waiting-role-may-approve": lambda s: s.card(may_approve=("role:release", "U0APPR1", "U0DEV1")),
    "waiting-auto-sync": auto_synced,
    "waiting-trouble": lambda s: s.card(
        s.change(trouble_since=s.now, reason="github: no answer (HTTP 503)", approvals=s.approvals())
    ),
    "waiting-merged-by-hand": merged_by_hand,
    "waiting-merged-by-hand-auto-sync": merged_by_hand_and_shipped,
    "waiting-huge": huge,
    "void": void,
    "held": lambda s: s.card(s.change(State.HELD, reason="held by approver-1")),
    "checks": lambda s: s.card(
        s.change(State.WAITING_FOR_CHECKS, gates=s.gates(), reason="check build is pending", approved_by=TWO,
                 approvals=s.approvals(*TWO, verdict=Verdict.PASSED))
    ),
    "checks-alerts": lambda s: s.card(
        s.change(State.WAITING_FOR_CHECKS, approved_by=TWO, approvals=s.approvals(*TWO, verdict=Verdict.PASSED),
                 gates=(Gate.closed("alerts", "HighErrorRate fires on staging (critical)"), *s.gates()),
                 reason="HighErrorRate fires on staging (critical)")
    ),
    "merging": lambda s: s.card(s.change(State.MERGING, approved_by=TWO)),
    "merged": lambda s: s.card(
        s.change(State.MERGED, merge=s.merge(), approved_by=TWO, gates=s.gates(), reason="a sync window is closed")
    ),
    "merged-differs": merged_differs,
    "merged-differs-synced": merged_differs_and_synced,
    "waiting-for-sync": lambda s: s.card(
        s.change(State.WAITING_FOR_SYNC, environment="staging", merge=s.merge(), sync_mode=SyncMode.MANUAL,
                 reason="waiting for somebody to press Sync"),
        approvals_needed=0, may_approve=(),
    ),
    "waiting-for-sync-asked": lambda s: s.card(
        s.change(State.WAITING_FOR_SYNC, environment="staging", merge=s.merge(), sync_mode=SyncMode.MANUAL,
                 gates=s.gates()[2:], reason="a sync window is closed", sync_asked_by=UserId("U0DEV1")),
        approvals_needed=0, may_approve=(),
    ),
    "syncing": lambda s: s.card(
        s.change(State.SYNCING, merge=s.merge(), progress=RUNNING, approved_by=TWO, sync=s.synced(),
                 reason="waiting for healthy state of apps/Deployment/apm-api")
    ),
    "syncing-many-waves": many_waves,
    "verifying": lambda s: s.card(
        s.change(State.VERIFYING, merge=s.merge(), approved_by=TWO, sync=s.synced(), reason="healthy; soaking 10 min")
    ),
    "verifying-alerts": held_by_alerts,
    "verifying-alerts-huge": alerts_huge,
    "verifying-cannot-tell": lambda s: alerting(
        s, CannotTell(reason="default: no answer within 8 s"), trouble_since=s.now,
        reason="waiting: cannot tell whether alerts fire: default: no answer within 8 s",
    ),
    "succeeded": well,
    "succeeded-alerts-silenced": lambda s: well(s, alerts=FiringAlerts(alerts=(is_silenced(),))),
    "failed-alerts": lambda s: s.card(
        s.change(State.FAILED, merge=s.merge(), approved_by=TWO, sync=s.synced(),
                 reason="HighErrorRate fires (critical, since 14:02 UTC), for longer than 15 min",
                 cause="HighErrorRate fires (critical, since 14:02 UTC)")
    ),
    "succeeded-left-behind": lambda s: well(
        s, sync=s.synced(left_behind=("ConfigMap/old", "Service/older"), moved_on=3)
    ),
    "failed": failed,
    "failed-before-merge": lambda s: s.card(
        s.change(State.FAILED, reason="check build failed, for longer than 2:00:00", cause="check build failed")
    ),
    "errored": lambda s: s.card(s.change(State.ERRORED, reason="argocd: the project apm does not exist")),
    "rejected": lambda s: s.card(s.change(State.REJECTED, reason="not on a Friday", ended_by=UserId("U0APPR1"))),
    "aborted": lambda s: s.card(s.change(State.ABORTED, reason="aborted", ended_by=UserId("U0DEV1"))),
    "aborted-after-merge": lambda s: s.card(s.change(State.ABORTED, merge=s.merge(), ended_by=UserId("U0DEV1"))),
    "expired": lambda s: s.card(s.change(State.EXPIRED, reason="nobody decided in time")),
    "expired-after-merge": lambda s: s.card(
        s.change(State.EXPIRED, merge=s.merge(by="developer", by_hand=True),
                 reason="nobody approved what was merged in time")
    ),
    "superseded": lambda s: s.card(s.change(State.SUPERSEDED, reason="#43 took over")),
}  # fmt: skip
