"""Which JSON types the API server takes in the fields that the sandbox reads: what it would refuse is never stored."""

from datetime import datetime
from typing import Any, TypeAlias

from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.windows import duration

Shape: TypeAlias = "str | dict[str, Shape] | list[Shape]"
"""A type by its JSON name; an object by its fields (`name!`: it must be there, `*`: every other one); a list by what
each item is. Fields that are not named may be anything."""

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
    "time": str, "duration": str,
}  # fmt: skip
TEXTS: Shape = {"*": "string"}
RETRY: Shape = {
    "limit": "integer", "backoff": {"duration": "duration", "factor": "number", "maxDuration": "duration"},
}  # fmt: skip
SOURCE: Shape = {"repoURL": "string", "path": "string", "targetRevision": "string"}
OPERATION: Shape = {
    "sync!": {
        "revision": "string", "prune": "boolean", "dryRun": "boolean", "source": SOURCE, "syncOptions": ["string"],
        "syncStrategy": {"apply": {"force": "boolean"}, "hook": {"force": "boolean"}},
        "resources": [{"group": "string", "kind!": "string", "name!": "string", "namespace": "string"}],
    },
    "initiatedBy": {"username": "string", "automated": "boolean"},
    "info": [{"name!": "string", "value!": "string"}],
    "retry": RETRY,
}  # fmt: skip
RESULT: Shape = {
    "revision": "string", "source": SOURCE,
    "resources": [
        dict.fromkeys(
            ("group!", "kind!", "namespace!", "name!", "version!", "status!", "message!", "hookPhase!", "syncPhase!"),
            "string",
        )
    ],
}  # fmt: skip
APPLICATION: Shape = {
    "metadata!": {"labels": TEXTS, "annotations": TEXTS, "deletionTimestamp": "time", "finalizers": ["string"]},
    "spec!": {
        "project!": "string",
        "source": SOURCE,
        "sources": [SOURCE],
        "destination!": {"server": "string", "name": "string", "namespace": "string"},
        "syncPolicy": {
            "automated": {"enabled": "boolean", "prune": "boolean", "selfHeal": "boolean"},
            "syncOptions": ["string"], "retry": RETRY,
        },
        "revisionHistoryLimit": "integer",
    },
    "status!": {
        "sync!": {"status!": "string", "revision": "string"},
        "health!": {"status": "string"},
        "summary": {"images": ["string"]},
        "history": [{"id!": "integer", "revision!": "string", "source!": SOURCE}],
        "resources": ["object"],
        "conditions": [{"type!": "string", "message!": "string"}],
        "reconciledAt": "time",
        "operationState": {
            "operation!": OPERATION, "phase!": "string", "startedAt!": "time", "finishedAt": "time",
            "message": "string", "retryCount": "integer", "syncResult": RESULT,
        },
    },
    "operation": OPERATION,
}  # fmt: skip

CONTAINERS: Shape = [{"name!": "string", "image": "string"}]
PODS: Shape = {
    "metadata": {"labels": TEXTS, "annotations": TEXTS},
    "spec": {"containers": CONTAINERS, "initContainers": CONTAINERS},
}  # fmt: skip
METADATA: Shape = {"name!": "string", "namespace": "string", "labels": TEXTS, "annotations": TEXTS}
ANY_OBJECT: Shape = {"metadata!": METADATA, "spec": "object"}
WORKLOAD: Shape = {
    "metadata!": METADATA,
    "spec!": {"replicas": "integer", "paused": "boolean", "selector": {"matchLabels": TEXTS}, "template!": PODS},
}  # fmt: skip
BY_KIND: dict[str, Shape] = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"), WORKLOAD),
    "Job": {"metadata!": METADATA, "spec!": {"template!": PODS}},
    "CronJob": {
        "metadata!": METADATA, "spec!": {"suspend": "boolean", "jobTemplate!": {"spec!": {"template!": PODS}}},
    },
    "Pod": {"metadata!": METADATA, "spec!": {"containers": CONTAINERS, "initContainers": CONTAINERS}},
    "Service": {"metadata!": METADATA, "spec": {"selector": TEXTS}},
    "Secret": {"metadata!": METADATA, "data": TEXTS, "stringData": TEXTS},
    "ConfigMap": {"metadata!": METADATA, "data": TEXTS},
}  # fmt: skip


def misfit(value: Any, shape: Shape, where: str = "") -> str | None:
    """The first field that does not fit, and why; None when all of it does."""
    if isinstance(shape, str):
        return _wrong_type(value, shape, where)
    if isinstance(shape, list):
        return _wrong_type(value, "array", where) or _first(
            misfit(item, shape[0], f"{where}[{number}]") for number, item in enumerate(value)
        )
    return _wrong_type(value, "object", where) or _first(_misfits(value, shape, where))


def object_misfit(obj: Json) -> str | None:
    """The same for an object in the cluster, by its kind."""
    return misfit(obj, BY_KIND.get(str(obj.get("kind")), ANY_OBJECT))


def _misfits(value: Json, shape: dict[str, Shape], where: str) -> Any:
    named = {name.removesuffix("!"): wanted for name, wanted in shape.items()}
    for name in shape:
        if name.endswith("!") and value.get(name[:-1]) is None:
            yield f"{_below(where, name[:-1])}: Required value"
    for name, part in value.items():
        wanted = named.get(name, shape.get("*"))
        if wanted is not None and part is not None:
            yield misfit(part, wanted, _below(where, name))


def _wrong_type(value: Any, wanted: str, where: str) -> str | None:
    fits = isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    if fits and wanted in READERS:
        try:
            READERS[wanted](value)
        except ValueError:
            return f"{where}: {value!r} is no {wanted}"
    return None if fits else f"{where or 'the object'}: must be of type {wanted}"


READERS = {"time": datetime.fromisoformat, "duration": duration}


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
