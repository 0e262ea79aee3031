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


_LOST_RACE = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already exists"
    r"|incorrect old value|remote ref updated"
)


def push_answer(porcelain: bytes, ref: str) -> tuple[PushAnswer, str] | None:
    """What the remote said of one ref, and its words; None when it said nothing of it."""
    for line in porcelain.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        refs, _, summary = rest.partition("\t")
        if refs.partition(":")[2] != ref:
            continue
        if flag != "!":
            return PushAnswer.DONE, summary
        return (PushAnswer.MOVED if _LOST_RACE.search(summary) else PushAnswer.REFUSED), summary
    return None
