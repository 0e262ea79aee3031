"""The people and user groups that `tiphys.yaml` names, and whether enough of them can approve."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.checks.finding import Finding, Findings
from bot.checks.slack import lacks_scope
from bot.domain.identity import GroupId, MemberKind, UserId
from bot.domain.pipeline import Configuration, Stage
from bot.domain.policy_text import parse_policy
from bot.domain.text import listed
from bot.services.authorization import Authorization, Subject
from bot.slack.calls import Done, Refused
from bot.slack.directory import kind_of
from bot.slack.inspection import SlackInspection, Workspace, why_not

MOST_USERS = 90
"""Slack answers about a hundred questions about people a minute, and a running bot asks too."""
NO_SUCH_USER = ("user_not_found", "user_not_visible", "users_not_found")
LATER = "Try again when Slack answers"
_USER, _GROUP = re.compile(r"[UW][A-Z0-9]+"), re.compile(r"S[A-Z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What of the workspace the configuration names."""

    users: tuple[UserId, ...]
    groups: tuple[GroupId, ...]


@dataclass(slots=True)
class Known:
    """What Slack told: who is in each group, what each user is. What is missing in either could not be told."""

    members: dict[GroupId, frozenset[UserId]] = field(default_factory=dict)
    kinds: dict[UserId, MemberKind] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)


def named_in(configuration: Configuration) -> Named:
    policy, _ = parse_policy(configuration.permissions.policy)
    words = [*(grant.subject for grant in policy.grants), *(given.member for given in policy.memberships)]
    for stage in configuration.stages():
        if stage.approvals is not None:
            words += [*stage.approvals.sources, *([stage.approvals.notify] if stage.approvals.notify else [])]
    alerts = configuration.alerts
    for mentions in (alerts.mentions, *(route.mentions for route in alerts.routes)):
        words += [mention.who for mention in mentions]
    listed_people = [user for person in configuration.people.values() for user in person.slack]
    users = dict.fromkeys([*listed_people, *(UserId(word) for word in words if _USER.fullmatch(word))])
    groups = dict.fromkeys(GroupId(word) for word in words if _GROUP.fullmatch(word))
    return Named(users=tuple(users), groups=tuple(groups))


async def check_people(inspection: SlackInspection, configuration: Configuration, workspace: Workspace) -> Findings:
    """Groups first: who is in those that approve is looked up too."""
    named, known = named_in(configuration), Known()
    about_groups = await asyncio.gather(*(_group(inspection, group, known, workspace) for group in named.groups))
    found = _once(finding for findings in about_groups for finding in findings)
    approving = {user for group in _approving_groups(configuration) for user in known.members.get(group, ())}
    users = list(dict.fromkeys([*named.users, *sorted(approving)]))
    found += await _users(inspection, users, known, workspace)
    for stage in configuration.stages():
        found += _quorum(stage, configuration, named, known)
    return found


async def _group(inspection: SlackInspection, group: GroupId, known: Known, workspace: Workspace) -> Findings:
    def found(slug: str, evidence: str, fix: str = "") -> Finding:
        evidence = f"usergroups.users.list: {evidence}"
        return Finding(slug=slug, subject=f"slack.groups.{group}", evidence=evidence, fix=fix)

    answer = await inspection.group(group)
    match answer:
        case Done():
            known.members[group] = members = frozenset(UserId(user) for user in answer.data.get("users") or ())
            if members:
                return [found("slack.group", f"{len(members)} people")]
            return [found("slack.group-empty", "nobody is in it", "Add people to it, or name another group")]
        case Refused(error="no_such_subteam" | "subteam_not_found"):
            known.members[group] = frozenset()
            return [
                found(
                    "slack.group-not-found",
                    str(answer),
                    "Correct the id in permissions or approvals; a group that was disabled counts as gone",
                )
            ]
        case Refused(error="plan_upgrade_required"):
            known.members[group] = frozenset()
            evidence = "usergroups.users.list: plan_upgrade_required, this Slack plan has no user groups"
            fix = "Name people by id (U…) in `approvals.from` and in the policy, instead of user groups"
            return [Finding(slug="slack.plan-without-groups", subject="slack.groups", evidence=evidence, fix=fix)]
        case Refused():
            unknown = found("slack.group-unknown", str(answer), "Mend what Slack complains of")
            return [*lacks_scope(answer, "usergroups.users.list", workspace), unknown]
        case _:
            return [found("slack.group-unknown", why_not(answer), LATER)]


