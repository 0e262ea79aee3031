"""What the configuration means: applications, their pipelines of stages, and each stage's policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, GroupId, Person, UserId


class SyncMode(StrEnum):
    """Who starts the sync after a merge."""

    AUTOMATED = "automated"  # Argo CD does, by itself
    MANUAL = "manual"  # a person presses Sync
    CONTROLLED = "controlled"  # Tiphys does, right after the merge


class MergeMethod(StrEnum):
    SQUASH = "squash"
    MERGE = "merge"
    FAST_FORWARD = "fast-forward"  # the branch is pushed to the promotion commit itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """Who must say yes to a change of a stage, and how long that lasts."""

    needed: int
    sources: tuple[str, ...]  # `approvals.from`: roles (`role:release`), user ids, user group ids
    notify: GroupId | UserId | None = None
    expire: timedelta = timedelta(hours=8)
    valid_for: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    checks: timedelta = timedelta(hours=2)
    operation: timedelta = timedelta(minutes=30)
    health: timedelta = timedelta(minutes=15)


class BakeAction(StrEnum):
    """What firing alerts do to a change that soaks."""

    HOLD = "hold"  # the soak waits, and begins anew when they are over; they may not last for ever
    FAIL = "fail"  # the change has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAlerts:
    """Which alerts of a stage stand in the way: of a change that soaks there, and of promoting from there."""

    severity: Severity = Severity.CRITICAL  # at or above
    during_soak: BakeAction | None = BakeAction.HOLD  # None: they are shown, and nothing else
    fail_after: timedelta = timedelta(minutes=15)  # how long they may hold it
    block_promotion: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KustomizeImages:
    """Strategy `kustomize-images`: image tags and digests travel from overlay to overlay on one branch."""

    branch: str
    path: str  # with `{environment}`
    merge: MergeMethod = MergeMethod.SQUASH
    fields: tuple[str, ...] = ()  # further scalars of the kustomization that travel too, as dotted paths
    type: Literal["kustomize-images"] = "kustomize-images"

    def branch_of(self, environment: str) -> str:
        return self.branch

    def path_of(self, environment: str) -> str:
        return self.path.replace("{environment}", environment).strip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentBranches:
    """Strategy `branch`: every environment has a branch of its own, and a promotion merges one into the next."""

    branches: Mapping[str, str]  # by environment
    path: str = ""  # the folder that Argo CD reads on each of them, maybe with `{environment}`; empty: the top
    merge: MergeMethod = MergeMethod.MERGE
    type: Literal["branch"] = "branch"

    def branch_of(self, environment: str) -> str:
        return self.branches[environment]

    def path_of(self, environment: str) -> str:
        return self.path.replace("{environment}", environment).strip("/")


Strategy = KustomizeImages | EnvironmentBranches


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgocdInstance:
    """One Argo CD. `token` is the secret itself: never shown, never logged."""

    name: str
    server: str
    token: str = field(repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubApp:
    """A GitHub App that we act as. `private_key` is the secret itself, in PEM form."""

    id: int
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One Git repository on a forge. `token` is the secret itself; empty where we act as an `app`."""

    name: str
    github: str  # owner/name
    api_url: str  # of the forge, without a trailing slash
    token: str = field(default="", repr=False)
    app: GithubApp | None = None

    def __post_init__(self) -> None:
        if self.token and self.app is not None:
            raise ValueError(f"repository {self.name!r} has a token and an app: one of them is in vain")

    @property
    def clone_url(self) -> str:
        """Where Git reaches it: `api.` left out for github.com and ghe.com, the same host for an Enterprise server."""
        scheme, _, place = self.api_url.partition("://")
        host, slash, path = place.partition("/")
        if host.startswith("api.") and not path and host.endswith((".github.com", ".ghe.com")):
            host = host.removeprefix("api.")
        return f"{scheme}://{f'{host}{slash}{path}'.removesuffix('/api/v3')}/{self.github}.git"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgocdReference:
    """Which Argo CD Application a stage is."""

    instance: str
    project: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One environment's place in an application's pipeline, with its effective policy."""

    application: str
    environment: str
    source: str | None  # the environment that it promotes from; None for a first stage
    sync: SyncMode
    argocd: ArgocdReference
    branch: str
    path: str
    prune: bool = False
    soak: timedelta = timedelta(minutes=10)
    channel: ChannelId | None = None
    approvals: ApprovalPolicy | None = None
    timeouts: Timeouts = Timeouts()
    source_must_be_healthy: bool = True
    supersede: bool = True  # a newer source takes the place of an open promotion
    alerts: StageAlerts = StageAlerts()
    whole_tree: bool = False  # a promotion carries the whole branch: approvals bind to all of it, whatever is read

    @property
    def name(self) -> str:
        """`application/environment`, as permissions write it."""
        return f"{self.application}/{self.environment}"

    @property
    def approvals_needed(self) -> int:
        return self.approvals.needed if self.approvals else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A deliverable that we manage; its stages in the order of promotion."""

    name: str
    repository: str
    strategy: Strategy
    stages: Mapping[str, Stage]
    channel: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPolicy:
    admin_channel: ChannelId | None = None
    commands: Literal["all", "umbrella"] | tuple[str, ...] = "all"
    command_prefix: str = ""
    home_workspace_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """The policy text in Argo CD's grammar and the role that everybody has."""

    default: str = "role:readonly"
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How often the outside is looked at when nothing tells us to."""

    changes: timedelta = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All that `tiphys.yaml` says, resolved: every stage carries its effective values."""

    slack: SlackPolicy
    people: Mapping[str, Person]
    argocd: Mapping[str, ArgocdInstance]
    repositories: Mapping[str, Repository]
    environments: Mapping[str, tuple[str, ...]]  # canonical name → aliases, in order
    applications: Mapping[str, Application]
    permissions: Permissions
    polling: Polling = Polling()
    alerts: AlertsPolicy = field(default_factory=AlertsPolicy)

    def find_environment(self, name: str) -> str | None:
        """The canonical environment that `name` (or alias) means."""
        for canonical, aliases in self.environments.items():
            if name == canonical or name in aliases:
                return canonical
        return None

    def find_stage(self, application: str, environment: str) -> Stage | None:
        found = self.applications.get(application)
        return found.stages.get(environment) if found else None

    def get_stage(self, application: str, environment: str) -> Stage:
        """Raises `KeyError` when the configuration no longer knows it."""
        return self.applications[application].stages[environment]

    def repository_of(self, application: str) -> Repository:
        return self.repositories[self.applications[application].repository]

    def person_of(self, user: UserId) -> Person | None:
        return next((person for person in self.people.values() if user in person.slack), None)

    def person_key(self, user: UserId) -> str:
        """What tells people apart: the key in `people:`, else the user id itself."""
        person = self.person_of(user)
        return person.key if person else user

    def promoted_into(self, repository: str) -> frozenset[str]:
        """The branches of a repository that promotions lead into."""
        found = (stage for stage in self.stages() if self.applications[stage.application].repository == repository)
        return frozenset(stage.branch for stage in found if stage.source is not None)

    def stages(self) -> list[Stage]:
        return [stage for application in self.applications.values() for stage in application.stages.values()]
