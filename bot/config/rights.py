"""Whom the permissions policy can mean: enough to say whether a quorum can ever be reached."""

from dataclasses import dataclass

from bot.config.problems import Problems, choose
from bot.domain.glob import matches
from bot.domain.pipeline import Permissions
from bot.domain.policy import BUILT_IN, BUILT_IN_ROLES, Policy, Resource, is_role
from bot.domain.policy_text import parse_policy


@dataclass(frozen=True, slots=True)
class Rights:
    """`None` for users stands for "any number": everybody, or the members of a user group."""

    policy: Policy
    default: str

    @property
    def roles(self) -> frozenset[str]:
        return self.policy.roles.union(BUILT_IN_ROLES)

    def users_of(self, subject: str) -> frozenset[str] | None:
        """The user ids that a user, a user group or a role stands for, also through other roles."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [subject]
        while waiting:
            current = waiting.pop()
            if current == self.default or current.startswith("S"):
                return None
            if not is_role(current):
                found.add(current)
            elif current not in seen:
                seen.add(current)
                waiting += [given.member for given in self.policy.memberships if given.role == current]
        return frozenset(found)

    def users_who_may(self, action: str, stage: str) -> frozenset[str] | None:
        """The user ids to whom some line allows it on changes; what other lines deny is not taken away."""
        found: frozenset[str] = frozenset()
        for grant in (*self.policy.grants, *BUILT_IN):
            if grant.resource is not Resource.CHANGES:
                continue
            if grant.allows and matches(grant.action, action) and matches(grant.stage, stage):
                users = self.users_of(grant.subject)
                if users is None:
                    return None
                found |= users
        return found


def read_rights(permissions: Permissions, problems: Problems) -> Rights | None:
    """None where a line of the policy cannot be read: what is missing may be just there. What is wrong with the lines
    is told by `bot.config.policy`.
    """
    policy, faults = parse_policy(permissions.policy)
    if faults:
        return None
    rights = Rights(policy, permissions.default)
    if permissions.default not in rights.roles:
        problems.add(
            ("permissions", "default"),
            f"no line of `permissions.policy` names the role `{permissions.default}`",
            choose(permissions.default, sorted(rights.roles)),
        )
    return rights
