"""Who may do what: the member as the workspace knows him now, the policy, and the rules that no policy can change.

Every entry (command, click, submission) asks `Access.permit`; a test walks over all of them. Nothing is a yes unless it
could be verified: an unreachable directory refuses with "cannot verify".
"""

import asyncio
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from bot.domain.alerts.group import Tie
from bot.domain.approval import Standing
from bot.domain.identity import CannotVerify, GroupId, Member, MemberKind, UserId
from bot.domain.pipeline import Stage
from bot.domain.policy import Grant, Resource
from bot.domain.text import Code, Text, listed
from bot.ports import ConfigurationInForce, Directory
from bot.services.authorization import Authorization, Subject, Verdict


class Action(StrEnum):
    """The actions that the policy knows, on resource `changes`."""

    GET = "get"
    PROMOTE = "promote"
    SYNC = "sync"
    APPROVE = "approve"
    REJECT = "reject"
    ABORT = "abort"
    REVERT = "revert"

    @property
    def resource(self) -> Resource:
        return Resource.CHANGES


class AlertRight(Enum):
    """The actions that the policy knows, on resource `alerts`. No text, so that `get` here never equals `get` there."""

    GET = "get"
    ACKNOWLEDGE = "acknowledge"  # and take it back, and assign
    SILENCE = "silence"  # and extend and expire

    @property
    def resource(self) -> Resource:
        return Resource.ALERTS


Right = Action | AlertRight


def written(right: Right) -> str:
    """As the policy writes it: `changes, approve`."""
    return f"{right.resource}, {right.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """A yes. `subject` is him with his user groups as they were looked up for it; `why` some could not be, if so."""

    member: Member
    subject: Subject
    why: str = ""


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

SAID_OF_OTHERS = {
    "cannot-verify": "cannot be verified now",
    **{f"not-a-member-{kind.value}": f"is not a member here ({kind.value})" for kind in KINDS},
}
"""Why somebody's approval does not count, as others read it on the card."""


