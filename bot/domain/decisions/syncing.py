"""After the merge: who syncs, whether it may start now, and how our operation goes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alerts.firing import Firing
from bot.domain.change import Change, Merge, SyncFacts
from bot.domain.content_key import SYNC_SETTINGS, ContentKey
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.gate import Gate, first_shut
from bot.domain.identity import short
from bot.domain.lifecycle import Event, State
from bot.domain.live import LiveApplication, Operation, Phase, SyncProgress
from bot.domain.meanwhile import as_sentence, meanwhile
from bot.domain.pipeline import Stage, SyncMode
from bot.domain.text import Text, listed, spoken

FOLLOW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSeen:
    """What a look at Argo CD found after the merge.

    `operation` is ours, or the one that ships the merged commit (Argo CD's own, a person's); None when neither is to be
    seen. `shipped` says that the newest history entry is the merged commit or a descendant with the same key, deployed
    since the merge. `key` is of the merged commit as the live Application reads it now.
    """

    live: LiveApplication
    gates: tuple[Gate, ...]
    operation: Operation | None
    shipped: bool
    key: ContentKey
    moved_on: int = 0
    progress: SyncProgress | None = None
    alerts: Firing | None = None  # as grave as the stage's policy says; None: there is nobody to ask


def decide_merged(change: Change, seen: SyncSeen, stage: Stage, now: datetime) -> Decision:
    """A merged change: follow Argo CD's own sync, wait for a person, or start ours."""
    facts: dict[str, object] = {"gates": seen.gates, "progress": seen.progress}
    merge = _as_seen(change, seen)
    if (differs := _differs(change, merge, seen, stage)) is not None:
        return differs
    if merge != change.merge:
        facts["merge"] = merge
    if seen.shipped:
        return _shipped(change, seen, now)
    if seen.operation is not None:
        return Advance(
            event=Event.SYNC_STARTED,
            reason="Argo CD syncs the merged commit",
            facts={**facts, "sync": SyncFacts(operation=None, asked_at=now, started_at=now)},
        )
    if seen.live.auto_sync is not None or change.sync_mode is SyncMode.AUTOMATED:
        return _await_argocd(change, seen, stage, now, facts)
    if change.sync_mode is SyncMode.MANUAL and change.sync_asked_by is None:
        if change.state is State.WAITING_FOR_SYNC:
            return Wait(reason="waiting for somebody to press Sync", look_again=timedelta(seconds=15), facts=facts)
        return Advance(event=Event.SYNC_AWAITED, reason="waiting for somebody to press Sync", facts=facts)
    if (shut := first_shut(seen.gates)) is not None:
        wait = FOLLOW * 3 if shut.opens_at is None else max(min(shut.opens_at - now, FOLLOW * 5), FOLLOW)
        return Wait(reason=shut.reason, look_again=wait, facts=facts)
    newest = seen.live.newest
    return Advance(
        event=Event.SYNC_STARTED,
        reason="syncing the merged commit",
        facts={
            **facts,
            "sync": SyncFacts(operation=change.id, asked_at=now, newest_before=newest.id if newest else None),
        },
    )


def _await_argocd(change: Change, seen: SyncSeen, stage: Stage, now: datetime, facts: dict[str, object]) -> Decision:
    if (shut := first_shut(seen.gates)) is not None:  # its time begins when nothing is in the way any longer
        return Wait(reason=shut.reason, look_again=FOLLOW * 3, facts={**facts, "state_since": now})
    if now >= change.state_since + stage.timeouts.operation:
        return Advance(
            event=Event.FAILED,
            reason=f"Argo CD did not sync the merged commit within {spoken(stage.timeouts.operation)}",
            facts={**facts, "cause": "auto-sync did not start", "still_runs": still_runs(change, seen)},
        )
    reason = (
        "Argo CD ships this by itself (auto-sync is on)"
        if seen.live.auto_sync is not None
        else "this stage is synced by Argo CD, but auto-sync is off on the live Application: turn it on, or sync there"
    )
    return Wait(reason=reason, look_again=FOLLOW * 2, facts=facts)


def _as_seen(change: Change, seen: SyncSeen) -> Merge:
    """The merge with what Argo CD does of it: whoever ends the change is to read that."""
    if change.merge is None:
        raise ValueError(f"change {change.number} is to be synced without a merge")
    return replace(change.merge, auto_sync=seen.live.auto_sync is not None, shipped=seen.shipped)


def _differs(change: Change, merge: Merge, seen: SyncSeen, stage: Stage) -> Decision | None:
    """The live Application was changed after the merge: what stands there now is to be approved, by its own key.

    Not so where auto-sync was switched on and nothing else: Argo CD ships what was approved, and cannot be stopped.
    """
    differences = merge.key.differences(seen.key)
    if not differences or (differences == (SYNC_SETTINGS,) and seen.live.auto_sync is not None):
        return None
    synced = as_sentence(meanwhile(change, merge, needed=stage.approvals_needed))
    return Advance(
        event=Event.MERGED_DIFFERENTLY,
        reason=f"since the merge the Application changed: {listed(differences)}",
        facts={"merge": replace(merge, key=seen.key, differences=differences), "approved_by": (), "approvals": None},
        note=Text.of(f"The live Application changed after the merge: {listed(differences)}. {synced}"),
    )


def _shipped(change: Change, seen: SyncSeen, now: datetime) -> Decision:
    operation = seen.operation
    left_behind = _left_behind(operation) if operation else ()
    sync = change.sync or SyncFacts(operation=None, asked_at=now)
    return Advance(
        event=Event.OPERATION_SUCCEEDED,
        reason="synced; watching health",
        facts={
            "sync": replace(sync, finished_at=now, left_behind=left_behind, moved_on=seen.moved_on),
            "progress": seen.progress,
            "healthy_since": None,
        },
    )


