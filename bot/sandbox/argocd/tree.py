"""The resource tree: managed resources, and the ReplicaSets and Pods that a real cluster would have made for them."""

import hashlib
import uuid

from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.cluster import REVISION, LiveObject
from bot.sandbox.argocd.health import WORKLOADS
from bot.sandbox.argocd.objects import (
    Json,
    Key,
    annotation,
    compact,
    group_version,
    hooks_of,
    images_of,
    template_labels,
)

HOST = {
    "name": "node-1",
    "resourcesInfo": [
        {"resourceName": "cpu", "requestedByApp": 1000, "requestedByNeighbors": 500, "capacity": 32000},
        {
            "resourceName": "memory", "requestedByApp": 1744830464000, "requestedByNeighbors": 671088640000,
            "capacity": 137438953472000,
        },
    ],
    "systemInfo": {
        "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.1", "osImage": "Linux",
        "containerRuntimeVersion": "containerd://2.0", "kubeletVersion": "v1.36.1", "kubeProxyVersion": "",
        "operatingSystem": "linux", "architecture": "amd64",
    },
}  # fmt: skip


def resource_tree(app: Application) -> Json:
    """`ApplicationTree`: {} where nothing was ever rendered and nothing is live."""
    nodes = [node for key, found in app.cluster.live.items() for node in _nodes(app, key, found)]
    for target in app.targets.objects if app.targets else ():
        key = app.cluster.key(target)
        if key not in app.cluster.live and not hooks_of(target):
            nodes.append({**_identity(key, group_version(target)[1]), "health": {"status": "Missing"}})
    if not nodes:
        return {}
    nodes.sort(key=lambda n: (n.get("group", ""), n["kind"], n.get("namespace", ""), n["name"]))
    has_pods = any(node["kind"] == "Pod" for node in nodes)
    return {"nodes": nodes, **({"hosts": [HOST]} if has_pods else {})}


def find_node(app: Application, *, namespace: str, name: str, group: str, kind: str) -> Json | None:
    for node in resource_tree(app).get("nodes", []):
        same = (node.get("group", ""), node["kind"], node["name"]) == (group, kind, name)
        if same and node.get("namespace", "") == namespace:
            return dict(node)
    return None


def _identity(key: Key, version: str) -> Json:
    identity: Json = {"group": key.group} if key.group else {}
    identity |= {"version": version, "kind": key.kind}
    if key.namespace:
        identity["namespace"] = key.namespace
    return {**identity, "name": key.name}


def _nodes(app: Application, key: Key, found: LiveObject) -> list[Json]:
    meta = found.obj["metadata"]
    node = {**_identity(key, group_version(found.obj)[1]), "uid": meta["uid"]}
    revision = annotation(found.obj, REVISION)
    if revision:
        node["info"] = [{"name": "Revision", "value": f"Rev:{revision}"}]
    if key.kind == "Service" and (found.obj.get("spec") or {}).get("selector"):
        node["networkingInfo"] = {"targetLabels": found.obj["spec"]["selector"]}
    node["resourceVersion"] = meta["resourceVersion"]
    health = found.seen_health
    if health is not None:
        node["health"] = health.as_json()
    node["createdAt"] = meta["creationTimestamp"]
    return [node, *(_children(node, found, key) if key.kind in WORKLOADS else [])]


def _children(owner: Json, found: LiveObject, key: Key) -> list[Json]:
    spec = found.obj.get("spec") or {}
    digest = hashlib.sha256(compact(spec.get("template")).encode()).hexdigest()[:10]
    children: list[Json] = []
    parent = owner
    labels = {**template_labels(found.obj), "pod-template-hash": digest}
    if key.kind in {"Deployment", "Rollout"}:
        name = f"{key.name}-{digest}"
        parent = {
            "group": "apps", "version": "v1", "kind": "ReplicaSet", "namespace": key.namespace, "name": name,
            "uid": _uid(owner, name), "parentRefs": [_reference(owner)],
            "info": owner.get("info", []), "resourceVersion": owner["resourceVersion"],
            "health": {"status": "Healthy"}, "createdAt": owner["createdAt"],
        }  # fmt: skip
        children.append(parent)
    health = found.seen_health.as_json() if found.seen_health else {"status": "Healthy"}
    running = health["status"] in {"Healthy", "Suspended"}
    for number in range(int(spec.get("replicas", 1))):
        ordinal = str(number) if key.kind == "StatefulSet" else digest[number % 5 : number % 5 + 5]
        name = f"{parent['name']}-{ordinal}"
        children.append({
            "version": "v1", "kind": "Pod", "namespace": key.namespace, "name": name, "uid": _uid(owner, name),
            "parentRefs": [_reference(parent)],
            "info": [
                {"name": "Status Reason", "value": "Running" if running else "ContainerCreating"},
                {"name": "Node", "value": "node-1"}, {"name": "Containers", "value": "1/1" if running else "0/1"},
            ],
            "networkingInfo": {"labels": labels}, "resourceVersion": owner["resourceVersion"],
            "images": images_of(found.obj), "health": health if not running else {"status": "Healthy"},
            "createdAt": owner["createdAt"],
        })  # fmt: skip
    return children


def _reference(node: Json) -> Json:
    return {name: node[name] for name in ("group", "version", "kind", "namespace", "name", "uid") if name in node}


def _uid(owner: Json, name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(owner["uid"]), name))
