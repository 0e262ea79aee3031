"""The permissions policy: Argo CD's `policy.csv` grammar with our words, read into typed lines or faults."""

import csv
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

RESOURCE = "changes"
ACTIONS = ("get", "promote", "sync", "approve", "reject", "abort", "revert")
BUILT_IN_ROLES = ("role:readonly", "role:admin")
ARGOCD_RESOURCES = frozenset(
    [
        "applications", "applicationsets", "projects", "clusters", "repositories", "write-repositories", "accounts",
        "certificates", "gpgkeys", "logs", "exec", "extensions",
    ]
)  # fmt: skip
SUBJECT = re.compile(r"role:[A-Za-z0-9_.-]+|[UW][A-Z0-9]+|S[A-Z0-9]+")
WILD = re.compile(r"[*?\[{]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A `p` line: what a subject may, or must not."""

    subject: str
    action: str
    stage: str
    allows: bool
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A `g` line: a user, user group or role that has a role."""

    member: str
    role: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a line of the policy; the line counts from 1 within its text."""

    line: int
    reason: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    grants: tuple[Grant, ...] = ()
    memberships: tuple[Membership, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """The user group ids that the policy names."""
        return frozenset(
            name for name in (*(g.subject for g in self.grants), *(m.member for m in self.memberships))
            if name.startswith("S")
        )  # fmt: skip


BUILT_IN = (
    Grant(subject="role:readonly", action="get", stage="*", allows=True),
    Grant(subject="role:admin", action="*", stage="*", allows=True),
)
"""What `role:readonly` and `role:admin` may without a line in the policy."""


def parse_policy(text: str) -> tuple[Policy, list[Fault]]:
    """Understand every line that is right, and say what is wrong with each other one."""
    grants: list[Grant] = []
    memberships: list[Membership] = []
    faults: list[Fault] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in next(csv.reader([raw.strip()], skipinitialspace=True))]
        match fields:
            case ["p", subject, resource, action, stage, effect]:
                wrong = _wrong_grant(number, subject, resource, action, stage, effect)
                if wrong is None:
                    grants.append(
                        Grant(subject=subject, action=action, stage=stage, allows=effect == "allow", line=number)
                    )
            case ["g", member, role]:
                wrong = _wrong_membership(number, member, role)
                if wrong is None:
                    memberships.append(Membership(member=member, role=role, line=number))
            case [kind, *rest]:
                wrong = _wrong_line(number, kind, len(rest))
            case _:
                wrong = None
        if wrong is not None:
            faults.append(wrong)
    return Policy(grants=tuple(grants), memberships=tuple(memberships)), faults


def _wrong_grant(number: int, subject: str, resource: str, action: str, stage: str, effect: str) -> Fault | None:
    if resource in ARGOCD_RESOURCES:
        return Fault(
            line=number,
            reason=f"`{resource}` is a resource of Argo CD's own policy, not of this one",
            fix=f"Lines for Argo CD belong in argocd-rbac-cm; here the resource is `{RESOURCE}`",
        )
    if resource not in (RESOURCE, "*"):
        return _unknown(number, "resource", resource, [RESOURCE])
    if not SUBJECT.fullmatch(subject):
        return _bad_subject(number, subject)
    if not WILD.search(action) and action not in ACTIONS:
        return _unknown(number, "action", action, ACTIONS)
    if "/" not in stage and stage != "*":
        return Fault(
            line=number, reason=f"`{stage}` is not `<application>/<environment>`",
            fix="Write for example `apm-stack/production`, `*/staging` or `*/*`",
        )  # fmt: skip
    if effect not in ("allow", "deny"):
        return _unknown(number, "effect", effect, ("allow", "deny"))
    return None


def _wrong_membership(number: int, member: str, role: str) -> Fault | None:
    if not SUBJECT.fullmatch(member):
        return _bad_subject(number, member)
    if not role.startswith("role:"):
        return Fault(line=number, reason=f"`{role}` is not a role", fix=f"Write `role:{role}`")
    return None


def _wrong_line(number: int, kind: str, fields: int) -> Fault:
    if kind == "p":
        reason = f"a `p` line has 5 words after the p, this one {fields}"
        return Fault(line=number, reason=reason, fix=f"Write `p, <who>, {RESOURCE}, <action>, <app>/<env>, allow`")
    if kind == "g":
        reason = f"a `g` line has 2 words after the g, this one {fields}"
        return Fault(line=number, reason=reason, fix="Write `g, <user or group id>, role:<name>`")
    return _unknown(number, "kind of line", kind, ("p", "g"))


def _bad_subject(number: int, subject: str) -> Fault:
    return Fault(
        line=number,
        reason=f"`{subject}` is no role, user id or user group id",
        fix="Write `role:<name>`, a user id such as `U012AB3CD`, or a user group id such as `S012AB3CD`",
    )


def _unknown(number: int, what: str, word: str, known: Iterable[str]) -> Fault:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    fix = f"Did you mean `{near[0]}`?" if near else f"Use one of {', '.join(f'`{name}`' for name in names)}"
    return Fault(line=number, reason=f"`{word}` is an unknown {what}", fix=fix)
