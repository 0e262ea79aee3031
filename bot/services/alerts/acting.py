"""What people do about a group of alerts: acknowledge, take it back, assign. Alertmanager knows nothing of it.

Each act is checked for who, may, and still; then its effect, its audit entry and its answer are written in one
transaction, so that a repeated delivery finds the first one's result.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.domain.alerts.group import Acknowledgement, AlertGroup, AlertGroupId
from bot.domain.alerts.standing import soonest
from bot.domain.identity import CannotVerify, UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Mention, Moment, Strong, Text
from bot.ports import Clock, ConfigurationInForce, Directory
from bot.ports_alerts import GroupConflict
from bot.ports_store import Store, Transaction
from bot.services.access import Access, AlertRight, Forbidden
from bot.services.alerts.showing import show
from bot.services.concluding import About, conclude
from bot.services.names import Names
from bot.wake import Bells

Effect = Callable[[Transaction, AlertGroup, str], Awaitable[Answer]]
"""What an act does to the group that it finds; the last argument is the name of whoever acts."""


class AlertActs:
    """One method per act; each answers what the asker is told, and has stored it already."""

    def __init__(
        self, store: Store, access: Access, directory: Directory, source: ConfigurationInForce, clock: Clock,
        bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._access, self._directory = store, access, directory
        self._source, self._clock, self._bells = source, clock, bells
        self._names = Names(directory)

    async def find(self, group: AlertGroupId) -> AlertGroup | None:
        async with self._store.reading() as tx:
            return await tx.alerts.find(group)

    async def find_number(self, number: int) -> AlertGroup | None:
        async with self._store.reading() as tx:
            return await tx.alerts.find_number(number)

    async def refusal(self, request: Request, found: AlertGroup | None, right: AlertRight) -> Answer | None:
        """Why this person may not do that to this group now; None where he may. Writes nothing."""
        if found is None:
            return no_such_alert()
        permit = await self._access.permit_alerts(request.user, right, found.tie)
        if isinstance(permit, Forbidden):
            return Answer.refusal(permit.slug, permit.text)
        if found.is_over and right is not AlertRight.GET:
            return Answer.refusal("finished", Text.of(f"It is over: {named(found)} is resolved."))
        return None

    async def acknowledge(self, request: Request, group: AlertGroupId) -> Answer:
        """Say that somebody has it; for as long as `alerts.acknowledged_for` says."""

        async def effect(tx: Transaction, found: AlertGroup, name: str) -> Answer:
            if (known := found.acknowledged) is not None:
                who = "by you" if known.by == request.user else Text.of("by ", Mention(known.by))
                words = Text.of(f"{named(found)} is acknowledged already, ", who, " ", Moment(known.at), ".")
                return Answer.refusal("already", words)
            now = self._clock.now()
            lasts = self._source.current.alerts.acknowledged_for
            until = now + lasts if lasts is not None else None
            limit = Text.of(" until ", Moment(until)) if until is not None else Text()
            changed = replace(
                found, acknowledged=Acknowledgement(by=request.user, at=now, until=until),
                first_acted_at=found.first_acted_at or now, check_at=soonest(found.check_at, until),
            )  # fmt: skip
            await self._write(tx, changed, Text.of("✋ ", Strong(name), " acknowledged it", limit, "."))
            return Answer.done(Text.of(f"You have {named(found)}", limit, "."))

        return await self._act(request, group, "alert.acknowledge", effect)

    async def unacknowledge(self, request: Request, group: AlertGroupId) -> Answer:
        """Say that nobody has it. Anybody with the right may: whoever had it may be gone."""

        async def effect(tx: Transaction, found: AlertGroup, name: str) -> Answer:
            if found.acknowledged is None:
                return Answer.refusal("already", Text.of(f"{named(found)} is not acknowledged."))
            await self._write(
                tx, replace(found, acknowledged=None), Text.of(Strong(name), " took the acknowledgement back.")
            )
            return Answer.done(Text.of(f"{named(found)} is no longer acknowledged."))

        return await self._act(request, group, "alert.unacknowledge", effect)

    async def assign(self, request: Request, group: AlertGroupId, to: UserId | None) -> Answer:
        """Give it to somebody, who is told so unless he took it himself; None: to nobody."""
        if to is not None and (answer := await self._no_assignee(to)) is not None:
            return await self._refuse(request, group, "alert.assign", answer)

        async def effect(tx: Transaction, found: AlertGroup, name: str) -> Answer:
            if found.assigned_to == to:
                words = Text.of("to ", Mention(to)) if to is not None else Text.of("to nobody")
                return Answer.refusal("already", Text.of(f"{named(found)} is assigned ", words, " already."))
            now = self._clock.now()
            changed = replace(found, assigned_to=to, first_acted_at=found.first_acted_at or now)
            if to is None:
                note, told = Text.of(Strong(name), " gave it back: it is assigned to nobody."), Text.of("to nobody")
            elif to == request.user:
                note, told = Text.of("👤 ", Strong(name), " took it."), Text.of("to you")
            else:
                note, told = Text.of("👤 ", Strong(name), " assigned it to ", Mention(to), "."), Text.of(Mention(to))
                told = Text.of("to ", told)
            await self._write(tx, changed, note)
            return Answer.done(Text.of(f"{named(found)} is assigned ", told, "."))

        return await self._act(request, group, "alert.assign", effect)

    async def _no_assignee(self, user: UserId) -> Answer | None:
        member = await self._directory.member(user)
        if isinstance(member, CannotVerify):
            words = Text.of("I cannot verify who ", Mention(user), f" is ({member.reason}). Try again in a moment.")
            return Answer.refusal("cannot-verify", words)
        if not member.may_act:
            words = Text.of(Mention(user), f" is no member here ({member.kind.value}): name somebody else.")
            return Answer.refusal("no-assignee", words)
        return None

    async def _write(self, tx: Transaction, changed: AlertGroup, note: Text) -> None:
        written = await tx.alerts.swap(changed)
        now = self._clock.now()
        await show(tx, written, [note], at=now, now=now)

    async def _refuse(self, request: Request, group: AlertGroupId, asked: str, answer: Answer) -> Answer:
        """Once he is known to have the right; else that is what he is told."""

        async def effect(tx: Transaction, found: AlertGroup, name: str) -> Answer:
            return answer

        return await self._act(request, group, asked, effect)

    async def _act(self, request: Request, group: AlertGroupId, asked: str, effect: Effect) -> Answer:
        """Check and do one act; a lost race is tried again."""
        while True:
            found = await self.find(group)
            answer = await self.refusal(request, found, AlertRight.ACKNOWLEDGE)
            name = await self._names.name_of(self._source.current, request.user) if answer is None else ""
            try:
                async with self._store.writing() as tx:
                    if answer is None:
                        current = await tx.alerts.find(group)
                        if current is None or found is None or is_other(current, found):
                            raise GroupConflict
                        answer = await effect(tx, current, name)
                    await conclude(tx, request, asked, answer, about(found), now=self._clock.now())
            except GroupConflict:
                continue
            self._bells.alerts.ring()
            self._bells.checks.ring()
            self._bells.outbox.ring()
            return answer


def is_other(current: AlertGroup, found: AlertGroup) -> bool:
    """Whether what was asked of `found` (who may, and whether it still matters) must be asked again."""
    return (current.tie, current.state) != (found.tie, found.state)


def about(group: AlertGroup | None) -> About:
    """What an audit entry says of the group that it is about. A guess is no application."""
    if group is None:
        return About()
    tie = group.tie if group.tie is not None and not group.tie.is_guess else None
    return About(
        application=tie.application if tie else None, environment=tie.environment if tie else None,
        detail={"group": group.id, "alert": group.name[:200]},
    )  # fmt: skip


def named(group: AlertGroup) -> str:
    """How answers call it: `HighErrorRate (A7)`; its number is what commands take. The name is untrusted."""
    name = " ".join(group.name.split())
    return f"{name if len(name) <= 120 else name[:119] + '…'} (A{group.number})"


def no_such_alert(name: str = "") -> Answer:
    which = f"There is no alert group A{name}." if name else "I do not know this group of alerts."
    return Answer.refusal("no-such-alert", Text.of(which, " Type ", Code("/gitops alerts"), " for what fires."))
