"""What Argo CD says of an application: values as the adapter read them, in Argo CD's own words."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.identity import Revision


class SyncStatus(StrEnum):
    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(StrEnum):
    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


class Phase(StrEnum):
    """Phases of an operation. `PENDING` is ours: asked for, the controller has not written yet."""

    PENDING = "Pending"
    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    UNKNOWN = "Unknown"

    @property
    def is_over(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKey:
    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceStatus:
    """One managed resource as `status.resources` tells it."""

    key: ResourceKey
    sync: SyncStatus
    health: Health | None  # None: the kind has no health
    message: str = ""
    wave: int = 0
    hook: bool = False
    requires_pruning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceResult:
    """One resource in an operation's `syncResult.resources`."""

    key: ResourceKey
    status: str  # Synced, SyncFailed, Pruned, PruneSkipped, or empty
    message: str = ""
    hook: str = ""  # PreSync, Sync, PostSync, SyncFail, or empty
    hook_phase: str = ""
    sync_phase: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The newest operation: pending, running or over. `infos` are the name-value pairs that its asker gave."""

    phase: Phase
    message: str = ""
    revision: str = ""  # of `syncResult`, else as asked; for a resolved operation a full SHA
    infos: tuple[tuple[str, str], ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    initiated_by: str = ""
    automated: bool = False
    dry_run: bool = False
    partial: bool = False  # a sync of chosen resources only
    resources: tuple[ResourceResult, ...] = ()

    def info(self, name: str) -> str | None:
        return next((value for key, value in self.infos if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One entry of `status.history`."""

    id: int
    revision: Revision
    deployed_at: datetime
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoSync:
    prune: bool
    self_heal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """The one Git source of an application."""

    repo_url: str
    path: str
    target_revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveApplication:
    """One Argo CD Application at one moment. Unknown enum values from outside have become `UNKNOWN`."""

    name: str
    namespace: str
    project: str
    source: LiveSource | None  # None: none, or not a single Git source (see `unsupported`)
    destination: str  # "<server or name>/<namespace>"
    source_digest: str  # of `spec.source`, key order does not matter
    sync_digest: str  # of `spec.syncPolicy` and what else steers a sync
    sync: SyncStatus
    sync_revision: str  # what Argo CD compared with, never what runs
    health: Health
    health_message: str = ""
    auto_sync: AutoSync | None = None
    operation: Operation | None = None
    history: tuple[Deployment, ...] = ()  # oldest first
    resources: tuple[ResourceStatus, ...] = ()
    images: tuple[str, ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()  # type, message
    reconciled_at: datetime | None = None
    is_deleting: bool = False
    unsupported: tuple[tuple[str, str], ...] = ()  # slug, sentence: why this Application cannot be promoted into
    beyond: tuple[tuple[str, str], ...] = ()  # the same: why it may read more than its folder's kustomization names
    resource_version: str = ""

    @property
    def newest(self) -> Deployment | None:
        """The newest history entry: what the environment runs."""
        return self.history[-1] if self.history else None

    @property
    def active(self) -> Revision | None:
        return self.history[-1].revision if self.history else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWindows:
    """Whether a manual sync would be let through now, by Argo CD's own word, and what is known of why not."""

    can_sync: bool
    description: str = ""
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveProgress:
    """How one wave of a running sync stands."""

    wave: int
    done: int
    total: int
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncProgress:
    """A running sync as the card shows it."""

    waves: tuple[WaveProgress, ...] = ()
    waiting_for: tuple[str, ...] = ()  # `Kind/name (what it says)`
    message: str = ""
    hooks: tuple[str, ...] = field(default=())

    @property
    def done(self) -> int:
        return sum(wave.done for wave in self.waves)

    @property
    def total(self) -> int:
        return sum(wave.total for wave in self.waves)
