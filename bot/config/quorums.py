"""Whether the approvals that a stage asks for can ever be given."""

from collections.abc import Callable

from bot.config.effective import EffectiveApprovals, Level
from bot.config.problems import Path, Problems, choose
from bot.config.rights import Rights
from bot.domain.identity import UserId

PersonKey = Callable[[UserId], str]
"""What tells people apart: two Slack ids of one person give the same."""


def look_at_approvals(
    approvals: EffectiveApprovals,
    stage: Path,
    levels: tuple[Level, ...],
    rights: Rights,
    person: PersonKey,
    problems: Problems,
) -> None:
    """`stage` is the path of the stage whose approvals these are."""
    if problems.is_damaged(*((*path, "approvals") for path, _ in levels)):
        return
    origin = approvals.sources.origin
    for position, source in enumerate(approvals.sources.value):
        if source.startswith("role:") and source not in rights.roles and origin:
            problems.add(
                (*origin, position),
                f"no line of `permissions.policy` names the role `{source}`",
                choose(source, sorted(rights.roles)),
            )
            return
    if _contradicts(approvals, levels):
        problems.add(
            approvals.needed.origin or stage,
            "`needed: 0` asks nobody, yet `from` says who may approve",
            "Raise `needed`, or remove `from`",
        )
    elif approvals.needed.value:
        _look_at_quorum(approvals, stage, rights, person, problems)


def _contradicts(approvals: EffectiveApprovals, levels: tuple[Level, ...]) -> bool:
    """`needed: 0` switches off what wider levels ask for; together with a `from` as near or nearer it is a mistake."""
    if approvals.needed.value or not approvals.sources.value:
        return False
    order = [(*path, "approvals") for path, _ in levels]
    needed, sources = approvals.needed.origin, approvals.sources.origin
    return needed is not None and sources is not None and order.index(sources[:-1]) <= order.index(needed[:-1])


def _look_at_quorum(
    approvals: EffectiveApprovals, stage: Path, rights: Rights, person: PersonKey, problems: Problems
) -> None:
    needed = approvals.needed.value
    asks = f"{needed} approvals are" if needed != 1 else "1 approval is"
    place = approvals.needed.origin or approvals.sources.origin or (*stage, "approvals")
    if not approvals.sources.value:
        problems.add(
            place,
            f"{asks} needed, but `from` names nobody who may approve",
            "Add `from: [role:<name>]`, or user and user group ids",
        )
        return
    named = _named(approvals, rights)
    if named is not None and len(people := _people(named, person)) < needed:
        problems.add(
            place,
            f"{asks} needed, but `from` leads to {_shown(people)}: nobody can ever reach that",
            "Name more people, or lower `needed`",
        )
        return
    name = f"{stage[1]}/{stage[3]}"
    able = rights.users_who_may("approve", name)
    if able is not None and len(people := _people(able if named is None else able & named, person)) < needed:
        problems.add(
            place,
            f"{asks} needed, but of those in `from` only {_shown(people)} may have `changes, approve` on {name}",
            f"Add a line such as `p, {approvals.sources.value[0]}, changes, approve, {name}, allow`",
        )


def _named(approvals: EffectiveApprovals, rights: Rights) -> frozenset[str] | None:
    """The users behind `from`; None: any number."""
    found: frozenset[str] = frozenset()
    for source in approvals.sources.value:
        users = rights.users_of(source)
        if users is None:
            return None
        found |= users
    return found


def _people(users: frozenset[str], person: PersonKey) -> list[str]:
    return sorted({person(UserId(user)) for user in users})


def _shown(people: list[str]) -> str:
    match people:
        case []:
            return "nobody"
        case [one]:
            return f"one person ({one})"
    return f"{len(people)} people ({', '.join(people)})"
