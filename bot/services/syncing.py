"""After the merge: seeing what Argo CD does with it, asking for our one pinned sync, and nothing twice."""

import asyncio
import contextlib
from dataclasses import replace

from bot.domain.change import Change, Merge
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.syncing import FOLLOW, SyncSeen, decide_merged, decide_syncing, is_unasked
from bot.domain.decisions.verifying import decide_verifying
from bot.domain.gate import first_shut
from bot.domain.identity import Revision, is_revision, short
from bot.domain.lifecycle import Event, State
from bot.domain.live import LiveApplication, Operation
from bot.domain.mapping import mismatches
from bot.domain.pipeline import Configuration, Stage
from bot.domain.progress import progress_of
from bot.gates import before_sync
from bot.gates.case import GateCase
from bot.ports import Clock, Denied, Git, NotFound, Refused, Unavailable
from bot.services.alerts.firing import FiringNow
from bot.services.keys import content_key, ships
from bot.services.messages import OPERATION_INFO
from bot.services.names import Names
from bot.services.outside import Outside

PASSES = frozenset({"auto-sync-on", "busy", "deleting", "blocked-by-window", "broken-window"})
"""Refusals of a sync that end by themselves or by somebody else's hand; every other one ends the change."""


class Syncing:
    """The steps of a merged change: `merged`, `waiting for sync`, `syncing`, `verifying`."""

    def __init__(self, outside: Outside, names: Names, firing: FiringNow, clock: Clock) -> None:
        self._outside, self._names, self._firing, self._clock = outside, names, firing, clock

    async def step(self, change: Change, stage: Stage, configuration: Configuration) -> Decision:
        seen = await self._look(change, stage, configuration)
        now = self._clock.now()
        match change.state:
            case State.SYNCING:
                if is_unasked(change, seen):
                    return await self._start(change, stage, configuration, seen)
                return decide_syncing(change, seen, stage, now)
            case State.VERIFYING:
                return decide_verifying(change, seen, stage, now)
            case _:
                return decide_merged(change, seen, stage, now)

    async def _look(self, change: Change, stage: Stage, configuration: Configuration) -> SyncSeen:
        merge = change.merge
        if merge is None:
            raise ValueError(f"change {change.number} is not merged")
        git = self._outside.git_of(configuration, change.application)
        argocd = self._outside.argocd_of(stage)
        soaks = change.state is State.VERIFYING
        fresh = soaks and change.healthy_since is None and change.alerting_since is None
        async with asyncio.TaskGroup() as reads:
            alerts_read = reads.create_task(self._firing.of(stage, configuration)) if soaks else None
            live_read = reads.create_task(argocd.get(stage.argocd, refresh=fresh))
            windows_read = reads.create_task(argocd.sync_windows(stage.argocd))
        live = live_read.result()
        if live.auto_sync is not None and change.state in (State.MERGED, State.WAITING_FOR_SYNC):
            live = await argocd.get(stage.argocd, refresh=True)  # so that Argo CD sees the merge at once
        if soaks:
            await self._fetch(git, needed=live.active not in (None, merge.revision))
        key = await content_key(git, merge.revision, stage, live)
        gates = before_sync(
            GateCase(
                stage=stage, live=live, windows=windows_read.result(), now=self._clock.now(),
                mismatches=mismatches(
                    stage, configuration.repository_of(change.application), live, await git.default_branch()
                ),
            )
        )  # fmt: skip
        operation = await self._operation(git, change, stage, live)
        return SyncSeen(
            live=live, gates=gates, operation=operation,
            shipped=live.active is not None and await ships(git, merge, stage, live, live.active),
            moved_on=await self._moved_on(git, merge.revision, await self._tip(git, change, stage, live)),
            key=key,
            progress=progress_of(live) if operation is not None else None,
            alerts=alerts_read.result() if alerts_read else None,
        )  # fmt: skip

    async def _operation(self, git: Git, change: Change, stage: Stage, live: LiveApplication) -> Operation | None:
        """Our operation by its id; else one that ships what was merged, which cannot be older than the merge."""
        operation = live.operation
        if operation is None or operation.dry_run or operation.partial:
            return None
        if operation.info(OPERATION_INFO) == change.id:
            return operation
        ours_is_asked = change.sync is not None and change.sync.operation is not None
        if ours_is_asked or change.merge is None:
            return None
        return operation if await ships(git, change.merge, stage, live, operation.revision) else None

    async def _fetch(self, git: Git, *, needed: bool) -> None:
        """After Argo CD was looked at: so what it runs is a commit that we know, or one that Git has not.

        Where nothing hangs on that, Git may be away.
        """
        with contextlib.suppress(*(() if needed else (Unavailable,))):
            await git.fetch()

    async def _tip(self, git: Git, change: Change, stage: Stage, live: LiveApplication) -> str:
        """Where the branch is: in Git when the end is near, else (and while Git is away) as Argo CD last saw it."""
        if change.state is State.VERIFYING:
            return await git.find_tip(stage.branch) or live.sync_revision
        return live.sync_revision

    async def _moved_on(self, git: Git, merged: Revision, tip: str) -> int:
        """How many commits the branch has after the merged one."""
        if not is_revision(tip) or tip == merged:
            return 0
        try:
            if not await git.is_ancestor(merged, Revision(tip)):
                return 0  # not compared since the merge
            _, total = await git.log(merged, Revision(tip), limit=1)
        except NotFound:
            return 0
        return total

    async def _start(self, change: Change, stage: Stage, configuration: Configuration, seen: SyncSeen) -> Decision:
        """Ask Argo CD for the sync, once. What is unclear afterwards the next look finds out by the id in `infos`."""
        merge, sync = change.merge, change.sync
        if merge is None or sync is None:
            raise ValueError(f"change {change.number} has nothing to sync")
        if (reason := _not_now(merge, seen)) is not None:
            return Advance(
                event=Event.SYNC_BLOCKED, reason=reason, facts={"sync": None, "gates": seen.gates}, look_again=FOLLOW
            )
        if not await self._is_on_branch(configuration, stage, merge.revision):
            reason = f"the merged commit {short(merge.revision)} is no longer on {stage.branch}: it was rewritten"
            return Advance(event=Event.FAILED, reason=reason, facts={"cause": "the branch was rewritten"})
        infos = {
            OPERATION_INFO: change.id,
            "requested-by": await self._names.named(configuration, change.requested_by),
        }
        approvers = [await self._names.named(configuration, user) for user in change.approved_by]
        if approvers:
            infos["approved-by"] = ", ".join(approvers)
        try:
            await self._outside.argocd_of(stage).start_sync(
                stage.argocd, revision=merge.revision, prune=change.may_prune(stage), infos=infos
            )
        except Denied:
            raise
        except Refused as refused:
            if refused.slug in PASSES:
                facts = {"sync": None}
                return Advance(event=Event.SYNC_BLOCKED, reason=refused.reason, facts=facts, look_again=FOLLOW * 3)
            reason = f"Argo CD refuses the sync: {refused.reason}"
            return Advance(event=Event.FAILED, reason=reason, facts={"cause": refused.reason})
        started = replace(sync, started_at=self._clock.now())
        return Wait(reason="Argo CD has taken the sync", look_again=FOLLOW, facts={"sync": started})

    async def _is_on_branch(self, configuration: Configuration, stage: Stage, revision: Revision) -> bool:
        """The proof by Git that goes before every sync: Argo CD deploys any SHA it is given, also an unmerged one."""
        git = self._outside.git_of(configuration, stage.application)
        await git.fetch()
        tip = await git.find_tip(stage.branch)
        return tip is not None and await git.is_ancestor(revision, tip)


def _not_now(merge: Merge, seen: SyncSeen) -> str | None:
    """Why the sync must not be asked for after all, on the last look before it."""
    if (shut := first_shut(seen.gates)) is not None:
        return shut.reason
    if seen.live.auto_sync is not None:
        return "auto-sync was switched on"
    return "the live Application changed" if merge.key.differences(seen.key) else None
