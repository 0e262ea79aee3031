"""A simulated cluster, as one application sees it: live objects that are applied, roll out, drift and are pruned."""

import asyncio
import base64
import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.health import WORKLOADS, Course, Health, course_of, resting
from bot.sandbox.argocd.merging import merge_patch, predicted
from bot.sandbox.argocd.objects import LAST_APPLIED, WITHOUT_NAMESPACE, Json, Key, compact, hooks_of, key_of
from bot.sandbox.argocd.shapes import object_misfit
from bot.sandbox.dumping import saved

SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")
REVISION = "deployment.kubernetes.io/revision"


class Invalid(Exception):
    """The API server refuses the object; nothing was changed."""


@dataclass(slots=True)
class LiveObject:
    """One object in the cluster. `until` is when its course ends (epoch seconds), 0 when it has."""

    obj: Json
    applied: Json
    health: Health | None
    end: Health | None = None
    until: float = 0.0
    forced: Health | None = None

    @property
    def seen_health(self) -> Health | None:
        return self.forced or self.health

    @property
    def is_hook(self) -> bool:
        return bool(hooks_of(self.obj))


class Cluster:
    """Live objects of one application by key; `changed` is called after every change, also those of time alone."""

    def __init__(self, namespace: str, clock: Clock, next_version: Callable[[], str]) -> None:
        self.namespace = namespace
        self.live: dict[Key, LiveObject] = {}
        self.changed: Callable[[], None] = lambda: None
        self._clock = clock
        self._next_version = next_version
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def key(self, obj: Json) -> Key:
        return key_of(obj, self.namespace)

    def find(self, kind_and_name: str) -> Key | None:
        """The key of `Kind/name`, as the control API names resources."""
        return next((key for key in self.live if key.short == kind_and_name), None)

    def health(self, key: Key) -> Health | None:
        found = self.live.get(key)
        return found.seen_health if found else Health("Missing")

    def settle(self, target: Json) -> None:
        """Put an object there as if it had been deployed long ago."""
        desired = self.desired(target)
        self.live[self.key(desired)] = LiveObject(self._served(desired, None), desired, resting(desired))

    def preview(self, target: Json) -> str:
        """What applying would say: `created`, `configured` or `unchanged`."""
        desired = self.desired(target)
        found = self.live.get(self.key(desired))
        if found is None:
            return "created"
        if target.get("kind") == "Secret" and target.get("stringData"):
            return "configured"
        if hooks_of(target):
            return "configured"
        return "unchanged" if self.in_sync(found, desired) else "configured"

    def apply(self, target: Json, *, doomed: bool = False) -> str:
        """Create or change the object and start its course; answers as `preview`. `doomed` makes a Job fail."""
        word = self.preview(target)
        desired = self.desired(target)
        key = self.key(desired)
        found = self.live.get(key)
        if found is None:
            self.live[key] = LiveObject(self._served(desired, None), desired, None)
            self._start(key, course_of(desired, doomed=doomed))
        else:
            after = predicted(normal(found.obj), desired, found.applied)
            moved = rolls_out(normal(found.obj), after)
            if word == "configured":
                found.obj = self._served(after, found.obj)
            found.applied = desired
            found.obj["metadata"].setdefault("annotations", {})[LAST_APPLIED] = compact(desired) + "\n"
            if moved:
                self._start(key, course_of(after, doomed=doomed))
        self.changed()
        return word

    def delete(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        if self.live.pop(key, None) is not None:
            self.changed()

    def drift(self, key: Key, patch: Json | None) -> None:
        """Somebody changes (JSON merge patch) or, with None, deletes the object by hand. Raises `Invalid`."""
        if patch is None:
            self.delete(key)
            return
        found = self.live[key]
        before = normal(found.obj)
        patched = merge_patch(found.obj, patch)
        if (why := object_misfit(patched)) is not None:
            raise Invalid(f"{key.short} is invalid: {why}")
        if self.key(patched) != key:
            raise Invalid(f"{key.short}: apiVersion, kind, name and namespace cannot be changed")
        found.obj = self._served(patched, found.obj)
        if rolls_out(before, normal(found.obj)):
            self._start(key, course_of(found.obj))
        self.changed()

    def force_health(self, key: Key, health: Health | None) -> None:
        self.live[key].forced = health
        self.changed()

    def desired(self, target: Json) -> Json:
        """The object as the API server stores what is sent: with a namespace, Secrets' texts folded into data."""
        desired = copy.deepcopy(target)
        meta = desired.setdefault("metadata", {})
        if desired.get("kind") not in WITHOUT_NAMESPACE:
            meta.setdefault("namespace", self.namespace)
        texts = desired.pop("stringData", None) if desired.get("kind") == "Secret" else None
        if texts:
            encoded = {name: base64.b64encode(str(text).encode()).decode() for name, text in texts.items()}
            desired["data"] = {**(desired.get("data") or {}), **encoded}
        return desired

    def in_sync(self, found: LiveObject, desired: Json) -> bool:
        now = normal(found.obj)
        return bool(predicted(now, desired, found.applied) == now)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def dump(self) -> list[Json]:
        return [saved(found) for found in self.live.values()]

    def load(self, objects: list[Json]) -> None:
        for data in objects:
            found = LiveObject(**{
                **data, **{name: Health(**data[name]) if data[name] else None for name in ("health", "end", "forced")},
            })  # fmt: skip
            self.live[self.key(found.obj)] = found

    def resume(self) -> None:
        """Go on with the courses that were under way when `dump` was called."""
        for key, found in self.live.items():
            if found.until:
                self._arm(key, found.until - self._clock.epoch())

    def _start(self, key: Key, course: Course) -> None:
        found = self.live[key]
        found.health, found.end, found.until = course.meanwhile, course.end, 0.0
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        if course.seconds:
            seconds = self._clock.real(course.seconds)
            found.until = self._clock.epoch() + seconds
            self._arm(key, seconds)

    def _arm(self, key: Key, seconds: float) -> None:
        self._timers[key] = self._clock.later(seconds, lambda: self._arrive(key))

    def _arrive(self, key: Key) -> None:
        self._timers.pop(key, None)
        found = self.live.get(key)
        if found is not None:
            found.health, found.until = found.end, 0.0
            self.changed()

    def _served(self, obj: Json, before: Json | None) -> Json:
        """The object with the fields that the API server keeps."""
        served = copy.deepcopy(obj)
        meta = served.setdefault("metadata", {})
        old = (before or {}).get("metadata") or {}
        meta["uid"] = old.get("uid") or str(uuid.uuid4())
        meta["creationTimestamp"] = old.get("creationTimestamp") or self._clock.stamp()
        meta["resourceVersion"] = self._next_version()
        meta["generation"] = int(old.get("generation", 0)) + 1
        annotations = meta.setdefault("annotations", {})
        annotations.setdefault(LAST_APPLIED, compact(normal(obj)) + "\n")
        if obj.get("kind") == "Deployment":
            rolled = before is None or rolls_out(normal(before), normal(obj))
            previous = int((old.get("annotations") or {}).get(REVISION, 0))
            annotations[REVISION] = str(previous + 1 if rolled else previous)
        return served


def normal(obj: Json) -> Json:
    """A live object without what the API server and controllers add: what a comparison looks at."""
    plain = copy.deepcopy(obj)
    plain.pop("status", None)
    meta: Any = plain.get("metadata") or {}
    for name in SERVER_FIELDS:
        meta.pop(name, None)
    annotations = meta.get("annotations") or {}
    for name in (LAST_APPLIED, REVISION):
        annotations.pop(name, None)
    return plain


def rolls_out(before: Json, after: Json) -> bool:
    """Whether the change makes a workload's controller replace or add pods (or a Job run again)."""
    if after.get("kind") not in WORKLOADS:
        return after.get("kind") in {"CronJob"} and before != after
    old, new = before.get("spec") or {}, after.get("spec") or {}
    return any(old.get(name) != new.get(name) for name in ("template", "replicas", "paused"))
