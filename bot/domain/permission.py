"""The words of the permissions policy: what can be done to changes, and the lines that allow or deny it."""

from dataclasses import dataclass
from enum import StrEnum

RESOURCE = "changes"
ACTIONS = ("get", "promote", "sync", "approve", "reject", "abort", "revert")
READONLY = "role:readonly"
ADMIN = "role:admin"
BUILT_IN_ROLES = frozenset({READONLY, ADMIN})


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """`p, subject, changes, action, stages, effect`. Action and stages are patterns (see `bot.domain.glob`)."""

    subject: str  # role:…, a Slack user id, a Slack user group id
    action: str
    stages: str
    effect: Effect
    line: int = 0  # within the policy text; 0: built in

    def __str__(self) -> str:
        stages = f'"{self.stages}"' if "," in self.stages else self.stages
        action = f'"{self.action}"' if "," in self.action else self.action
        return f"p, {self.subject}, {RESOURCE}, {action}, {stages}, {self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """`g, member, role`: a user, a user group or another role has all that the role has."""

    member: str
    role: str
    line: int = 0


BUILT_IN = (
    PolicyLine(subject=READONLY, action="get", stages="*/*", effect=Effect.ALLOW),
    PolicyLine(subject=ADMIN, action="*", stages="*/*", effect=Effect.ALLOW),
)
"""What the built-in roles may; lines of the policy can add to them, or deny them something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as it was written, without the built-in lines."""

    lines: tuple[PolicyLine, ...] = ()
    memberships: tuple[Membership, ...] = ()

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody and everything that some line names."""
        named = {line.subject for line in self.lines}
        return frozenset(named.union(*({m.member, m.role} for m in self.memberships)))

    @property
    def groups(self) -> frozenset[str]:
        """The Slack user groups whose members must be known to evaluate this policy."""
        return frozenset(subject for subject in self.subjects if not is_role(subject) and subject.startswith("S"))

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(subject for subject in self.subjects if is_role(subject))


def is_role(subject: str) -> bool:
    return subject.startswith("role:")
