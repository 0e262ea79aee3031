"""Compares what Git says with what is live: per resource and for the application."""

from collections.abc import Sequence

from bot.sandbox.argocd.cluster import Cluster
from bot.sandbox.argocd.health import worst
from bot.sandbox.argocd.objects import Json, Key, group_version, hooks_of, images_of, wave_of


def resource_statuses(targets: Sequence[Json] | None, cluster: Cluster) -> list[Json]:
    """`status.resources` in the real order. Without targets (nothing could be rendered) every status is `Unknown`."""
    desired = {cluster.key(t): cluster.desired(t) for t in targets or () if not hooks_of(t)}
    rows = [_row(key, desired.get(key), cluster, known=targets is not None) for key in {*desired, *cluster.live}]
    return sorted(rows, key=lambda row: (row.get("group", ""), row["kind"], row.get("namespace", ""), row["name"]))


def sync_status(rows: Sequence[Json]) -> str:
    return "OutOfSync" if any(row.get("status") == "OutOfSync" for row in rows) else "Synced"


def health_status(rows: Sequence[Json]) -> str:
    """The application's health; hooks and resources without health do not count."""
    return worst(row["health"]["status"] for row in rows if row.get("health") and not row.get("hook"))


def live_images(cluster: Cluster) -> list[str]:
    return sorted({image for found in cluster.live.values() for image in images_of(found.obj)})


def _row(key: Key, desired: Json | None, cluster: Cluster, *, known: bool) -> Json:
    found = cluster.live.get(key)
    obj = found.obj if found else desired or {}
    row: Json = {"version": group_version(obj)[1], "kind": key.kind, "name": key.name}
    if key.group:
        row["group"] = key.group
    if key.namespace:
        row["namespace"] = key.namespace
    health = cluster.health(key)
    if health is not None:
        row["health"] = health.as_json()
    if found is not None and found.is_hook:
        row["hook"] = row["requiresPruning"] = True
        return row
    if not known:
        row["status"] = "Unknown"
    elif found is None:
        row["status"] = "OutOfSync"
    elif desired is None:
        row["status"] = "OutOfSync"
        row["requiresPruning"] = True
    else:
        row["status"] = "Synced" if cluster.in_sync(found, desired) else "OutOfSync"
    if wave_of(obj):
        row["syncWave"] = wave_of(obj)
    return row
