"""What people decide about a change: approve, reject, abort, hold, sync, rebuild, terminate.

Each act is checked for who, may, and still; then its effect, its audit entry and its answer are written in one
transaction, so that a repeated delivery finds the first one's result.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from bot.domain.approval import Approval
from bot.domain.change import Change
from bot.domain.content_key import FINGERPRINT_PREFIX
from bot.domain.decisions.decision import Advance
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import AWAITING_DECISION, BEFORE_MERGE, Event, State, allows
from bot.domain.pipeline import Stage
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Strong, Text
from bot.ports import Clock, ConfigurationInForce, Refused
from bot.ports_store import Conflict, Store, Transaction
from bot.services import ledger
from bot.services.access import Access, Action, Forbidden, Permitted
from bot.services.concluding import About, conclude
from bot.services.names import Names
from bot.services.outside import Outside
from bot.wake import Bells

Effect = Callable[[Transaction, Change, str], Awaitable[Answer]]
"""What an act does to the change that it finds; the last argument is the name of whoever acts."""


class Decisions:
    """One method per act; each answers what the asker is told, and has stored it already."""

    def __init__(
        self, store: Store, access: Access, outside: Outside, source: ConfigurationInForce, clock: Clock, bells: Bells
    ) -> None:
        self._store, self._access, self._outside = store, access, outside
        self._source, self._clock, self._bells = source, clock, bells
        self._names = Names(outside.directory)

    async def refusal_to_approve(self, request: Request, found: Change) -> Answer | None:
        """Why this person's yes would not count now; None when it would. Writes nothing."""

        def still(found: Change, stage: Stage) -> Answer | None:
            return _nothing_to_approve(found, stage)

        return await self._refusal(request, found, Action.APPROVE, still, counts_as_approver=True)

    async def approve(self, request: Request, change: ChangeId, fingerprint: str) -> Answer:
        """Count this person's yes to exactly `fingerprint` (whole, or its first characters when typed)."""

        def still(found: Change, stage: Stage) -> Answer | None:
            if (answer := _nothing_to_approve(found, stage)) is not None:
                return answer
            if len(fingerprint) < FINGERPRINT_PREFIX or not (found.fingerprint or "").startswith(fingerprint):
                words = f"#{found.number} has changed since you saw it. Look at its card and decide again."
                return Answer.refusal("stale", Text.of(words), found.id)
            return None

        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            configuration, now = self._source.current, self._clock.now()
            stage = configuration.get_stage(found.application, found.environment)
            approval = Approval(
                change=found.id, user=request.user, person=configuration.person_key(request.user),
                fingerprint=found.fingerprint or "", at=now,
            )  # fmt: skip
            standing = _standing_since(found, stage, now)
            if not await tx.approvals.add(approval, after=standing):
                return Answer.refusal("already", Text.of(f"You have approved #{found.number} already."), found.id)
            given = {
                a.person for a in await tx.approvals.list(found.id)
                if a.fingerprint == found.fingerprint and a.at > standing
            }  # fmt: skip
            await tx.changes.make_due(found.id, now)
            count = f"{len(given)} of {stage.approvals_needed}"
            note = Text.of("✅ Approved by ", Strong(name), f" ({count}).")
            await tx.outbox.note(found.id, f"approved:{request.id}", note, now=now)
            return Answer.done(Text.of(f"Your approval of {found.title} (#{found.number}) counts: {count}."), found.id)

        return await self._act(request, change, Action.APPROVE, still, effect, counts_as_approver=True)

    async def reject(self, request: Request, change: ChangeId, reason: str) -> Answer:
        def still(found: Change, stage: Stage) -> Answer | None:
            return None if allows(found.state, Event.REJECTED) else _not_now(found, "It cannot be rejected")

        return await self._end(request, change, Action.REJECT, Event.REJECTED, "rejected", reason, still)

    async def abort(self, request: Request, change: ChangeId, reason: str = "") -> Answer:
        def still(found: Change, stage: Stage) -> Answer | None:
            if found.state is State.MERGING:
                in_doubt = "It may be merged already, which cannot be told now" if found.trouble_since else ""
                return _not_now(found, f"{in_doubt or 'It is being merged right now'}, so it cannot be aborted")
            return None if allows(found.state, Event.ABORTED) else _not_now(found, "It cannot be aborted")

        return await self._end(request, change, Action.ABORT, Event.ABORTED, "aborted", reason, still)

    async def hold(self, request: Request, change: ChangeId) -> Answer:
        """Hold it, or lift the hold."""

        def still(found: Change, stage: Stage) -> Answer | None:
            event = Event.LIFTED if found.state is State.HELD else Event.HELD
            if found.merge is not None:
                return _not_now(found, "It is merged, so there is nothing to hold")
            return None if allows(found.state, event) else _not_now(found, "It cannot be held")

        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            lifting = found.state is State.HELD
            words = ("lifted the hold", "lifted") if lifting else ("holds it", "held")
            decided = Advance(
                event=Event.LIFTED if lifting else Event.HELD,
                reason=f"{'hold lifted' if lifting else 'held'} by {name}",
                note=Text.of(Strong(name), f" {words[0]}."),
            )
            await ledger.apply(tx, found, decided, now=self._clock.now(), by=request.user)
            return Answer.done(Text.of(f"#{found.number} is {words[1]}."), found.id)

        return await self._act(request, change, Action.ABORT, still, effect)

    async def sync(self, request: Request, change: ChangeId) -> Answer:
        """Somebody presses Sync on a merged change of a manual stage."""

        def still(found: Change, stage: Stage) -> Answer | None:
            if found.state is not State.WAITING_FOR_SYNC:
                return _not_now(found, "There is nothing to sync")
            return None

        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            now = self._clock.now()
            if found.sync_asked_by is not None:
                return Answer.refusal(
                    "already", Text.of(f"The sync of #{found.number} was asked for already."), found.id
                )
            await tx.changes.swap(replace(found, sync_asked_by=request.user, due_at=now, reason="sync asked for"))
            await tx.outbox.touch_card(found.id, now=now)
            await tx.outbox.note(found.id, f"sync:{request.id}", Text.of(Strong(name), " pressed Sync."), now=now)
            return Answer.done(Text.of(f"Syncing {found.title} (#{found.number})."), found.id)

        return await self._act(request, change, Action.SYNC, still, effect)

    async def rebuild(self, request: Request, change: ChangeId) -> Answer:
        """Make the promotion commit anew, in place of what somebody pushed over it."""

        def still(found: Change, stage: Stage) -> Answer | None:
            return None if found.state is State.APPROVALS_VOID else _not_now(found, "There is nothing to rebuild")

        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            decided = Advance(
                event=Event.REBUILD, reason="rebuilding the promotion",
                note=Text.of(Strong(name), " asked for a rebuild: our commit takes the branch again."),
            )  # fmt: skip
            await ledger.apply(tx, found, decided, now=self._clock.now(), by=request.user)
            return Answer.done(Text.of(f"Rebuilding #{found.number}."), found.id)

        return await self._act(request, change, Action.PROMOTE, still, effect)

    async def terminate(self, request: Request, change: ChangeId) -> Answer:
        """Ask Argo CD to end the running operation. Only ever because a person pressed it."""

        def still(found: Change, stage: Stage) -> Answer | None:
            return None if found.state is State.SYNCING else _not_now(found, "There is no sync to terminate")

        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            now = self._clock.now()
            if not found.is_over:
                await tx.changes.make_due(found.id, now)
            note = Text.of(Strong(name), " asked Argo CD to terminate the sync.")
            await tx.outbox.note(found.id, f"terminate:{request.id}", note, now=now)
            return Answer.done(Text.of(f"Argo CD was asked to terminate the sync of #{found.number}."), found.id)

        async def before(found: Change, stage: Stage) -> Answer | None:
            try:
                await self._outside.argocd_of(stage).terminate(stage.argocd)
            except Refused as refused:
                return Answer.refusal(refused.slug, Text.of(f"Argo CD refused: {refused.reason}."), found.id)
            return None

        return await self._act(request, change, Action.SYNC, still, effect, before=before)

    async def _end(
        self, request: Request, change: ChangeId, action: Action, event: Event, word: str, reason: str,
        still: Callable[[Change, Stage], Answer | None],
    ) -> Answer:  # fmt: skip
        async def effect(tx: Transaction, found: Change, name: str) -> Answer:
            because = f"{word} by {name}" + (f": {reason}" if reason else "")
            decided = Advance(event=event, reason=because)
            await ledger.apply(tx, found, decided, now=self._clock.now(), by=request.user)
            return Answer.done(Text.of(f"{found.title} (#{found.number}) is {word}."), found.id)

        return await self._act(request, change, action, still, effect)

    async def _act(
        self,
        request: Request,
        change: ChangeId,
        action: Action,
        still: Callable[[Change, Stage], Answer | None],
        effect: Effect,
        *,
        counts_as_approver: bool = False,
        before: Callable[[Change, Stage], Awaitable[Answer | None]] | None = None,
    ) -> Answer:
        """Check and do one act. A lost race is tried again, but not once `before`, an outside call, has had its effect:
        that is recorded as done, whatever has become of the change."""
        while True:
            is_done_outside = False
            async with self._store.reading() as tx:
                found = await tx.changes.find(change)
            answer = await self._refusal(request, found, action, still, counts_as_approver)
            stage = self._source.current.find_stage(found.application, found.environment) if found else None
            if answer is None and before is not None and found is not None and stage is not None:
                answer = await before(found, stage)
                is_done_outside = answer is None
            name = await self._names.name_of(self._source.current, request.user) if answer is None else ""
            try:
                async with self._store.writing() as tx:
                    if answer is None and found is not None:
                        current = await tx.changes.get_to_write(found.id)
                        if current.version != found.version and not is_done_outside:
                            raise Conflict(current)
                        answer = await effect(tx, current, name)
                    elif answer is None:
                        raise AssertionError("a change that is absent has its refusal")
                    await conclude(tx, request, action.value, answer, _about(found), now=self._clock.now())
            except Conflict:
                continue
            self._bells.changes.ring()
            self._bells.outbox.ring()
            return answer

    async def _refusal(
        self,
        request: Request,
        found: Change | None,
        action: Action,
        still: Callable[[Change, Stage], Answer | None],
        counts_as_approver: bool,
    ) -> Answer | None:
        if found is None:
            return no_such_change()
        stage = self._source.current.find_stage(found.application, found.environment)
        if stage is None:
            return Answer.refusal("no-such-stage", Text.of(f"{found.title} is no longer in tiphys.yaml."), found.id)
        permit = await self._access.permit(request.user, action, stage, requester=found.requested_by)
        if isinstance(permit, Forbidden):
            if counts_as_approver and permit.slug == "no-permission" and self._is_own(request, found):
                return _own_change(found)
            return Answer.refusal(permit.slug, permit.text, found.id)
        if counts_as_approver and (forbidden := self._not_an_approver(request, found, stage, permit)) is not None:
            return forbidden
        if found.is_over:
            return _not_now(found, "It is over")
        return still(found, stage)

    def _not_an_approver(self, request: Request, found: Change, stage: Stage, permit: Permitted) -> Answer | None:
        if self._is_own(request, found):
            return _own_change(found)
        standing = self._access.standing_of(permit, stage)
        if not standing.may_approve:
            slug = "cannot-verify" if standing.unverified else "no-approver"
            return Answer.refusal(slug, Text.of(f"Your approval would not count: {standing.reason}."), found.id)
        return None

    def _is_own(self, request: Request, found: Change) -> bool:
        configuration = self._source.current
        return configuration.person_key(request.user) == configuration.person_key(found.requested_by)


