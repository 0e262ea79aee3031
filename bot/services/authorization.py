"""The policy, evaluated: may this person do this to that stage?

Asked of casbin over all that a person is at once: his Slack user id, the user groups that he is in, the roles that `g`
lines give to any of these, and the default role. It is allowed when some line allows it and **no line denies it**.

That differs on purpose from Argo CD, whose grammar this is. Its code asks for the default role first, then for the
user, then for one group after another, and the first yes decides: a deny for one group is undone by another group or
by the default role. Here a deny means no, wherever it stands and whichever of his identities it names.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from casbin import Enforcer, Model

from bot.domain.glob import matches
from bot.domain.identity import UserId
from bot.domain.pipeline import Permissions
from bot.domain.policy import ACTIONS, BUILT_IN, Grant, Membership, Resource, is_role
from bot.domain.policy_text import parse_policy
from bot.domain.text import listed

_MODEL = """
[request_definition]
r = subjects, resource, action, stage

[policy_definition]
p = subject, resource, action, stage, eft, index

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = among(p.subject, r.subjects) && p.resource == r.resource && glob(p.action, r.action) && glob(p.stage, r.stage)
"""
_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person as far as the policy is concerned.

    `groups` are the policy's user groups that he is known to be in, `unverified` those that could not be asked.
    """

    user: UserId
    groups: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    UNVERIFIED = "unverified"  # it depends on a user group that could not be asked: never a yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy says. `decided_by` is the line that decided; None where no line speaks of it, which is a no."""

    outcome: Outcome
    reason: str
    decided_by: Grant | None = None

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED

    @property
    def unverified(self) -> bool:
        return self.outcome is Outcome.UNVERIFIED


class Authorization:
    """One policy, compiled. Answers are remembered: a policy never changes, a new one gets a new object."""

    def __init__(self, permissions: Permissions) -> None:
        """Raises `ValueError` for a policy with a fault: what cannot be read must not be half in force."""
        policy, faults = parse_policy(permissions.policy)
        if faults:
            raise ValueError(f"permissions.policy, {faults[0]}")
        self.groups = policy.groups
        """The user groups that the policy names: whose members must be known to evaluate it."""
        self._default = permissions.default
        self._grants = (*policy.grants, *BUILT_IN)
        self._memberships = policy.memberships
        self._members = frozenset(given.member for given in policy.memberships)
        self._held = frozenset(given.role for given in policy.memberships)
        self._enforcer = _compiled(self._grants, policy.memberships)
        self._remembered: dict[tuple[frozenset[str], Resource, str, str], tuple[bool, Grant | None]] = {}

    def authorize(self, subject: Subject, action: str, stage: str, *, resource: Resource = Resource.CHANGES) -> Verdict:
        """Whether the subject may do `action` (one of `ACTIONS[resource]`) on `stage` (`<application>/<environment>`).

        A `*` in `stage` stands for whatever there might be: only patterns that leave that part open speak of it.
        """
        allowed, line = self._ask({subject.user, *subject.groups}, resource, action, stage)
        if self._is_open(subject, resource, action, stage, allowed=allowed, denied=line is not None and not allowed):
            groups = listed(tuple(sorted(subject.unverified)))
            return Verdict(outcome=Outcome.UNVERIFIED, reason=f"it depends on {groups}, who cannot be verified now")
        if allowed:
            return Verdict(outcome=Outcome.ALLOWED, reason=f"allowed by {_quoted(line)}", decided_by=line)
        needed = f"needs `{resource}, {action}` on {stage}"
        if line is not None:
            return Verdict(outcome=Outcome.REFUSED, reason=f"{needed}; denied by {_quoted(line)}", decided_by=line)
        holders = self.holders(action, stage, resource=resource)
        granted = f"granted to {listed(holders)}" if holders else "nobody has it"
        return Verdict(outcome=Outcome.REFUSED, reason=f"{needed}; {granted}")

    def roles_of(self, subject: Subject) -> frozenset[str]:
        """Every role of the subject, through other roles too, the default one included."""
        return frozenset(filter(is_role, self._identities({subject.user, *subject.groups})))

    def members_of(self, role: str) -> tuple[str, ...]:
        """Users and user groups that the policy gives the role, through other roles too, in its order."""
        roles = {role}
        while more := {m.member for m in self._memberships if m.role in roles and m.member.startswith("role:")} - roles:
            roles |= more
        found = [m.member for m in self._memberships if m.role in roles and not m.member.startswith("role:")]
        return tuple(dict.fromkeys(found))

    def holders(self, action: str, stage: str, *, resource: Resource = Resource.CHANGES) -> tuple[str, ...]:
        """The users, user groups and roles whom a line gives this right and none denies it; roles that nobody has are
        left out. The default role alone stands for everybody.
        """
        if self._ask(frozenset(), resource, action, stage)[0]:
            return (self._default,)
        named = dict.fromkeys(
            grant.subject
            for grant in self._grants
            if grant.allows
            and grant.resource is resource
            and matches(grant.action, action)
            and matches(grant.stage, stage)
        )
        there = [subject for subject in named if not is_role(subject) or subject in self._held]
        return tuple(subject for subject in there if self._ask({subject}, resource, action, stage)[0])

    def _is_open(
        self, subject: Subject, resource: Resource, action: str, stage: str, *, allowed: bool, denied: bool
    ) -> bool:
        """Whether being in some of the groups that could not be asked would turn the answer.

        A deny stays, whatever else he is. A yes falls if any of the groups is denied, so all are asked at once; a no
        becomes a yes through some one group, with more of them only denies can come in.
        """
        if not subject.unverified or denied:
            return False
        known = {subject.user, *subject.groups}
        if allowed:
            return not self._ask(known | subject.unverified, resource, action, stage)[0]
        return any(self._ask(known | {group}, resource, action, stage)[0] for group in subject.unverified)

    def _ask(self, who: Set[str], resource: Resource, action: str, stage: str) -> tuple[bool, Grant | None]:
        if action not in ACTIONS[resource]:
            raise ValueError(f"{action!r} is no action of the policy on {resource}")
        key = (self._identities(who), resource, action, stage)
        if key not in self._remembered:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            allowed, explained = self._enforcer.enforce_ex(key[0], resource.value, action, stage)
            self._remembered[key] = (allowed, self._grants[int(explained[-1])] if explained else None)
        return self._remembered[key]

    def _identities(self, who: Set[str]) -> frozenset[str]:
        """All that he is: with the default role, and with what `g` lines give to any of these."""
        found = {*who, self._default}
        for one in found & self._members:  # casbin keeps every name that it is asked about
            found |= set(self._enforcer.get_implicit_roles_for_user(one))
        return frozenset(found)


def _compiled(grants: tuple[Grant, ...], memberships: tuple[Membership, ...]) -> Enforcer:
    model = Model()
    model.load_model_from_text(_MODEL)
    enforcer = Enforcer(model)
    enforcer.add_function("among", lambda subject, subjects: subject in subjects)
    enforcer.add_function("glob", matches)
    enforcer.add_policies(
        [
            (
                grant.subject,
                grant.resource.value,
                grant.action,
                grant.stage,
                "allow" if grant.allows else "deny",
                str(index),
            )
            for index, grant in enumerate(grants)
        ]
    )
    enforcer.add_grouping_policies(list(dict.fromkeys((given.member, given.role) for given in memberships)))
    return enforcer


def _quoted(line: Grant | None) -> str:
    if line is None:
        return "the policy"
    return f"`{line}` ({f'line {line.line} of permissions.policy' if line.line else 'built in'})"
