"""The change: one governed act on one application in one environment, with all that is known of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.alerts.firing import Firing
from bot.domain.approval import Approval, RuleResult
from bot.domain.content_key import ContentKey
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, ChannelId, GroupId, Revision, UserId
from bot.domain.lifecycle import TERMINAL, State
from bot.domain.live import SyncProgress
from bot.domain.pipeline import Stage, SyncMode


class ChangeKind(StrEnum):
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """One value that a promotion carries: an image's tag or digest, or a chosen field."""

    name: str  # image name, or the field's dotted path
    old: str  # empty: not set before
    new: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLine:
    """One commit as people see it. All text is untrusted."""

    revision: Revision
    subject: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Everything that the sync will ship: the difference between the active revision and the result."""

    values: tuple[ValueChange, ...]  # what this promotion carries
    drifted: tuple[ValueChange, ...] = ()  # promoted values whose file in Git differs from what runs
    also: tuple[CommitLine, ...] = ()  # commits since the active revision, on read paths, not of this promotion
    also_paths: tuple[str, ...] = ()  # which read paths they touch
    also_total: int = 0
    source_ahead: int = 0  # commits in the source stage's Git that it has not deployed; not included
    carried: tuple[CommitLine, ...] = ()  # commits that are merged, or behind the promoted values on the source's side
    carried_total: int = 0
    files: tuple[str, ...] = ()  # of a merge: the first of the files that it changes
    files_total: int = 0
    prunes: tuple[str, ...] = ()  # resources that would be pruned (`prune: true` only)
    notes: tuple[str, ...] = ()  # what else the strategy has to say, as sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the pull request would make true. `head` is our commit on `branch`, `base` the commit that it stands on."""

    branch: str
    base_branch: str
    base: Revision
    head: Revision
    pull_request: int
    link: str
    key: ContentKey
    source_revision: Revision
    active_revision: Revision | None
    active_history_id: int | None
    shipment: Shipment
    compare_link: str | None = None
    diff: str = ""  # of the promotion commit, bounded; untrusted
    auto_sync: bool = False  # the live Application had auto-sync on when this was proposed
    prune: bool = False  # the stage's policy said so when this was first proposed: what approvers were shown

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What reached the governed branch. `key` is computed at the merged commit.

    `auto_sync` and `shipped` are Argo CD's part, as seen last while it was not synced by us.
    """

    revision: Revision
    key: ContentKey
    by: str | None  # forge login; ours or a person's
    at: datetime
    by_hand: bool = False
    base: Revision | None = None  # the commit of the governed branch that it was merged onto
    differences: tuple[str, ...] = ()  # from what was approved
    auto_sync: bool = False  # the live Application has auto-sync on
    shipped: bool = False  # it runs, and not by a sync of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMerge:
    """Merges of one head that were asked for and refused, one after the other, while no gate knew why."""

    head: Revision
    reason: str  # the newest
    since: datetime
    at: datetime  # the newest
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFacts:
    """Our sync, or Argo CD's own that we follow. `operation` is the id in its `infos`, None when not ours."""

    operation: str | None
    asked_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    left_behind: tuple[str, ...] = ()  # PruneSkipped resources
    moved_on: int = 0  # commits on the branch after the merged revision
    newest_before: int | None = None  # the newest entry of Argo CD's history when the intent was stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of the store. `version` is what compare-and-swap compares; `due_at` when it is looked at next."""

    id: ChangeId
    number: int
    kind: ChangeKind
    application: str
    environment: str
    source_environment: str | None
    sync_mode: SyncMode
    requested_by: UserId
    requested_at: datetime
    channel: ChannelId
    asked_in: ChannelId
    state: State
    state_since: datetime
    version: int = 0
    due_at: datetime | None = None
    reason: str = ""  # what it waits for, or how it ended
    source_revision: Revision | None = None  # what the source stage had deployed last when this was asked
    proposal: Proposal | None = None
    merge: Merge | None = None
    sync: SyncFacts | None = None
    sync_asked_by: UserId | None = None  # who pressed Sync, or asked for it in advance
    approved_by: tuple[UserId, ...] = ()  # who counted when the quorum was reached
    approvals: RuleResult | None = None  # as last evaluated
    gates: tuple[Gate, ...] = ()  # as last seen
    progress: SyncProgress | None = None
    rebuilds: int = 0
    refused: RefusedMerge | None = None
    notify: UserId | GroupId | None = None  # whom the one mention of the approvers names
    ready_at: datetime | None = None  # when it was first ready for approval; expiry counts from here
    healthy_since: datetime | None = None
    unhealthy_since: datetime | None = None
    degraded_since: datetime | None = None
    alerts: Firing | None = None  # of its stage, as last seen after the sync; None: nobody is asked
    alerting_since: datetime | None = None  # since when alerts that count were seen to fire, without a pause
    fails_at: datetime | None = None  # when that will have lasted for too long
    trouble_since: datetime | None = None  # since when something outside gives no answer
    voided_at: datetime | None = None  # approvals that were given until then no longer count, whatever they name
    void_because: str = ""
    foreign_head: Revision | None = None  # what stands on the promotion branch instead of our commit
    cause: str = ""  # of a bad end: the first failing resource or answer
    still_runs: str = ""  # what the environment runs after a bad end
    closing: bool = False  # an end whose outside traces are still to be tidied
    ended_by: UserId | None = None

    @property
    def is_over(self) -> bool:
        return self.state in TERMINAL

    @property
    def fingerprint(self) -> str | None:
        """What an approval must name now: of what was merged, else of the proposal."""
        if self.merge is not None:
            return self.merge.key.fingerprint
        return self.proposal.fingerprint if self.proposal else None

    def is_void(self, approval: Approval) -> bool:
        """Whether somebody else changed the promotion branch after this approval was given."""
        return self.voided_at is not None and approval.at <= self.voided_at

    def proposes_to_prune(self, stage: Stage) -> bool:
        """What a proposal made now says of it. Pruning is no part of the content that a rebuild keeps approvals for: so
        a rebuild never begins it."""
        return stage.prune and (self.proposal is None or self.proposal.prune)

    def may_prune(self, stage: Stage) -> bool:
        """Whether our sync deletes what Git no longer has: where people were asked for that, and it is still wanted."""
        return self.proposal is not None and self.proposal.prune and stage.prune

    @property
    def standing(self) -> str:
        """Its state and why, in one phrase: `expired (nobody decided in time)`, `rejected by anna: too early`."""
        if not self.reason or self.reason.startswith(self.state.value):
            return self.reason or self.state.value
        return f"{self.state.value} ({self.reason})"

    @property
    def title(self) -> str:
        return f"{self.application} → {self.environment}"