def _about(found: Change | None) -> About:
    if found is None:
        return About()
    return About(change=found.id, application=found.application, environment=found.environment)


def no_such_change(name: str = "") -> Answer:
    """There is no change of that name (or none that a button's id names)."""
    which = f"There is no change #{name.removeprefix('#')}." if name.isdigit() else "I do not know this change."
    return Answer.refusal("no-such-change", Text.of(which, " Type ", Code("/gitops status"), " for the open ones."))


def _standing_since(found: Change, stage: Stage, now: datetime) -> datetime:
    """Approvals that were given after this moment count now; older ones have lapsed, or are void."""
    lapsed = now - stage.approvals.valid_for if stage.approvals else now
    return max(lapsed, found.voided_at) if found.voided_at else lapsed


def _own_change(found: Change) -> Answer:
    words = f"You asked for #{found.number} yourself, so somebody else must approve it."
    return Answer.refusal("own-change", Text.of(words), found.id)


def _nothing_to_approve(found: Change, stage: Stage) -> Answer | None:
    if found.state not in AWAITING_DECISION or found.fingerprint is None:
        return _not_now(found, "There is nothing to approve")
    if stage.approvals_needed == 0:
        return Answer.refusal("none-needed", Text.of(f"{found.title} needs no approvals."), found.id)
    return None


def _not_now(found: Change, what: str) -> Answer:
    """A refusal that says where the change stands, and by whom it got there."""
    slug = "finished" if found.is_over else "too-late" if found.state not in BEFORE_MERGE else "not-now"
    return Answer.refusal(slug, Text.of(f"{what}: #{found.number} is {found.standing}."), found.id)
