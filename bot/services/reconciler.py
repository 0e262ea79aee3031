"""The reconciler: takes each change that is due one idempotent step further, whatever happened before.

Level-triggered: a step looks at the world as it is now, decides, and stores the result by compare-and-swap. A lost
wake-up costs time, a repeated one nothing. Two steps of one change never run at once, whichever process claims it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.change import Change
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.merging import decide_merge_review
from bot.domain.decisions.review import SOON, ReviewSeen, decide_review
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import Event, State, allows
from bot.domain.pipeline import Configuration, Stage
from bot.meter import SILENT, Meter
from bot.ports import Clock, ConfigurationInForce, Denied, OutsideError, Refused, Unavailable, Unsupported
from bot.ports_store import Conflict, Store, StoreUnavailable
from bot.services import ledger
from bot.services.approvers import Approvers
from bot.services.closing import Closing
from bot.services.hands import Hands
from bot.services.merging import Merging
from bot.services.proposing import Proposing
from bot.services.reviewing import Reviewing
from bot.services.statuses import Statuses
from bot.services.syncing import Syncing
from bot.wake import Bells

log = structlog.get_logger(__name__)

AT_ONCE = 8
LONGEST_NAP = timedelta(seconds=60)
BACK_OFF = (1, 2, 3, 5, 10, 20, 30)
HEAD_START = 0.1
SAME_LOOK = timedelta(milliseconds=500)
SYSTEMS = {"argocd": "Argo CD", "github": "GitHub", "git": "Git", "slack": "Slack"}
PATIENCE = {
    State.PROPOSING: timedelta(hours=2),
    State.SYNCING: timedelta(hours=2),
    State.VERIFYING: timedelta(hours=2),
}
"""How long trouble outside may last before a change ends as errored; elsewhere it waits."""


class Steps:
    """The work of each state: observe and act, then decide."""

    def __init__(
        self, *, proposing: Proposing, reviewing: Reviewing, statuses: Statuses, merging: Merging, syncing: Syncing,
        closing: Closing, approvers: Approvers, clock: Clock,
    ) -> None:  # fmt: skip
        self._proposing, self._reviewing, self._statuses, self._merging = proposing, reviewing, statuses, merging
        self._syncing, self.closing, self._approvers, self._clock = syncing, closing, approvers, clock
        self._seen: dict[ChangeId, tuple[int, datetime, ReviewSeen]] = {}

    async def decide(self, change: Change, stage: Stage, configuration: Configuration) -> Decision:
        poll = configuration.polling.changes
        match change.state:
            case State.PROPOSING:
                return await self._proposing.step(change, stage, configuration)
            case State.WAITING_FOR_APPROVAL | State.MERGED_DIFFERS if change.merge is not None:
                merge = await self._reviewing.merge_as_it_stands(change, stage, configuration)
                approvals = await self._approvers.judge(change, stage, configuration, merge.key.fingerprint)
                return decide_merge_review(change, merge, approvals, stage, self._clock.now(), poll)
            case State.APPROVALS_VOID if change.proposal is None:  # somebody was on our branch before we ever were
                return Wait(reason=change.reason, look_again=poll)
            case State.WAITING_FOR_APPROVAL | State.HELD | State.WAITING_FOR_CHECKS | State.APPROVALS_VOID:
                return await self._review(change, stage, configuration)
            case State.MERGING:
                return await self._merging.step(change, stage, configuration)
            case _:
                return await self._syncing.step(change, stage, configuration)

    async def _review(self, change: Change, stage: Stage, configuration: Configuration) -> Decision:
        """What was seen when the quorum was reached serves the gates too, if they are asked at once and nobody wrote
        meanwhile. The merge itself takes a look of its own.
        """
        version, at, seen = self._seen.pop(change.id, (0, change.requested_at, None))
        if seen is None or version != change.version or self._clock.now() - at > SAME_LOOK:
            seen = await self._reviewing.look(change, stage, configuration)
        now = self._clock.now()
        decided = decide_review(change, seen, stage, now, configuration.polling.changes)
        if isinstance(decided, Advance) and decided.event is Event.QUORUM_REACHED:
            self._seen[change.id] = (change.version + 1, now, seen)
        # Whoever goes on to the merge sets the status there, after a look of its own.
        if isinstance(decided, Wait) and await self._statuses.tell(change, seen, stage, configuration):
            decided = replace(decided, look_again=min(decided.look_again, SOON))  # what waits for it may be open now
        return decided


class Reconciler:
    """Works off what is due. `run` loops until cancelled; `sweep` does one round, for tests and start-up."""

    def __init__(
        self, store: Store, steps: Steps, source: ConfigurationInForce, clock: Clock, bells: Bells, *,
        meter: Meter = SILENT,
    ) -> None:  # fmt: skip
        self._store, self._steps, self._source, self._clock, self._bells = store, steps, source, clock, bells
        self._meter = meter
        self._tries: dict[ChangeId, int] = {}
        self._hands = Hands("reconciler", bells.changes, at_once=AT_ONCE)

    async def run(self) -> None:
        await self._hands.run(self.sweep, no_database="reconciler.no_database")

    async def rest(self, seconds: float) -> bool:
        """Begin no further step, and let those end that are under way; False when that takes longer."""
        return await self._hands.rest(seconds)

    async def close(self) -> None:
        await self._hands.close()

    async def sweep(self) -> float:
        """Start a step for every due change that nobody is at; answers the seconds until there may be more."""
        now = self._clock.now()
        claimed = await self._store.claims.changes(now, limit=self._hands.free)
        for change in claimed.rows:
            if self._hands.are_resting:  # asked for while it was claimed: somebody else may have it
                await self._store.claims.release(change)
                continue
            self._meter.begun((now - change.due_at).total_seconds() if change.due_at else 0.0)
            self._hands.start(self._work(change), name=f"change-{change.number}")
        return min(claimed.more_in or LONGEST_NAP, LONGEST_NAP).total_seconds()

    async def _work(self, change: Change) -> None:
        """Step until the change has nothing to do now."""
        async with self._store.claims.working(change):
            while (again := await self.step(change)) is not None and not self._hands.are_resting:
                if change.state is State.PROPOSING:
                    # People wait for the card, nobody waits for the first look: what shows it goes first.
                    await self._bells.outbox.quiet(HEAD_START)
                change = again

    async def step(self, change: Change) -> Change | None:
        """One step; the change as it is now when it is due again at once, else None.

        While the database gives no answer the row stays as it is: due, and looked at again when it does.
        """
        started = self._clock.now()
        try:
            moved = await self._step_or_trouble(change)
        except StoreUnavailable as error:
            log.warning("change.step.no_database", change=change.id, number=change.number, reason=error.reason)
            return None
        self._bells.outbox.ring()
        log.info(
            "change.step", change=change.id, number=change.number, application=change.application,
            environment=change.environment, state=change.state.value, to=moved.state.value, reason=moved.reason,
            ms=round((self._clock.now() - started).total_seconds() * 1000),
        )  # fmt: skip
        return moved if moved.due_at is not None and moved.due_at <= self._clock.now() else None

    async def _step_or_trouble(self, change: Change) -> Change:
        try:
            moved = await self._step(change)
            self._tries.pop(change.id, None)
            return moved
        except Conflict as conflict:
            return conflict.newest
        except OutsideError as error:
            return await self._outside_trouble(change, error)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("change.step.crashed", change=change.id, number=change.number, state=change.state.value)
            return await self._trouble(change, "an error of Tiphys itself; see its log. Trying again", 30)

    async def _step(self, change: Change) -> Change:
        configuration = self._source.current
        stage = configuration.find_stage(change.application, change.environment)
        if stage is None:
            return await self._trouble(change, "this stage is no longer in tiphys.yaml: put it back and it goes on", 60)
        try:
            if change.is_over:
                await self._steps.closing.step(change, configuration)
                async with self._store.writing() as tx:
                    return await ledger.rest(tx, change)
            decided = await self._steps.decide(change, stage, configuration)
        except ExceptionGroup as group:
            raise _first(group) from group
        now = self._clock.now()
        async with self._store.writing() as tx:
            if isinstance(decided, Advance):
                return await ledger.apply(tx, change, decided, now=now)
            return await ledger.settle(tx, change, decided, now=now)

    async def _outside_trouble(self, change: Change, error: OutsideError) -> Change:
        """No answer, or an answer that a person must mend: wait with the reason, and end only when patience is over."""
        tries = self._tries[change.id] = self._tries.get(change.id, 0) + 1
        wait = float(BACK_OFF[min(tries, len(BACK_OFF)) - 1])
        if isinstance(error, Unavailable) and error.retry_after is not None:
            wait = min(max(error.retry_after, 1.0), 300.0)
        reason = f"waiting for {SYSTEMS.get(error.system, error.system)}: {error.reason}"
        if isinstance(error, Refused | Unsupported) and error.way_out:
            reason = f"{reason}. {error.way_out}"
        now = self._clock.now()
        patience = PATIENCE.get(change.state)
        is_final = isinstance(error, Refused | Unsupported) and not isinstance(error, Denied)
        if is_final and change.state is State.PROPOSING and allows(change.state, Event.ERRORED):
            return await self._errored(change, f"{SYSTEMS.get(error.system, error.system)}: {error.reason}", now)
        if change.trouble_since is not None and patience is not None and now - change.trouble_since >= patience:
            return await self._errored(change, f"no answer could be had: {reason}", now)
        return await self._trouble(change, reason, wait)

    async def _errored(self, change: Change, reason: str, now: datetime) -> Change:
        decided = Advance(event=Event.ERRORED, reason=reason, facts={"cause": reason})
        try:
            async with self._store.writing() as tx:
                return await ledger.apply(tx, change, decided, now=now)
        except Conflict as conflict:
            return conflict.newest

    async def _trouble(self, change: Change, reason: str, seconds: float) -> Change:
        try:
            async with self._store.writing() as tx:
                return await ledger.trouble(
                    tx, change, reason, look_again=timedelta(seconds=seconds), now=self._clock.now()
                )
        except Conflict as conflict:
            return conflict.newest


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that matters of several reads that failed together: an outside one that is final, else the first."""
    found: list[Exception] = []
    for error in group.exceptions:
        found.append(_first(error) if isinstance(error, ExceptionGroup) else error)
    return next((e for e in found if not isinstance(e, Unavailable)), found[0])
