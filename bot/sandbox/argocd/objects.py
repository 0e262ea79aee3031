"""What Argo CD reads out of a Kubernetes object: its identity, wave, hook kind, images; and how it masks Secrets."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HOOK_DELETE = "argocd.argoproj.io/hook-delete-policy"
TRACKING = "argocd.argoproj.io/tracking-id"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HOOK_TYPES = ("PreSync", "Sync", "PostSync", "SyncFail")
WITHOUT_NAMESPACE = frozenset({
    "Namespace", "Node", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "IngressClass",
    "CustomResourceDefinition", "PriorityClass", "APIService", "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
})  # fmt: skip
KIND_ORDER = {
    kind: position
    for position, kind in enumerate((
        "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ServiceAccount", "Secret",
        "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition",
        "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod",
        "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job",
        "CronJob", "Ingress", "APIService",
    ))
}  # fmt: skip


class Key(NamedTuple):
    """Identity of a resource within one application; the core group is the empty string."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def label(self) -> str:
        """As operation messages name it: `apps/Deployment/web`, `/Secret/web`."""
        return f"{self.group}/{self.kind}/{self.name}"

    @property
    def short(self) -> str:
        """As people and the control API name it: `Deployment/web`."""
        return f"{self.kind}/{self.name}"

    @property
    def applied_as(self) -> str:
        """As kubectl names it: `deployment.apps/web`, `secret/web`."""
        kind = self.kind.lower()
        return f"{kind}.{self.group}/{self.name}" if self.group else f"{kind}/{self.name}"


def group_version(obj: Json) -> tuple[str, str]:
    group, _, version = str(obj.get("apiVersion", "v1")).rpartition("/")
    return group, version


def metadata(obj: Json) -> Json:
    return obj.get("metadata") or {}


def annotation(obj: Json, name: str) -> str:
    return str((metadata(obj).get("annotations") or {}).get(name, ""))


def key_of(obj: Json, default_namespace: str) -> Key:
    kind = str(obj.get("kind", ""))
    namespace = "" if kind in WITHOUT_NAMESPACE else str(metadata(obj).get("namespace") or default_namespace)
    return Key(group_version(obj)[0], kind, namespace, str(metadata(obj).get("name", "")))


def wave_of(obj: Json) -> int:
    try:
        return int(annotation(obj, WAVE))
    except ValueError:
        return 0


def hooks_of(obj: Json) -> list[str]:
    """The hook types of an object, as written (`Skip` included); empty for an ordinary resource."""
    return [part.strip() for part in annotation(obj, HOOK).split(",") if part.strip()]


def delete_policies(obj: Json) -> set[str]:
    named = {part.strip() for part in annotation(obj, HOOK_DELETE).split(",") if part.strip()}
    return named or {"BeforeHookCreation"}


def kind_position(kind: str) -> int:
    return KIND_ORDER.get(kind, len(KIND_ORDER))


def pod_spec(obj: Json) -> Json:
    """The pod template's spec of a workload, or {}."""
    spec = obj.get("spec") or {}
    if obj.get("kind") == "Pod":
        return dict(spec)
    if obj.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return dict((spec.get("template") or {}).get("spec") or {})


def images_of(obj: Json) -> list[str]:
    spec = pod_spec(obj)
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return list(dict.fromkeys(str(c["image"]) for c in containers if c.get("image")))


def tracked(obj: Json, application: str, namespace: str) -> Json:
    """A copy of a rendered object with Argo CD's tracking annotation, as `manifests` shows it."""
    copied = copy.deepcopy(obj)
    group, _ = group_version(obj)
    meta = copied.setdefault("metadata", {})
    home = meta.get("namespace") or namespace
    tracking = f"{application}:{group}/{obj.get('kind')}:{home}/{meta.get('name', meta.get('generateName', ''))}"
    meta["annotations"] = {**(meta.get("annotations") or {}), TRACKING: tracking}
    return copied


def compact(value: Any) -> str:
    """JSON as Argo CD embeds it: keys sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def same_selector(obj: Json) -> bool:
    """Whether a workload's selector matches its template's labels, which the Kubernetes API insists on."""
    spec = obj.get("spec") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") if isinstance(spec.get("selector"), dict) else None
    if obj.get("kind") not in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"} or not wanted:
        return True
    return bool(wanted.items() <= template_labels(obj).items())


def template_labels(obj: Json) -> Json:
    return metadata((obj.get("spec") or {}).get("template") or {}).get("labels") or {}


class SecretMask:
    """Replaces Secret values by runs of `+`: eight for the first value of a field, longer for each different one."""

    def __init__(self) -> None:
        self._seen: dict[str, list[str]] = {}

    def __call__(self, obj: Json) -> Json:
        if obj.get("kind") != "Secret" or group_version(obj)[0] != "":
            return obj
        masked = copy.deepcopy(obj)
        texts = masked.pop("stringData", None) or {}
        data = {**(masked.get("data") or {}), **texts}
        if data or "data" in masked:
            masked["data"] = {name: self._run(name, value) for name, value in data.items()}
        annotations = metadata(masked).get("annotations") or {}
        if LAST_APPLIED in annotations:
            annotations[LAST_APPLIED] = compact(self(json.loads(annotations[LAST_APPLIED])))
        return masked

    def _run(self, name: str, value: Any) -> str:
        seen = self._seen.setdefault(name, [])
        text = str(value)
        if text not in seen:
            seen.append(text)
        return "+" * (8 + seen.index(text))


def constant_mask(obj: Json) -> Json:
    """Every Secret value as exactly eight `+`, as `manifests` answers: a changed value does not show."""
    return SecretMask()(obj)


TAG = re.compile(r"(?::(?P<tag>[^:@/]+))?(?:@.*)?$")


def tag_of(image: str) -> str:
    found = TAG.search(image)
    return (found.group("tag") or "") if found else ""


def tags_of(obj: Json) -> Iterator[str]:
    return (tag_of(image) for image in images_of(obj))
