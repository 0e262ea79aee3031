"""One Application: the object that the API shows, the cluster behind it, and every operation it ever had."""

import uuid
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from bot.sandbox.argocd.cluster import Cluster
from bot.sandbox.argocd.objects import LAST_APPLIED, Json, compact
from bot.sandbox.argocd.rendering import Rendered

NAMESPACE = "argocd"
IN_CLUSTER = "https://kubernetes.default.svc"
DEPLOYED_AGO = timedelta(hours=1)
EVENT_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSeed:
    """An Argo CD application to start with: `name` is Argo CD's, `application` and `environment` are ours.

    `namespace` is where it deploys to; by default `<application>-<environment>`.
    """

    name: str
    application: str
    environment: str
    instance: str = "main"
    project: str = "apm"
    repository: str
    path: str
    target_revision: str = "main"
    autosync: bool = False
    namespace: str = ""


@dataclass(slots=True, kw_only=True)
class OperationRecord:
    """One operation as `GET /api/state` tells it, kept for ever."""

    n: int
    revision: str
    prune: bool
    dry_run: bool
    infos: dict[str, str]
    by: str
    phase: str = "Pending"
    message: str = ""


@dataclass(slots=True, kw_only=True)
class Application:
    """`metadata`, `spec`, `status` and `operation` are the Kubernetes object; what else is here the API does not show.

    `targets` is what was rendered at the last comparison (None: could not be rendered, or not yet), `retry_at` when a
    failed operation is tried again (epoch seconds), `heal_attempts` how often self-heal tried this revision.
    """

    seed: ApplicationSeed
    cluster: Cluster
    metadata: Json
    spec: Json
    status: Json
    operation: Json | None = None
    targets: Rendered | None = None
    seen_tip: str | None = None
    retry_at: float = 0.0
    heal_attempts: int = 0
    operations: list[OperationRecord] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.seed.name

    @property
    def project(self) -> str:
        return str(self.spec.get("project") or "default")

    @property
    def source(self) -> Json:
        return self.spec.get("source") or {}

    @property
    def target_revision(self) -> str:
        return str(self.source.get("targetRevision") or "")

    @property
    def destination(self) -> Json:
        return self.spec.get("destination") or {}

    @property
    def labels(self) -> dict[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def automated(self) -> Json | None:
        """The auto-sync policy where it is on, else None."""
        policy = (self.spec.get("syncPolicy") or {}).get("automated")
        return policy if policy is not None and policy.get("enabled") is not False else None

    @property
    def sync_options(self) -> list[str] | None:
        return (self.spec.get("syncPolicy") or {}).get("syncOptions")

    @property
    def operation_state(self) -> Json | None:
        return self.status.get("operationState")

    @property
    def history(self) -> list[Json]:
        return self.status.get("history") or []

    @property
    def is_deleting(self) -> bool:
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def resource_version(self) -> int:
        return int(self.metadata["resourceVersion"])

    def as_json(self, *, with_health: bool = True) -> Json:
        """The object; the list and a sync's answer leave out the resources' health, which lives elsewhere."""
        status = dict(self.status)
        if not with_health and "resources" in status:
            status["resources"] = [{k: v for k, v in r.items() if k != "health"} for r in status["resources"]]
        shown: Json = {"metadata": self.metadata, "spec": self.spec, "status": status}
        if self.operation is not None:
            shown["operation"] = self.operation
        return shown

    def dump(self) -> Json:
        return {
            "seed": asdict(self.seed), "metadata": self.metadata, "spec": self.spec, "status": self.status,
            "operation": self.operation, "retry_at": self.retry_at, "heal_attempts": self.heal_attempts,
            "operations": [asdict(o) for o in self.operations], "events": self.events, "live": self.cluster.dump(),
        }  # fmt: skip

    def load(self, data: Json) -> None:
        self.metadata, self.spec, self.status = data["metadata"], data["spec"], data["status"]
        self.operation, self.retry_at, self.heal_attempts = data["operation"], data["retry_at"], data["heal_attempts"]
        self.operations = [OperationRecord(**o) for o in data["operations"]]
        self.events = data["events"]
        self.cluster.load(data["live"])


def new_application(seed: ApplicationSeed, cluster: Cluster, url: str, created: str) -> Application:
    """A fresh Application object, as somebody applied it; not compared and not deployed yet."""
    spec: Json = {
        "source": {"repoURL": url, "path": seed.path, "targetRevision": seed.target_revision},
        "destination": {"server": IN_CLUSTER, "namespace": cluster.namespace},
        "project": seed.project,
        "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
    }
    if seed.autosync:
        spec["syncPolicy"]["automated"] = {"prune": True, "selfHeal": True}
    labels = {"app.kubernetes.io/part-of": seed.application, "env": seed.environment}
    applied = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"annotations": {}, "labels": labels, "name": seed.name, "namespace": NAMESPACE}, "spec": spec,
    }  # fmt: skip
    metadata: Json = {
        "name": seed.name, "namespace": NAMESPACE, "uid": str(uuid.uuid4()), "resourceVersion": "0", "generation": 0,
        "creationTimestamp": created, "labels": labels, "annotations": {LAST_APPLIED: compact(applied) + "\n"},
    }  # fmt: skip
    status: Json = {
        "sync": {"status": "", "comparedTo": {"source": {"repoURL": ""}, "destination": {}}},
        "health": {}, "summary": {}, "sourceHydrator": {},
    }  # fmt: skip
    return Application(seed=seed, cluster=cluster, metadata=metadata, spec=spec, status=status)


def record_of(app: Application, operation: Json) -> OperationRecord:
    by = operation.get("initiatedBy") or {}
    sync = operation["sync"]
    return OperationRecord(
        n=len(app.operations) + 1, revision=sync.get("revision", ""), prune=bool(sync.get("prune")),
        dry_run=bool(sync.get("dryRun")), infos={i["name"]: i["value"] for i in operation.get("info") or []},
        by="automated" if by.get("automated") else by.get("username", ""),
    )  # fmt: skip


def replaced_text(value: Any, old: str, new: str) -> Any:
    """A copy of JSON data in which every string equal to `old` is `new`."""
    if isinstance(value, dict):
        return {name: replaced_text(item, old, new) for name, item in value.items()}
    if isinstance(value, list):
        return [replaced_text(item, old, new) for item in value]
    return new if value == old else value
