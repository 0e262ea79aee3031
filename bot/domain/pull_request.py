"""A forge's review object, and the answers of a merge."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.identity import Revision


class Mergeability(StrEnum):
    """What the forge says of merging now. `UNKNOWN` means ask again, never no."""

    UNKNOWN = "unknown"
    CLEAN = "clean"
    CONFLICT = "conflict"
    BEHIND = "behind"
    BLOCKED = "blocked"  # a rule of the branch is unmet
    UNSTABLE = "unstable"  # mergeable; a check that is not required is pending or failing
    DRAFT = "draft"


class CheckState(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One status or check run on a head. Its own address is not kept: whoever sets it chooses that.

    `app`: the id of the App that reported it, where it is known.
    """

    name: str
    state: CheckState
    app: int | None = None
    description: str = ""  # of a status
    is_ours: bool = False  # our `tiphys/approval`


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPull:
    """An open pull request, ours or anybody's, as a list shows it. Branch names and head are untrusted."""

    number: int
    head: Revision
    head_branch: str
    base_branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    number: int
    link: str
    is_open: bool
    merged: bool
    head_branch: str
    head: Revision
    base_branch: str
    base: Revision
    mergeability: Mergeability
    merge_revision: Revision | None = None  # of the real merge; never the test merge
    merged_by: str | None = None  # login
    closed_by: str | None = None  # login, where the forge tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """It is merged, now or already."""

    revision: Revision
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """Not mergeable yet; looking again later may help."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMoved:
    """The head is no longer what was expected: nothing was merged."""

    head: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRefused:
    """The forge says no and will go on saying so until a person acts (closed, conflict, a rule, no rights)."""

    reason: str
    rebuild: bool = False  # a promotion commit on the newest base would help
    is_final: bool = False  # it would be refused again until somebody changes rules or configuration


MergeAttempt = Merged | NotReady | HeadMoved | MergeRefused
