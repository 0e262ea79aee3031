"""The protocols that services need of the outside, and the one family of errors that crosses them.

OutsideError
├── Unavailable      no answer could be had now: wait and ask again
├── Refused          the answer was no, and asking again will not change it
│   ├── NotFound     the thing does not exist (or is hidden from us)
│   └── Denied       we lack the right
├── LeaseLost        a branch is not where we expected it (Git)
└── Unsupported      a shape that we do not handle, with its slug and way out
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.branch_rules import BranchRules, Review
from bot.domain.change import Change, Shipment
from bot.domain.identity import CannotVerify, ChannelId, GroupId, Member, Revision, UserId
from bot.domain.live import LiveApplication, SyncWindows
from bot.domain.pipeline import ArgocdReference, Configuration
from bot.domain.pull_request import Check, MergeAttempt, OpenPull, PullRequest


class OutsideError(Exception):
    """Something outside did not do what we asked. `system` is `argocd`, `github`, `git`, `slack` or
    `alertmanager`."""

    def __init__(self, system: str, reason: str) -> None:
        super().__init__(f"{system}: {reason}")
        self.system, self.reason = system, reason


class Unavailable(OutsideError):
    """No answer could be had: timeouts, resets, 5xx, rate limits. `retry_after` in seconds where the system said so."""

    def __init__(self, system: str, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(system, reason)
        self.retry_after = retry_after


class Refused(OutsideError):
    """A definite no. `slug` names the case, `way_out` what a person can do."""

    def __init__(self, system: str, slug: str, reason: str, *, way_out: str = "") -> None:
        super().__init__(system, reason)
        self.slug, self.way_out = slug, way_out


class NotFound(Refused):
    """It does not exist, or is hidden from us."""


class Denied(Refused):
    """We lack the right. Argo CD's plain 403 may also be its Kubernetes API being down: see the adapter."""


class LeaseLost(OutsideError):
    """A branch was not where the lease expected it; nothing was written. `actual` where Git told."""

    def __init__(self, branch: str, actual: Revision | None = None) -> None:
        super().__init__("git", f"branch {branch} has moved")
        self.branch, self.actual = branch, actual


class Unsupported(OutsideError):
    """Something that we refuse to handle rather than to guess at."""

    def __init__(self, system: str, slug: str, reason: str, *, way_out: str = "") -> None:
        super().__init__(system, reason)
        self.slug, self.way_out = slug, way_out


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


