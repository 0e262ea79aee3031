"""Who may do what: the member as the workspace knows him now, the policy, and the rules that no policy can change.

Every entry (command, click, submission) asks `Access.permit`; a test walks over all of them. Nothing is a yes unless it
could be verified: an unreachable directory refuses with "cannot verify".
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.approval import Standing
from bot.domain.identity import CannotVerify, GroupId, Member, MemberKind, UserId
from bot.domain.pipeline import Stage
from bot.domain.text import Code, Text, listed
from bot.ports import ConfigurationInForce, Directory
from bot.services.authorization import Authorization, Subject


class Action(StrEnum):
    """The actions that the policy knows, on resource `changes`."""

    GET = "get"
    PROMOTE = "promote"
    SYNC = "sync"
    APPROVE = "approve"
    REJECT = "reject"
    ABORT = "abort"
    REVERT = "revert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """A no, with its reason in words that the asker reads."""

    slug: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a user: for `whoami`."""

    member: Member | CannotVerify
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unverified: str = ""


KINDS = {
    MemberKind.GUEST: "You are a guest here; guests may not act.",
    MemberKind.EXTERNAL: "You belong to another workspace; only members of this one may act.",
    MemberKind.BOT: "Bots may not act.",
    MemberKind.DEACTIVATED: "Your account is deactivated.",
}


class Access:
    """The one authorization function and what it needs. `authorization` follows the configuration in force."""

    def __init__(self, directory: Directory, source: ConfigurationInForce) -> None:
        self._directory, self._source = directory, source
        self._built: tuple[object, Authorization] | None = None

    async def permit(
        self, user: UserId, action: Action, stage: Stage | None, *, requester: UserId | None = None
    ) -> Permitted | Forbidden:
        """Whether the user may do `action` on the stage (None: on any stage at all), now.

        The requester may always abort his own change; whoever may approve may reject.
        """
        member = await self._directory.member(user)
        if isinstance(member, CannotVerify):
            words = f"I cannot verify who you are ({member.reason}), so I do nothing. Try again in a moment."
            return Forbidden(slug="cannot-verify", text=Text.of(words))
        if not member.may_act:
            return Forbidden(slug=f"not-a-member-{member.kind.value}", text=Text.of(KINDS[member.kind]))
        if action is Action.ABORT and requester is not None and self._is_same_person(user, requester):
            return Permitted(member=member)
        groups, unverified = await self._groups(user)
        subject = Subject(user=user, groups=groups)
        wanted = (action, Action.APPROVE) if action is Action.REJECT else (action,)
        names = [stage.name] if stage else [s.name for s in self._source.current.stages()]
        if any(self._authorization.authorize(subject, a.value, name).allowed for a in wanted for name in names):
            return Permitted(member=member)
        return self._forbidden(action, stage, unverified)

    async def may_approve(self, user: UserId, stage: Stage) -> Standing:
        """Whether this user's approval counts: a member with the `approve` right and one of `approvals.from`."""
        permit = await self.permit(user, Action.APPROVE, stage)
        if isinstance(permit, Forbidden):
            return Standing(may_approve=False, reason=permit.text.plain, unverified=permit.slug == "cannot-verify")
        sources = stage.approvals.sources if stage.approvals else ()
        groups, unverified = await self._groups(user, tuple(s for s in sources if s.startswith("S")))
        roles = self._authorization.roles_of(Subject(user=user, groups=groups))
        if user in sources or groups & set(sources) or roles & set(sources):
            return Standing(may_approve=True)
        if unverified:
            return Standing(may_approve=False, reason=f"cannot verify your user groups: {unverified}", unverified=True)
        return Standing(
            may_approve=False, reason=f"{stage.name} is approved by {listed(sources)}, and you are not in it"
        )

    async def describe(self, user: UserId) -> Known:
        member = await self._directory.member(user)
        if isinstance(member, CannotVerify):
            return Known(member=member)
        groups, unverified = await self._groups(user)
        roles = self._authorization.roles_of(Subject(user=user, groups=groups))
        return Known(member=member, groups=tuple(sorted(groups)), roles=tuple(sorted(roles)), unverified=unverified)

    @property
    def _authorization(self) -> Authorization:
        configuration = self._source.current
        if self._built is None or self._built[0] is not configuration:
            self._built = (configuration, Authorization(configuration.permissions))
        return self._built[1]

    async def _groups(self, user: UserId, more: tuple[str, ...] = ()) -> tuple[frozenset[str], str]:
        """The user groups of the policy that he is in now; and why some could not be told, if so."""
        wanted = sorted({*self._authorization.groups, *more})
        found = await asyncio.gather(*(self._directory.group_members(GroupId(group)) for group in wanted))
        unverified = next((members.reason for members in found if isinstance(members, CannotVerify)), "")
        return (
            frozenset(
                group
                for group, members in zip(wanted, found, strict=True)
                if not isinstance(members, CannotVerify) and user in members
            ),
            unverified,
        )

    def _is_same_person(self, one: UserId, other: UserId) -> bool:
        configuration = self._source.current
        return configuration.person_key(one) == configuration.person_key(other)

    def _forbidden(self, action: Action, stage: Stage | None, unverified: str) -> Forbidden:
        if unverified:
            words = f"I cannot verify your user groups ({unverified}), so I do nothing. Try again in a moment."
            return Forbidden(slug="cannot-verify", text=Text.of(words))
        if stage is None:
            return Forbidden(
                slug="no-permission", text=Text.of("You may not do that: ", Code(f"changes, {action.value}"), ".")
            )
        holders = self._authorization.holders(action.value, stage.name)
        granted = f" It is granted to {listed(holders)}." if holders else " Nobody is granted it in tiphys.yaml."
        needs = Text.of("You may not do that: it needs ", Code(f"changes, {action.value}, {stage.name}"), ".", granted)
        return Forbidden(slug="no-permission", text=needs)
