"""`permissions.policy` held against the rest of the file: lines that cannot be read, and lines that cannot be meant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.config.problems import Path, Problems, choose, did_you_mean
from bot.domain.glob import is_literal, matches
from bot.domain.pipeline import Configuration, Permissions
from bot.domain.policy import BUILT_IN_ROLES, Grant, Membership, Policy, is_role
from bot.domain.policy_text import parse_policy

PATH: Path = ("permissions", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What is odd about a line of the policy, which counts from 1 within it."""

    line: int
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"permissions.policy, line {self.line}: {self.reason}. {self.fix}"


def look_at_policy(configuration: Configuration, problems: Problems) -> None:
    """Adds every error. Of stages nothing is said while applications or environments had to be left out."""
    policy, faults = parse_policy(configuration.permissions.policy)
    for fault in faults:
        reason = f"line {fault.line}, column {fault.column} of the policy: {fault.reason}"
        problems.add(PATH, reason, fault.fix, line=_line_in_file(fault.line, configuration.permissions, problems))
    if problems.is_damaged(("applications",), ("environments",)):
        return
    for remark in unknown_stages(policy, configuration):
        reason = f"line {remark.line} of the policy: {remark.reason}"
        problems.add(PATH, reason, remark.fix, line=_line_in_file(remark.line, configuration.permissions, problems))


def warnings_of(configuration: Configuration) -> tuple[Remark, ...]:
    """What the policy says in vain: lines twice, roles that nobody has or that may do nothing, patterns of no stage."""
    policy, _ = parse_policy(configuration.permissions.policy)
    stages = [stage.name for stage in configuration.stages()]
    idle = (
        Remark(line=grant.line, reason=f"`{grant.stage}` matches no stage", fix="Remove the line, or correct it")
        for grant in policy.grants
        if not any(matches(grant.stage, stage) for stage in stages)
    )
    return tuple(sorted((*_twice(policy), *_roles(policy, configuration), *idle), key=lambda remark: remark.line))


def unknown_stages(policy: Policy, configuration: Configuration) -> Iterator[Remark]:
    """Lines that name an application or environment that does not exist: a deny that is mistyped denies nothing."""
    aliases = {alias: name for name, others in configuration.environments.items() for alias in others}
    stages = [stage.name for stage in configuration.stages()]
    for grant in policy.grants:
        if any(matches(grant.stage, stage) for stage in stages):
            continue
        application, slash, environment = grant.stage.rpartition("/")
        if slash and environment in aliases:
            reason = f"`{environment}` is a second name of an environment, permissions need the first"
            yield Remark(line=grant.line, reason=reason, fix=f"Write `{application}/{aliases[environment]}`")
        elif slash and is_literal(environment) and environment not in configuration.environments:
            reason, fix = (
                f"the environment `{environment}` is not known",
                choose(environment, configuration.environments),
            )
            yield Remark(line=grant.line, reason=reason, fix=fix)
        elif slash and is_literal(application) and application not in configuration.applications:
            reason, fix = (
                f"the application `{application}` is not known",
                choose(application, configuration.applications),
            )
            yield Remark(line=grant.line, reason=reason, fix=fix)
        elif is_literal(grant.stage):
            yield Remark(line=grant.line, reason=f"there is no stage `{grant.stage}`", fix=choose(grant.stage, stages))


def _twice(policy: Policy) -> Iterator[Remark]:
    grants: dict[tuple[str, str, str, str], Grant] = {}
    for grant in policy.grants:
        first = grants.setdefault((grant.subject, grant.resource, grant.action, grant.stage), grant)
        if first is not grant:
            same = first.allows == grant.allows
            reason = f"this says the same as line {first.line}" if same else f"line {first.line} says the opposite"
            yield Remark(line=grant.line, reason=reason, fix="Remove one of them" + ("" if same else "; the deny wins"))
    given: dict[tuple[str, str], Membership] = {}
    for membership in policy.memberships:
        earlier = given.setdefault((membership.member, membership.role), membership)
        if earlier is not membership:
            reason = f"this says the same as line {earlier.line}"
            yield Remark(line=membership.line, reason=reason, fix="Remove one of them")


def _roles(policy: Policy, configuration: Configuration) -> Iterator[Remark]:
    approve = {source for stage in configuration.stages() if stage.approvals for source in stage.approvals.sources}
    given = {membership.role for membership in policy.memberships} | {configuration.permissions.default}
    inheriting = {membership.member for membership in policy.memberships}
    of_use = {grant.subject for grant in policy.grants} | {*BUILT_IN_ROLES} | approve | inheriting
    told: set[str] = set()
    for grant in policy.grants:
        role = grant.subject
        if is_role(role) and role not in given | told:
            told.add(role)
            fix = _meant(role, given) or f"Add `g, <U…|S…>, {role}`"
            yield Remark(line=grant.line, reason=f"nobody has `{role}`", fix=fix)
    for membership in policy.memberships:
        role = membership.role
        if role not in of_use | told:
            told.add(role)
            fix = _meant(role, filter(is_role, of_use)) or f"Add a `p` line for `{role}`"
            yield Remark(line=membership.line, reason=f"`{role}` may do nothing", fix=fix)


def _meant(role: str, others: Iterable[str]) -> str | None:
    meant = did_you_mean(role.removeprefix("role:"), [other.removeprefix("role:") for other in others])
    return f"Did you mean `role:{meant}`?" if meant else None


def _line_in_file(line: int, permissions: Permissions, problems: Problems) -> int | None:
    """Of a text of several lines (`policy: |`) the first stands below its key."""
    start = problems.line_of(PATH)
    return start + line if start is not None and "\n" in permissions.policy else start
