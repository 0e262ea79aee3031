"""Branch names, and what `git push --porcelain` answers about one."""

import re
from enum import StrEnum

from bot.integrations.git.failures import SYSTEM
from bot.ports import Refused

_FORBIDDEN = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^[-/.]|^@$")


def checked_branch(branch: str) -> str:
    """`branch` if it can be a branch's name and cannot be mistaken for an option. Raises `Refused`."""
    if not branch or _FORBIDDEN.search(branch):
        raise Refused(SYSTEM, "git-bad-branch", f"{branch[:100]!r} cannot be a branch's name")
    return branch


class PushAnswer(StrEnum):
    DONE = "done"
    MOVED = "moved"
    REFUSED = "refused"
    HELD_BACK = "held back"  # another branch of the same atomic push was not taken


_LOST_RACE = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already exists"
    r"|incorrect old value|remote ref updated"
)


_WITH_THE_OTHERS = re.compile(r"atomic (push|transaction) (failed|aborted)|transaction aborted", re.IGNORECASE)
_PROTECTION = re.compile(r"\bGH0(06|13)\b|protected branch hook declined|repository rule violations", re.IGNORECASE)


def is_protection(stderr: str) -> bool:
    """Whether a push was refused by the rules of the branch, as GitHub says it."""
    return _PROTECTION.search(stderr) is not None


def push_answer(porcelain: bytes, ref: str) -> tuple[PushAnswer, str] | None:
    """What the remote said of one ref, and its words; None when it said nothing of it."""
    for line in porcelain.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        refs, _, summary = rest.partition("\t")
        if refs.partition(":")[2] != ref:
            continue
        if flag != "!":
            return PushAnswer.DONE, summary
        if _WITH_THE_OTHERS.search(summary):
            return PushAnswer.HELD_BACK, summary
        return (PushAnswer.MOVED if _LOST_RACE.search(summary) else PushAnswer.REFUSED), summary
    return None
