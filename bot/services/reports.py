"""Looking: what is open, how a stage stands, what happened to a change."""

import asyncio
import re
from collections.abc import Mapping

from bot.domain.audit import AuditEntry
from bot.domain.card import ChangeCard, card_of
from bot.domain.change import Change
from bot.domain.dialog import HistoryLine
from bot.domain.gate import MARKS
from bot.domain.identity import SYSTEM, ChangeId, Member, MemberKind, UserId, is_change_id, short
from bot.domain.pipeline import Stage
from bot.domain.policy import Resource
from bot.domain.text import Code, Mention, Moment, Strong, Text, counted, listed
from bot.ports import Clock, ConfigurationInForce, OutsideError
from bot.ports_store import Store
from bot.services.access import Access, Action, AlertRight, Forbidden, Permitted, Right
from bot.services.outside import Outside

NUMBER = re.compile(r"[0-9]{1,9}")


class Reports:
    """Read-only use cases. Asking for a change by name also brings its card back if somebody deleted it."""

    def __init__(
        self, store: Store, outside: Outside, access: Access, source: ConfigurationInForce, clock: Clock
    ) -> None:
        self._store, self._outside, self._access, self._source, self._clock = store, outside, access, source, clock

    async def find_change(self, name: str) -> Change | None:
        """By number or ULID; what is neither names nothing."""
        async with self._store.reading() as tx:
            if NUMBER.fullmatch(name):
                return await tx.changes.find_number(int(name))
            return await tx.changes.find(ChangeId(name)) if is_change_id(name) else None

    async def card(self, change: Change) -> ChangeCard:
        stage = self._source.current.find_stage(change.application, change.environment)
        link = self._outside.argocd_of(stage).page_of(stage.argocd) if stage else None
        may_approve = self._access.approvers_named(stage) if stage else ()
        return card_of(change, stage, may_approve=may_approve, application_link=link)

    async def history(self, change: ChangeId) -> tuple[HistoryLine, ...]:
        """What the audit knows of a change, oldest first."""
        async with self._store.reading() as tx:
            entries = await tx.audit.list(change=change)
        return tuple(HistoryLine(at=entry.at, text=_told(entry)) for entry in entries)

    async def show_card(self, change: ChangeId) -> None:
        """Somebody named this change: bring its card back if it was deleted."""
        async with self._store.writing() as tx:
            await tx.outbox.touch_card(change, now=self._clock.now())

    async def open_changes(self) -> Text:
        async with self._store.writing() as tx:
            found = await tx.changes.list_open()
            for change in found:
                await tx.outbox.touch_card(change.id, now=self._clock.now())
        if not found:
            return Text.of("Nothing is open.")
        lines = [Text.of(f"\n#{c.number} ", Strong(c.title), f": {c.standing}") for c in found]
        return Text.of(f"{counted(len(found), 'open change')}:", *lines)

    async def stage(self, stage: Stage) -> Text:
        """What a stage runs and which change is open on it."""
        async with self._store.writing() as tx:
            change = await tx.changes.find_open(stage.application, stage.environment)
            if change is not None:
                await tx.outbox.touch_card(change.id, now=self._clock.now())
        try:
            live = await self._outside.argocd_of(stage).get(stage.argocd)
        except OutsideError as error:
            runs = Text.of(f"Argo CD gives no answer: {error.reason}.")
        else:
            newest = live.newest
            what = (
                Text.of("runs ", Code(short(newest.revision)), " since ", Moment(newest.deployed_at))
                if newest
                else Text.of("has never been deployed")
            )
            runs = Text.of(what, f"; {live.sync.value}, {live.health.value}.")
        open_now = Text.of(f"\n#{change.number} is open: {change.standing}") if change else Text()
        return Text.of(Strong(stage.name), " ", runs, open_now)

    async def why(self, change: Change) -> Text:
        """Why a change does not go on: its gates, in words."""
        lines = [Text.of(f"\n{MARKS[gate.state]} {gate.slug}: {gate.reason}") for gate in change.gates]
        return Text.of(f"#{change.number} {change.title}: {change.standing}", *lines)

    async def may(
        self, user: UserId, action: Right, names: Mapping[str, str], change: ChangeId | None
    ) -> Permitted | Forbidden:
        """Whether a command with these arguments may be run; without an application, whether it may anywhere."""
        configuration = self._source.current
        requester, application, environment = None, names.get("application"), names.get("environment")
        if change is not None:
            async with self._store.reading() as tx:
                found = await tx.changes.get(change)
            requester, application, environment = found.requested_by, found.application, found.environment
        stage = configuration.find_stage(application, environment) if application and environment else None
        return await self._access.permit(user, action, stage, requester=requester)

    async def may_see(self, user: UserId, change: Change) -> Permitted | Forbidden:
        return await self.may(user, Action.GET, {}, change.id)

    async def who_am_i(self, user: UserId) -> Text:
        """Id, groups, roles and rights of the asker, as they are now."""
        known = await self._access.describe(user)
        if not isinstance(known.member, Member):
            return Text.of("You are ", Code(user), f". I cannot look you up: {known.member.reason}.")
        parts = [Text.of("You are ", Strong(known.member.name), " (", Code(user), f"), {KINDS[known.member.kind]}.")]
        if not known.member.may_act:
            return Text.of(*parts, " Only members of this workspace may act.")
        person = self._source.current.person_of(user)
        if person is not None:
            parts.append(Text.of(f"\nIn people: as {person.key}."))
        parts.append(
            Text.of(f"\nUser groups: {listed(known.groups) or 'none'}. Roles: {listed(known.roles) or 'none'}.")
        )
        if known.unverified:
            parts.append(Text.of(f"\nCannot verify: {known.unverified}."))
        # At once: Slack allows few questions about user groups, and equal ones at the same time are one.
        stages = (self._rights_on(user, stage) for stage in self._source.current.stages())
        parts += await asyncio.gather(*stages, self._rights_anywhere(user))
        return Text.of(*parts)

    async def _rights_on(self, user: UserId, stage: Stage) -> Text:
        asked: tuple[Right, ...] = (*Action, *AlertRight)
        permits = await asyncio.gather(*(self._access.permit(user, right, stage) for right in asked))
        may = [right for right, permit in zip(asked, permits, strict=True) if isinstance(permit, Permitted)]
        changes, alerts = (
            listed(tuple(right.value for right in may if right.resource is resource), most=9) or "nothing"
            for resource in (Resource.CHANGES, Resource.ALERTS)
        )
        return Text.of("\n", Strong(stage.name), f": {changes}; alerts: {alerts}")

    async def _rights_anywhere(self, user: UserId) -> Text:
        permits = await asyncio.gather(*(self._access.permit_alerts(user, right, None) for right in AlertRight))
        may = [right for right, permit in zip(AlertRight, permits, strict=True) if isinstance(permit, Permitted)]
        alerts = listed(tuple(right.value for right in may)) or "nothing"
        return Text.of(f"\nAlerts of no sure application: {alerts}")


KINDS = {
    MemberKind.MEMBER: "a member", MemberKind.GUEST: "a guest",
    MemberKind.EXTERNAL: "from another workspace", MemberKind.BOT: "a bot", MemberKind.DEACTIVATED: "deactivated",
}  # fmt: skip


def _told(entry: AuditEntry) -> Text:
    who = Text.of("Tiphys") if entry.actor == SYSTEM else Text.of(Mention(UserId(entry.actor)))
    refused = ", refused" if entry.outcome == "refused" else ""
    return Text.of(who, f" {entry.action.partition('.')[2].replace('-', ' ')}{refused}: {entry.text}")