async def _users(inspection: SlackInspection, users: list[UserId], known: Known, workspace: Workspace) -> Findings:
    found: Findings = []
    unknown: dict[UserId, str] = dict.fromkeys(users[MOST_USERS:], f"only {MOST_USERS} are looked up at a time")
    answers = await asyncio.gather(*(inspection.user(user) for user in users[:MOST_USERS]))
    for user, answer in zip(users, answers, strict=False):
        subject = f"slack.users.{user}"
        match answer:
            case Done() if isinstance(answer.data.get("user"), Mapping):
                told = answer.data["user"]
                known.kinds[user] = kind = kind_of(told, workspace.identity)
                if kind is not MemberKind.MEMBER:
                    evidence = f"users.info: {told.get('name') or user} is no member here ({kind.value})"
                    fix = "Take the id out of tiphys.yaml, or let an admin of the workspace change what it is"
                    found.append(Finding(slug="slack.user-may-not-act", subject=subject, evidence=evidence, fix=fix))
            case Refused(error=error) if error in NO_SUCH_USER:
                known.absent.add(user)
                fix = "Copy the member id from the person's profile in Slack (More, Copy member ID)"
                evidence = f"users.info: {answer}"
                found.append(Finding(slug="slack.user-not-found", subject=subject, evidence=evidence, fix=fix))
            case Refused():
                found += lacks_scope(answer, "users.info", workspace)
                unknown[user] = str(answer)
            case _:
                unknown[user] = why_not(answer)
    if unknown:
        evidence = f"users.info about {listed(tuple(unknown))[:200]}: {next(iter(unknown.values()))}"
        found.append(Finding(slug="slack.users-unknown", subject="slack.users", evidence=evidence, fix=LATER))
    members = sum(kind is MemberKind.MEMBER for kind in known.kinds.values())
    if members:
        evidence = f"users.info: {members} of {len(users)} are members of the workspace"
        found.append(Finding(slug="slack.users", subject="slack.users", evidence=evidence))
    return _once(found)


def _quorum(stage: Stage, configuration: Configuration, named: Named, known: Known) -> Findings:
    """Whether enough different people, members all, are named by `from` and have the right."""
    if stage.approvals is None or not stage.approvals_needed:
        return []
    needed, authorization = stage.approvals_needed, Authorization(configuration.permissions)
    candidates = {*named.users, *(user for members in known.members.values() for user in members)}
    able, asking = set[str](), set[str]()
    for user in candidates:
        groups = frozenset(str(group) for group, members in known.members.items() if user in members)
        subject = Subject(user=user, groups=groups)
        is_named = not {user, *groups, *authorization.roles_of(subject)}.isdisjoint(stage.approvals.sources)
        if known.kinds.get(user) is not MemberKind.MEMBER or not is_named:
            continue
        if authorization.authorize(subject, "approve", stage.name).allowed:
            able.add(configuration.person_key(user))
            if authorization.authorize(subject, "promote", stage.name).allowed:
                asking.add(configuration.person_key(user))
    told = f"{needed} needed, {len(able)} may approve{f': {listed(tuple(sorted(able)))}' if able else ''}"[:300]

    def found(slug: str, evidence: str, fix: str = "") -> Findings:
        subject = f"applications.{stage.application}.stages.{stage.environment}"
        return [Finding(slug=slug, subject=subject, evidence=f"approvals: {evidence}", fix=fix)]

    is_told = all(group in known.members for group in named.groups) and all(
        user in known.kinds or user in known.absent for user in candidates
    )
    if len(able) < needed and not is_told:
        return found("approvals.unknown", f"{told}; of some people or groups nothing could be told", LATER)
    if len(able) < needed:
        return found("approvals.unreachable", told, "Add people to the groups or roles of `from`, or lower `needed`")
    if len(able) == needed and asking & able:
        return found("approvals.tight", f"{told}, and whoever asks does not count", "Name one person more in `from`")
    return found("approvals.reachable", told)


def _approving_groups(configuration: Configuration) -> set[GroupId]:
    """The groups whose members can count as approvers, through roles too."""
    authorization = Authorization(configuration.permissions)
    found: set[str] = set()
    for stage in configuration.stages():
        for source in stage.approvals.sources if stage.approvals else ():
            found |= {source, *(authorization.members_of(source) if source.startswith("role:") else ())}
    return {GroupId(word) for word in found if _GROUP.fullmatch(word)}


def _once(findings: Iterable[Finding]) -> Findings:
    return list(dict.fromkeys(findings))
