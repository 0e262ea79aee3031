"""Argo CD's JSON as models, private to this adapter: absent and null are the same, what we do not know is ignored."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic.types import AwareDatetime

from bot.integrations.json_api import Wire

Json = dict[str, Any]


def _moment(value: object) -> object:
    """A time that cannot be read is an unknown time, not a broken application."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


Moment = Annotated[AwareDatetime | None, BeforeValidator(_moment)]


class Owner(Wire):
    kind: str = ""
    name: str = ""


class Metadata(Wire):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = Field(default_factory=dict)
    deletion_timestamp: str | None = None
    owner_references: tuple[Owner, ...] = ()


class Destination(Wire):
    server: str = ""
    name: str = ""
    namespace: str = ""


class Source(Wire):
    repo_url: str = Field("", validation_alias="repoURL")
    path: str = ""
    target_revision: str = ""
    chart: str = ""


class Automated(Wire):
    prune: bool = False
    self_heal: bool = False
    enabled: bool = True  # absent means on; since 3.1 it can be false


class SyncPolicy(Wire):
    automated: Automated | None = None


class Spec(Wire):
    """`raw` keeps the whole spec as it came: the digests are made of it."""

    project: str = ""
    destination: Destination = Destination()
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    source_hydrator: Json = Field(default_factory=dict)
    sync_policy: SyncPolicy = SyncPolicy()
    raw: Json = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, value: object) -> object:
        return {**value, "raw": value} if isinstance(value, dict) else value


class Health(Wire):
    status: str = ""
    message: str = ""


class Resource(Wire):
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: Health = Health()
    sync_wave: int = 0
    hook: bool = False
    requires_pruning: bool = False


class Result(Wire):
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""


class SyncResult(Wire):
    revision: str = ""
    resources: tuple[Result, ...] = ()


class SyncAsked(Wire):
    revision: str = ""
    dry_run: bool = False
    resources: tuple[Json, ...] = ()


class Initiator(Wire):
    username: str = ""
    automated: bool = False


class Info(Wire):
    name: str = ""
    value: str = ""


class Operation(Wire):
    sync: SyncAsked = SyncAsked()
    initiated_by: Initiator = Initiator()
    info: tuple[Info, ...] = ()


class OperationState(Wire):
    operation: Operation = Operation()
    phase: str = ""
    message: str = ""
    started_at: Moment = None
    finished_at: Moment = None
    sync_result: SyncResult = SyncResult()


class Comparison(Wire):
    status: str = ""
    revision: str = ""


class HistoryEntry(Wire):
    id: int = 0
    revision: str = ""
    deployed_at: Moment = None
    deploy_started_at: Moment = None


class Condition(Wire):
    type: str = ""
    message: str = ""


class Summary(Wire):
    images: tuple[str, ...] = ()
    is_app_of_apps: bool = False


class Status(Wire):
    sync: Comparison = Comparison()
    health: Health = Health()
    resources: tuple[Resource, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    conditions: tuple[Condition, ...] = ()
    reconciled_at: Moment = None
    operation_state: OperationState | None = None
    summary: Summary = Summary()
    source_type: str = ""


class Application(Wire):
    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    operation: Operation | None = None
    status: Status = Status()


class ApplicationList(Wire):
    items: tuple[Application, ...] = ()


class Window(Wire):
    """A window as the application's `/syncwindows` gives it, or (with scope, zone and description) the project's."""

    kind: str = ""
    schedule: str = ""
    duration: str = ""
    manual_sync: bool = False
    time_zone: str = ""
    description: str = ""


class Windows(Wire):
    active_windows: tuple[Window, ...] = ()
    assigned_windows: tuple[Window, ...] = ()
    can_sync: bool = False  # always present; when it is not, the answer is not a yes


class ProjectSpec(Wire):
    sync_windows: tuple[Window, ...] = ()


class Project(Wire):
    spec: ProjectSpec = ProjectSpec()


class DetailedProject(Wire):
    project: Project = Project()
    global_projects: tuple[Project, ...] = ()


class Verdict(Wire):
    value: str = ""


class Version(Wire):
    version: str = Field("", validation_alias="Version")


class UserInfo(Wire):
    logged_in: bool = False
    username: str = ""


class Settings(Wire):
    controller_namespace: str = ""


class RevisionMetadata(Wire):
    author: str = ""
    date: Moment = None
    message: str = ""


class Strategy(Wire):
    type: str = ""


class ApplicationSetSpec(Wire):
    strategy: Strategy = Strategy()


class ApplicationSet(Wire):
    spec: ApplicationSetSpec = ApplicationSetSpec()


class WatchedSpec(Wire):
    project: str = ""


class WatchedApplication(Wire):
    """What the watch's projection asks for."""

    metadata: Metadata = Metadata()
    spec: WatchedSpec = WatchedSpec()


class WatchEvent(Wire):
    type: str = ""
    application: WatchedApplication = WatchedApplication()


class WatchMessage(Wire):
    result: WatchEvent | None = None
    error: Json | None = None
