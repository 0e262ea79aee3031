"""The permissions policy: what can be done to changes and alerts, and the lines that allow or deny it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Resource(StrEnum):
    """What a line speaks of. Actions of one resource mean nothing for the other, also where they have one name."""

    CHANGES = "changes"
    ALERTS = "alerts"


ACTIONS: Mapping[Resource, tuple[str, ...]] = {
    Resource.CHANGES: ("get", "promote", "sync", "approve", "reject", "abort", "revert"),
    Resource.ALERTS: ("get", "acknowledge", "silence"),
}
READONLY = "role:readonly"
ADMIN = "role:admin"
BUILT_IN_ROLES = (READONLY, ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A `p` line: what a subject may, or must not. Action and stage are patterns (see `bot.domain.glob`)."""

    subject: str  # role:…, a Slack user id, a Slack user group id
    action: str
    stage: str
    allows: bool
    resource: Resource = Resource.CHANGES
    line: int = 0  # within the policy's text; 0: built in

    def __str__(self) -> str:
        effect = "allow" if self.allows else "deny"
        return f"p, {self.subject}, {self.resource}, {_written(self.action)}, {_written(self.stage)}, {effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A `g` line: a user, user group or role that has all that a role has."""

    member: str
    role: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a line of the policy. Line and column count from 1 within its text."""

    line: int
    column: int
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}. {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as it was written, without the built-in lines."""

    grants: tuple[Grant, ...] = ()
    memberships: tuple[Membership, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """The user groups that the policy names: whose members must be known to evaluate it."""
        named = {grant.subject for grant in self.grants} | {given.member for given in self.memberships}
        return frozenset(name for name in named if name.startswith("S"))

    @property
    def roles(self) -> frozenset[str]:
        """Every role that some line names."""
        named = {grant.subject for grant in self.grants}
        return frozenset(filter(is_role, named.union(*((given.member, given.role) for given in self.memberships))))


BUILT_IN = (
    *(Grant(subject=READONLY, resource=resource, action="get", stage="*", allows=True) for resource in Resource),
    *(Grant(subject=ADMIN, resource=resource, action="*", stage="*", allows=True) for resource in Resource),
)
"""What the built-in roles may without a line; lines of the policy can add to it, or deny some of it."""


def is_role(subject: str) -> bool:
    return subject.startswith("role:")


def _written(pattern: str) -> str:
    return f'"{pattern}"' if "," in pattern else pattern