def is_unasked(change: Change, seen: SyncSeen) -> bool:
    """Whether our sync is to be asked for: it was decided, nothing shows that it was asked, and nothing is running.

    What was deployed since shows it too: whatever runs now came after it, and is not ours to replace.
    """
    sync = change.sync
    if sync is None or sync.operation is None or sync.started_at is not None:
        return False
    running = seen.live.operation is not None and not seen.live.operation.phase.is_over
    return seen.operation is None and not seen.shipped and not was_deployed(change, seen.live) and not running


def was_deployed(change: Change, live: LiveApplication) -> bool:
    """Whether the merged commit was deployed since our sync was decided, whatever runs now.

    By the ids of the history, which grow by one: clocks differ, and its times are whole seconds.
    """
    before = change.sync.newest_before if change.sync is not None else None
    since = [entry for entry in live.history if before is None or entry.id > before]
    return change.merge is not None and any(entry.revision == change.merge.revision for entry in since)


def decide_syncing(change: Change, seen: SyncSeen, stage: Stage, now: datetime) -> Decision:
    """A change whose sync was asked for: follow the operation by its phase, never by its finish time."""
    sync = change.sync
    if sync is None:
        raise ValueError(f"change {change.number} is syncing without a sync")
    operation = seen.operation
    if operation is None:
        return _operation_gone(change, seen, sync, now)
    match operation.phase:
        case Phase.SUCCEEDED:
            return _ended_well(change, seen, operation, now)
        case Phase.FAILED | Phase.ERROR:
            cause = _first_failure(operation)
            return Advance(
                event=Event.FAILED, reason=f"sync {operation.phase.value.lower()}: {cause}",
                facts={"cause": cause, "progress": seen.progress, "still_runs": still_runs(change, seen)},
            )  # fmt: skip
        case _:
            pass
    started = operation.started_at or sync.started_at or sync.asked_at
    if now >= started + stage.timeouts.operation:
        last = listed(seen.progress.waiting_for, most=2) if seen.progress else ""
        return Advance(
            event=Event.FAILED,
            reason=f"the sync runs for longer than {spoken(stage.timeouts.operation)}; "
            f"last seen: {last or operation.message}",
            facts={
                "cause": last or operation.message,
                "progress": seen.progress,
                "still_runs": still_runs(change, seen),
            },
            note=Text.of("The sync goes on in Argo CD: press Terminate there if it must stop."),
        )
    facts = {"progress": seen.progress, "sync": replace(sync, started_at=sync.started_at or started)}
    return Wait(reason=_says(operation), look_again=FOLLOW, facts=facts)


def _ended_well(change: Change, seen: SyncSeen, operation: Operation, now: datetime) -> Decision:
    if change.merge is not None and operation.revision != change.merge.revision and not seen.shipped:
        return Advance(
            event=Event.FAILED,
            reason=f"Argo CD reports a sync of {operation.revision[:7]}, not of the merged {change.merge.revision[:7]}",
            facts={"cause": "another revision was synced"},
        )
    return _shipped(change, seen, now)


def _operation_gone(change: Change, seen: SyncSeen, sync: SyncFacts, now: datetime) -> Decision:
    if seen.shipped or was_deployed(change, seen.live):
        return _shipped(change, seen, now)
    if seen.live.operation is not None and not seen.live.operation.phase.is_over and sync.started_at is None:
        return Advance(
            event=Event.SYNC_BLOCKED, reason=_busy(seen.live.operation), facts={"sync": None, "gates": seen.gates}
        )
    if sync.started_at is None:
        return Wait(reason="asking Argo CD to sync", look_again=FOLLOW)
    by = f" by {seen.live.operation.initiated_by}" if seen.live.operation and seen.live.operation.initiated_by else ""
    return Advance(
        event=Event.FAILED,
        reason=f"our sync was overtaken by another operation{by}",
        facts={"cause": f"overtaken by another operation{by}", "still_runs": still_runs(change, seen)},
    )


def still_runs(change: Change, seen: SyncSeen) -> str:
    """What the environment runs after a bad end, as far as Argo CD's history tells; empty for what was merged."""
    newest, operation = seen.live.newest, seen.operation
    if newest is None or (change.merge is not None and newest.revision == change.merge.revision):
        return ""
    applied = operation is not None and any(r.status == "Synced" and not r.hook for r in operation.resources)
    return f"{short(newest.revision)} (history {newest.id})" + (", and what this sync had applied" if applied else "")


def _first_failure(operation: Operation) -> str:
    failed = [
        f"{r.key}: {r.message}" for r in operation.resources
        if r.status == "SyncFailed" or r.hook_phase in ("Failed", "Error")
    ]  # fmt: skip
    return listed(tuple(failed), most=2) or operation.message or "Argo CD gave no reason"


def _left_behind(operation: Operation) -> tuple[str, ...]:
    return tuple(str(r.key) for r in operation.resources if r.status == "PruneSkipped")


def _says(operation: Operation) -> str:
    match operation.phase:
        case Phase.PENDING:
            return "Argo CD has taken the sync and is about to start it"
        case Phase.TERMINATING:
            return "the sync is being terminated"
        case _:
            return operation.message or "syncing"


def _busy(operation: Operation) -> str:
    by = f" (by {operation.initiated_by})" if operation.initiated_by else ""
    return f"another operation is running{by}"
