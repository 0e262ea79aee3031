"""The policy, evaluated: may this subject do this to that stage?

The grammar is Argo CD's; the evaluation is stricter than Argo CD's own code, on purpose. There the default role's allow
is final and a deny counts only within the evaluation of one subject, so a group may allow what is denied to the user.
Here a deny wins over everything, wherever it stands and whichever of the subject's identities it names.
"""

from dataclasses import dataclass

import casbin
from casbin.model import Model

from bot.domain.glob import matches
from bot.domain.identity import UserId
from bot.domain.pipeline import Permissions
from bot.domain.policy import BUILT_IN, Grant, Policy, parse_policy

MODEL = """
[request_definition]
r = sub, act, obj

[policy_definition]
p = sub, act, obj, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = is_one_of(p.sub, r.sub) && glob(p.act, r.act) && glob(p.obj, r.obj)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A user and the user groups that he is in, as resolved now."""

    user: UserId
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`decided_by` is the line that allowed or denied; None when no line speaks of it, which is a no."""

    allowed: bool
    decided_by: Grant | None = None


class Authorization:
    """One policy, compiled. Evaluations are remembered: a policy never changes, a new one gets a new object."""

    def __init__(self, permissions: Permissions) -> None:
        """Raises `ValueError` for a policy with a fault: what cannot be read must not be half in force."""
        policy, faults = parse_policy(permissions.policy)
        if faults:
            raise ValueError(f"the policy's line {faults[0].line}: {faults[0].reason}")
        self._policy = Policy(grants=(*BUILT_IN, *policy.grants), memberships=policy.memberships)
        self._default = permissions.default
        self._known: dict[tuple[frozenset[str], str, str], Verdict] = {}
        self._enforcer = _enforcer(self._policy)

    @property
    def groups(self) -> frozenset[str]:
        """The user groups that the policy names: whose members must be known to evaluate it."""
        return self._policy.groups

    def authorize(self, subject: Subject, action: str, stage: str) -> Verdict:
        """Whether the subject may do `action` (one of `policy.ACTIONS`) on `stage` (`<application>/<environment>`)."""
        identities = self._identities(subject)
        key = (identities, action, stage)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = self._evaluate(identities, action, stage)
        return known

    def roles_of(self, subject: Subject) -> frozenset[str]:
        """Every role of the subject, through other roles too, the default one included."""
        return frozenset(name for name in self._identities(subject) if name.startswith("role:"))

    def holders(self, action: str, stage: str) -> tuple[str, ...]:
        """Which subjects of the policy have the right by a line of their own, in the order of the policy."""
        found = [g.subject for g in self._policy.grants if g.allows and _speaks_of(g, action, stage)]
        return tuple(dict.fromkeys(name for name in found if name not in ("role:admin", "role:readonly")))

    def _evaluate(self, identities: frozenset[str], action: str, stage: str) -> Verdict:
        allowed = bool(self._enforcer.enforce(identities, action, stage))
        speaking = [g for g in self._policy.grants if g.subject in identities and _speaks_of(g, action, stage)]
        return Verdict(allowed=allowed, decided_by=next((g for g in speaking if g.allows == allowed), None))

    def _identities(self, subject: Subject) -> frozenset[str]:
        found = {str(subject.user), *subject.groups, self._default}
        while more := {m.role for m in self._policy.memberships if m.member in found} - found:
            found |= more
        return frozenset(found)


def _speaks_of(grant: Grant, action: str, stage: str) -> bool:
    return matches(grant.action, action) and matches(grant.stage, stage)


def _enforcer(policy: Policy) -> casbin.Enforcer:
    model = Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.enable_log(False)
    enforcer.add_function("glob", lambda pattern, text: matches(pattern, text))
    enforcer.add_function("is_one_of", lambda name, identities: name in identities)
    for grant in policy.grants:
        rule = [grant.subject, grant.action, grant.stage, "allow" if grant.allows else "deny"]
        if not enforcer.has_policy(*rule):
            enforcer.add_policy(*rule)
    return enforcer