class ConfigurationInForce(Protocol):
    @property
    def current(self) -> Configuration:
        """The newest `tiphys.yaml` that was valid."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One entry of a Git tree. `mode` as Git writes it: 100644, 100755, 120000 (link), 160000 (submodule), 040000."""

    mode: str
    type: str  # blob, tree or commit
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit. All text is untrusted."""

    revision: Revision
    parents: tuple[Revision, ...]
    tree: str
    author: str
    author_email: str
    committer: str
    committer_email: str
    committed_at: datetime
    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who a commit of ours is by, and its fixed date, so that making it again gives the same id."""

    name: str
    email: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictedFile:
    """One file of a conflict: its path in the merge, and by which path each side has it (or had it, where deleted)."""

    path: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeConflict:
    """A merge that Git cannot make by itself."""

    files: tuple[ConflictedFile, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(file.path for file in self.files)


class Git(Protocol):
    """One repository, through a kept bare mirror. Reading needs what was fetched; `treeish` is a commit or tree id.

    Every method raises `Unavailable` when git or the remote did not answer in time, `Denied` when the remote refused
    our credentials, and `NotFound` when a revision is not in the repository (after one fetch).
    """

    async def fetch(self) -> None:
        """Bring the mirror up to date with the remote's branches. One at a time per mirror; may be repeated."""
        ...

    async def default_branch(self) -> str: ...

    async def find_tip(self, branch: str) -> Revision | None:
        """Where the branch stood at the last `fetch`."""
        ...

    async def commit(self, revision: Revision) -> Commit: ...

    async def find_entry(self, treeish: str, path: str) -> TreeEntry | None:
        """The entry at `path` (`""`: the root tree), or None."""
        ...

    async def list_entries(self, treeish: str, path: str) -> tuple[TreeEntry, ...]:
        """The entries of the directory at `path`; empty when absent or not a directory."""
        ...

    async def read_file(self, treeish: str, path: str) -> bytes | None:
        """The blob's bytes, or None when absent or not a regular file. Raises `Unsupported` above 1 MiB."""
        ...

    async def make_commit(self, base: Revision, files: Mapping[str, bytes], message: str, by: Signature) -> Revision:
        """A commit on `base` in which only the named files have new bytes (modes stay). Same input, same id."""
        ...

    async def make_merge_commit(
        self, base: Revision, merged: Revision, tree: str, message: str, by: Signature
    ) -> Revision:
        """A commit with these two parents and a tree of `merge_trees`. Same input, same id."""
        ...

    async def merge_trees(self, ours: Revision, theirs: Revision, *, attributes: bool = False) -> str | MergeConflict:
        """The tree that merging the two would give; nothing is written but objects. With `attributes` those of `ours`
        hold, as for a person who merges in a work tree; forges merge without.

        Raises `Unsupported` `git-unrelated-histories` when they have no commit in common.
        """
        ...

    async def push(self, branch: str, revision: Revision, *, expected: Revision | None) -> None:
        """Set the remote branch, if it is at `expected` (None: absent). Repeating after success is a success.

        Raises `LeaseLost`, or `Refused` with what the server said.
        """
        ...

    async def fast_forward(self, branch: str, revision: Revision, *, expected: Revision, from_branch: str) -> None:
        """Set the remote branch from `expected` to `revision`, in one atomic push that moves nothing unless
        `from_branch` still stands at `revision`. Repeating after success is a success.

        Raises `LeaseLost` with the branch that has moved, or `Refused`: `protected-branch` where its rules say no.
        """
        ...

    async def delete_branch(self, branch: str, *, expected: Revision) -> None:
        """Delete the remote branch if it is at `expected`; gone already is a success. Raises `LeaseLost`."""
        ...

    async def log(
        self, since: Revision | None, until: Revision, *, paths: tuple[str, ...] = (), limit: int = 20,
        merges: bool = True,
    ) -> tuple[tuple[Commit, ...], int]:  # fmt: skip
        """Commits in `until` and not in `since` that touch `paths`, newest first, at most `limit`; and the count.
        Without `merges` only those that have one parent at most."""
        ...

    async def is_ancestor(self, older: Revision, newer: Revision) -> bool: ...

    async def changed_paths(self, old: str, new: str, *, paths: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Files that differ between two treeishes."""
        ...

    async def changed_submodules(self, old: str, new: str) -> tuple[str, ...]:
        """Paths at which one treeish has a submodule and the other has not the same."""
        ...

    async def repack(self) -> bool:
        """Make the mirror quick again where much has gathered in it; answers whether that was so. May be repeated, and
        run beside everything else."""
        ...

    async def diff(self, old: str, new: str, *, paths: tuple[str, ...] = (), limit: int = 8000) -> str:
        """The textual difference, cut at a line end below `limit` characters (then the last line says so)."""
        ...


class Forge(Protocol):
    """One repository's pull requests. Every method raises `Unavailable`, `Denied` or `NotFound` as it applies."""

    def describe(self, change: Change, shipment: Shipment, *, prune: bool, requested_by: str, marker: str) -> str:
        """The body of a promotion's pull request, in this forge's markup; foreign text in it is made harmless.

        `prune`: whether the sync may delete what Git no longer has.
        """
        ...

    async def find_pull_request(self, *, head_branch: str, marker: str) -> PullRequest | None:
        """The pull request from that branch whose body carries the marker, open or not."""
        ...

    async def ensure_pull_request(
        self, *, head_branch: str, base_branch: str, title: str, body: str, marker: str
    ) -> PullRequest:
        """Find it, else open it. Safe to repeat."""
        ...

    async def get_pull_request(self, number: int) -> PullRequest: ...

    async def update(self, number: int, *, title: str, body: str, base_branch: str) -> None:
        """Bring title, body and base to this. Safe to repeat."""
        ...

    async def list_checks(self, head: Revision, *, bound: frozenset[str] = frozenset()) -> tuple[Check, ...]:
        """Statuses and check runs on a head, our own among them and marked. `bound`: the (lower-cased) names of those
        for which it matters which App has reported them; of others it may stay unknown."""
        ...

    async def find_status(self, head: Revision) -> Check | None:
        """Our `tiphys/approval` on a head."""
        ...

    async def branch_rules(self, branch: str) -> BranchRules:
        """What holds for a branch, from all sources; what our account may not see is named in it, and is no error."""
        ...

    async def list_reviews(self, number: int) -> tuple[Review, ...]:
        """The reviews that say yes or no, oldest first; only of people whose reviews may count."""
        ...

    async def count_unresolved(self, number: int) -> int | None:
        """How many conversations are not resolved; None where that cannot be told."""
        ...

    async def list_open_pulls(self) -> tuple[OpenPull, ...]:
        """Every open pull request of the repository."""
        ...

    async def set_status(self, head: Revision, *, state: str, description: str) -> None:
        """Our `tiphys/approval` on a head: `pending`, `success` or `failure`. Setting the same again is harmless.

        Raises `Unavailable` while the forge does not know the commit.
        """
        ...

    async def merge(
        self, number: int, *, expected_head: Revision, method: str, title: str, message: str
    ) -> MergeAttempt:
        """Merge if the head is still `expected_head`. Safe to repeat: already merged answers `Merged`.

        Raises `Unavailable` while it is not known whether it merged, `Refused` only where nothing did.
        """
        ...

    async def ensure_closed(self, number: int, *, comment: str, marker: str) -> None:
        """Close it with one comment; a comment with the marker is not written again. Merged or closed stays so, and
        gets the comment all the same."""
        ...


class Argocd(Protocol):
    """One Argo CD instance."""

    async def get(self, reference: ArgocdReference, *, refresh: bool = False) -> LiveApplication:
        """The strongest read; `refresh` makes Argo CD compare with Git first."""
        ...

    async def list(self, project: str | None = None) -> tuple[LiveApplication, ...]: ...

    async def sync_windows(self, reference: ArgocdReference) -> SyncWindows: ...

    async def start_sync(
        self, reference: ArgocdReference, *, revision: Revision, prune: bool, infos: Mapping[str, str]
    ) -> None:
        """Ask for a pinned sync. Never sends `syncOptions`. Not safe to repeat: look for your infos first.

        Raises `Refused` with a slug: `auto-sync-on`, `busy`, `deleting`, `blocked-by-window`, `needs-override`, …
        `Unavailable` may mean that it was accepted all the same.
        """
        ...

    async def terminate(self, reference: ArgocdReference) -> None:
        """Ask for the end of the running operation. Raises `Refused` `nothing-running`."""
        ...

    async def can_i(self, action: str, reference: ArgocdReference) -> bool: ...

    async def version(self) -> str: ...

    def watch(self) -> AsyncIterator[ArgocdReference | None]:
        """Which applications moved, for as long as the stream lives; None after a (re)list: anything may have moved."""
        ...

    def page_of(self, reference: ArgocdReference) -> str:
        """The address of the Application's page."""
        ...


class Directory(Protocol):
    """The workspace's people, asked at the moment of need. Never raises: what cannot be verified says so."""

    async def member(self, user: UserId) -> Member | CannotVerify: ...

    async def is_in_channel(self, channel: ChannelId) -> bool | CannotVerify:
        """Whether we are a member, so that a card can be posted there."""
        ...

    async def group_members(self, group: GroupId) -> frozenset[UserId] | CannotVerify: ...
