"""The ordered steps of one sync: what is applied, run as a hook or pruned, in which phase and wave."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.sandbox.argocd.cluster import Cluster
from bot.sandbox.argocd.objects import (
    HOOK_TYPES,
    Json,
    Key,
    group_version,
    hooks_of,
    images_of,
    kind_position,
    metadata,
    wave_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step. `target` is None where the live object is to be pruned."""

    phase: str
    wave: int
    key: Key
    obj: Json
    target: Json | None
    is_hook: bool

    @property
    def turn(self) -> tuple[int, int]:
        """Tasks of one turn are run together."""
        return HOOK_TYPES.index(self.phase), self.wave

    def result(self, status: str, message: str, phase: str) -> Json:
        """The task's line in `syncResult.resources`."""
        group, version = group_version(self.obj)
        line: Json = {
            "group": group, "version": version, "kind": self.key.kind, "namespace": self.key.namespace,
            "name": self.key.name, "status": status, "message": message,
        }  # fmt: skip
        if self.is_hook:
            line["hookType"] = self.phase
        line |= {"hookPhase": phase, "syncPhase": self.phase}
        images = images_of(self.obj) if self.target is not None else []
        return {**line, "images": images} if images else line

    def is_told_by(self, line: Json) -> bool:
        told = (line["group"], line["kind"], line["namespace"], line["name"])
        return told == tuple(self.key) and line["syncPhase"] == self.phase


def plan(sync: Json, targets: Sequence[Json], cluster: Cluster, *, commit: str, started: str) -> list[Task]:
    """All tasks of a sync in order. A partial or apply-only sync has no hooks."""
    chosen = sync.get("resources") or []
    with_hooks = not chosen and "apply" not in (sync.get("syncStrategy") or {})
    tasks: list[Task] = []
    wanted: set[Key] = set()
    for target in targets:
        hooks = hooks_of(target)
        if "Skip" in hooks:
            continue
        if not hooks:
            wanted.add(cluster.key(target))
            tasks.append(_task("Sync", cluster.key(target), target, target, is_hook=False))
        elif with_hooks:
            for phase in (hook for hook in hooks if hook in HOOK_TYPES):
                named = _named(target, phase, commit, started)
                tasks.append(_task(phase, cluster.key(named), named, named, is_hook=True))
    for key, found in cluster.live.items():
        if key not in wanted and not found.is_hook:
            tasks.append(_task("Sync", key, found.obj, None, is_hook=False))
    if chosen:
        tasks = [task for task in tasks if any(_chosen(task.key, one) for one in chosen)]
    return sorted(tasks, key=_order)


def _task(phase: str, key: Key, obj: Json, target: Json | None, *, is_hook: bool) -> Task:
    return Task(phase=phase, wave=wave_of(obj), key=key, obj=obj, target=target, is_hook=is_hook)


def _order(task: Task) -> tuple[tuple[int, int], bool, int, str]:
    return task.turn, task.target is not None, kind_position(task.key.kind), task.key.name


def _chosen(key: Key, one: Json) -> bool:
    same = (one.get("group") or "", one.get("kind"), one.get("name")) == (key.group, key.kind, key.name)
    return same and one.get("namespace") in {None, "", key.namespace}


def _named(hook: Json, phase: str, commit: str, started: str) -> Json:
    """A hook with `generateName` gets a name of its own for each operation."""
    meta = metadata(hook)
    if meta.get("name") or not meta.get("generateName"):
        return hook
    digits = "".join(c for c in started if c.isdigit())
    return {**hook, "metadata": {**meta, "name": f"{meta['generateName']}{commit[:7]}-{phase.lower()}-{digits}"}}