class Access:
    """The one authorization function and what it needs. `authorization` follows the configuration in force."""

    def __init__(self, directory: Directory, source: ConfigurationInForce) -> None:
        self._directory, self._source = directory, source
        self._built: tuple[object, Authorization] | None = None

    async def permit(
        self, user: UserId, action: Right, stage: Stage | None, *, requester: UserId | None = None
    ) -> Permitted | Forbidden:
        """Whether the user may do `action` on the stage (None: on any stage at all), now.

        The requester may always abort his own change; whoever may approve may reject. What is done to alerts is asked
        of `permit_alerts`: which stage they belong to may be unsure.
        """
        member = await self._member(user)
        if isinstance(member, Forbidden):
            return member
        if action is Action.ABORT and requester is not None and self._is_same_person(user, requester):
            return Permitted(member=member, subject=Subject(user=user))
        subject, why = await self._subject(user, stage)
        wanted = (action, Action.APPROVE) if action is Action.REJECT else (action,)
        names = [stage.name] if stage else [s.name for s in self._source.current.stages()]
        verdicts = [self._verdict(subject, right, name) for right in wanted for name in names]
        if any(verdict.allowed for verdict in verdicts):
            return Permitted(member=member, subject=subject, why=why)
        if any(verdict.unverified for verdict in verdicts):
            return _unverified_groups(why)
        return self._forbidden(action, stage.name if stage else None, verdicts[0].decided_by if verdicts else None)

    async def permit_alerts(self, user: UserId, right: AlertRight, tie: Tie | None) -> Permitted | Forbidden:
        """Whether the user may do that to alerts of this tie, now.

        Of alerts that surely belong to a stage it takes the right there. Where the stage is not sure it takes the right
        wherever they may belong: on every stage of the application, and without a sure application on every stage of
        all. Each time a line must allow it that leaves the open part open (`shop/*`, `*/*`: not one that happens to
        match what there is today), and no line may deny it on any of the stages.
        """
        member = await self._member(user)
        if isinstance(member, Forbidden):
            return member
        subject, why = await self._subject(user, None)
        verdicts = [(name, self._verdict(subject, right, name)) for name in self._stages_of(tie)]
        for name, verdict in verdicts:
            if not (verdict.allowed or verdict.unverified):
                return self._forbidden(right, name, verdict.decided_by)
        if any(verdict.unverified for _, verdict in verdicts):
            return _unverified_groups(why)
        return Permitted(member=member, subject=subject, why=why)

    async def may_approve(self, user: UserId, stage: Stage) -> Standing:
        """Whether this user's approval counts: a member with the `approve` right and one of `approvals.from`."""
        permit = await self.permit(user, Action.APPROVE, stage)
        if isinstance(permit, Forbidden):
            words = SAID_OF_OTHERS.get(permit.slug, f"lacks the right changes, approve on {stage.name}")
            return Standing(may_approve=False, reason=words, unverified=permit.slug == "cannot-verify")
        return self.standing_of(permit, stage)

    def standing_of(self, permit: Permitted, stage: Stage) -> Standing:
        """The second half of `may_approve`: whether somebody with the right is one of `approvals.from`."""
        sources = stage.approvals.sources if stage.approvals else ()
        subject = permit.subject
        if self._is_one_of(subject, sources):
            return Standing(may_approve=True)
        if self._is_one_of(replace(subject, groups=subject.groups | subject.unverified), sources):
            reason = f"user groups cannot be verified: {permit.why}"
            return Standing(may_approve=False, reason=reason, unverified=True)
        return Standing(may_approve=False, reason=f"{stage.name} is approved by {listed(sources)}")

    def approvers_named(self, stage: Stage) -> tuple[str, ...]:
        """Whom `approvals.from` means: user and user group ids; a role that nobody is given stays a role."""
        found: list[str] = []
        for source in stage.approvals.sources if stage.approvals else ():
            members = self._authorization.members_of(source) if source.startswith("role:") else ()
            found += members or (source,)
        return tuple(dict.fromkeys(found))

    async def describe(self, user: UserId) -> Known:
        member = await self._directory.member(user)
        if isinstance(member, CannotVerify):
            return Known(member=member)
        subject, why = await self._subject(user, None)
        roles = self._authorization.roles_of(subject)
        return Known(member=member, groups=tuple(sorted(subject.groups)), roles=tuple(sorted(roles)), unverified=why)

    async def _member(self, user: UserId) -> Member | Forbidden:
        member = await self._directory.member(user)
        if isinstance(member, CannotVerify):
            words = f"I cannot verify who you are ({member.reason}), so I do nothing. Try again in a moment."
            return Forbidden(slug="cannot-verify", text=Text.of(words))
        if not member.may_act:
            return Forbidden(slug=f"not-a-member-{member.kind.value}", text=Text.of(KINDS[member.kind]))
        return member

    def _verdict(self, subject: Subject, right: Right, stage: str) -> Verdict:
        return self._authorization.authorize(subject, right.value, stage, resource=right.resource)

    def _stages_of(self, tie: Tie | None) -> tuple[str, ...]:
        """Where alerts of this tie may belong: names of stages, with `*` for what is open."""
        configuration = self._source.current
        application = configuration.applications.get(tie.application) if tie and not tie.is_guess else None
        if tie is None or application is None:
            return ("*/*", *(stage.name for stage in configuration.stages()))
        if tie.environment in application.stages:
            return (f"{application.name}/{tie.environment}",)
        return (f"{application.name}/*", *(stage.name for stage in application.stages.values()))

    @property
    def _authorization(self) -> Authorization:
        configuration = self._source.current
        if self._built is None or self._built[0] is not configuration:
            self._built = (configuration, Authorization(configuration.permissions))
        return self._built[1]

    async def _subject(self, user: UserId, stage: Stage | None) -> tuple[Subject, str]:
        """Him with those user groups of the policy and of `approvals.from` that he is in now, each asked once; and why
        some could not be told, if so.
        """
        sources = stage.approvals.sources if stage and stage.approvals else ()
        wanted = sorted({*self._authorization.groups, *(name for name in sources if name.startswith("S"))})
        found = await asyncio.gather(*(self._directory.group_members(GroupId(group)) for group in wanted))
        answers = dict(zip(wanted, found, strict=True))
        unverified = {group: told.reason for group, told in answers.items() if isinstance(told, CannotVerify)}
        groups = {group for group, told in answers.items() if not isinstance(told, CannotVerify) and user in told}
        subject = Subject(user=user, groups=frozenset(groups), unverified=frozenset(unverified))
        return subject, next(iter(unverified.values()), "")

    def _is_one_of(self, subject: Subject, sources: tuple[str, ...]) -> bool:
        return not {subject.user, *subject.groups, *self._authorization.roles_of(subject)}.isdisjoint(sources)

    def _is_same_person(self, one: UserId, other: UserId) -> bool:
        configuration = self._source.current
        return configuration.person_key(one) == configuration.person_key(other)

    def _forbidden(self, action: Right, stage: str | None, denied_by: Grant | None) -> Forbidden:
        if stage is None:
            return Forbidden(slug="no-permission", text=Text.of("You may not do that: ", Code(written(action)), "."))
        right = Code(f"{written(action)}, {stage}")
        if denied_by is not None:
            denied = Text.of("You may not do that: ", right, " is denied to you by ", Code(str(denied_by)), ".")
            return Forbidden(slug="no-permission", text=denied)
        holders = self._authorization.holders(action.value, stage, resource=action.resource)
        granted = f" It is granted to {listed(holders)}." if holders else " Nobody is granted it in tiphys.yaml."
        needs = Text.of("You may not do that: it needs ", right, ".", granted)
        return Forbidden(slug="no-permission", text=needs)


def _unverified_groups(why: str) -> Forbidden:
    words = f"I cannot verify your user groups ({why}), so I do nothing. Try again in a moment."
    return Forbidden(slug="cannot-verify", text=Text.of(words))
