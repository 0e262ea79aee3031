"""Who and which: ids that must not mix, the people behind acts, and what the directory says of them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ChangeId = NewType("ChangeId", str)
"""A ULID, 26 characters; carried by every outside key of a change."""
UserId = NewType("UserId", str)
"""A Slack user id, `U…` or `W…`."""
GroupId = NewType("GroupId", str)
"""A Slack user group id, `S…`."""
ChannelId = NewType("ChannelId", str)
"""A Slack channel id, `C…`, `G…` or `D…`."""
MessageTs = NewType("MessageTs", str)
"""A Slack message's timestamp string: its id within the channel."""
Revision = NewType("Revision", str)
"""A full commit SHA, 40 hexadecimal digits (see `is_revision`)."""

SYSTEM = "system"
FULL_SHA = re.compile(r"[0-9a-f]{40}")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def is_revision(text: str) -> bool:
    """Whether `text` is a full commit SHA; short ones, tags and branch names are not."""
    return FULL_SHA.fullmatch(text) is not None


def is_change_id(text: str) -> bool:
    """Whether `text` has the form of a change's ULID."""
    return ULID.fullmatch(text) is not None


def short(revision: str) -> str:
    return revision[:7]


class MemberKind(StrEnum):
    """What the workspace says a Slack user is. Only `MEMBER` may act."""

    MEMBER = "member"
    GUEST = "guest"
    EXTERNAL = "external"
    BOT = "bot"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A Slack user as the directory knows him at this moment."""

    user: UserId
    name: str
    kind: MemberKind

    @property
    def may_act(self) -> bool:
        return self.kind is MemberKind.MEMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human being of `people:`; several Slack ids under one key count as one."""

    key: str
    slack: tuple[UserId, ...]
    github: tuple[str, ...] = ()
    argocd: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotVerify:
    """The directory could not be asked. Never a yes: whoever needs an answer says this reason instead."""

    reason: str
