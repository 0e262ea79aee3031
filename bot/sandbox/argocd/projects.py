"""The AppProjects of the server and their sync windows, as they concern an application."""

import uuid
from datetime import timedelta

from bot.sandbox.argocd.application import IN_CLUSTER, NAMESPACE, Application
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.windows import concerning, from_now, is_active, may_sync


class Projects:
    """Projects by name, as the API shows them."""

    def __init__(self, clock: Clock, registry: Registry) -> None:
        self._clock = clock
        self._registry = registry
        self.by_name: dict[str, Json] = {}

    def ensure(self, name: str) -> Json:
        if name not in self.by_name:
            self.by_name[name] = {
                "metadata": {
                    "name": name, "namespace": NAMESPACE, "uid": str(uuid.uuid4()),
                    "resourceVersion": self._registry.next_version(), "generation": 1,
                    "creationTimestamp": self._clock.stamp(),
                },
                "spec": {
                    "sourceRepos": ["*"], "destinations": [{"server": IN_CLUSTER, "namespace": "*"}],
                    "description": f"The {name} project",
                    "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
                },
                "status": {},
            }  # fmt: skip
        return self.by_name[name]

    def windows_of(self, application: Application) -> list[Json]:
        spec = (self.by_name.get(application.project) or {}).get("spec") or {}
        return concerning(spec, application.name, application.destination)

    def may_sync(self, application: Application, *, manual: bool) -> bool:
        return may_sync(self.windows_of(application), self._clock.now(), manual=manual)

    def active(self, windows: list[Json]) -> list[Json]:
        now = self._clock.now()
        return [window for window in windows if is_active(window, now)]

    def open_window(self, application: Application, kind: str, minutes: float, *, manual: bool) -> Json:
        """Add a window for this application that is active from now on."""
        window = from_now(
            kind, timedelta(minutes=minutes), self._clock.now(), manual=manual, application=application.name
        )
        project = self.ensure(application.project)
        project["spec"].setdefault("syncWindows", []).append(window)
        self._touch(project)
        return window

    def clear_windows(self, application: Application) -> None:
        """Take away every window that concerns this application."""
        project = self.ensure(application.project)
        gone = self.windows_of(application)
        left = [window for window in project["spec"].get("syncWindows") or [] if window not in gone]
        if left:
            project["spec"]["syncWindows"] = left
        else:
            project["spec"].pop("syncWindows", None)
        self._touch(project)

    def _touch(self, project: Json) -> None:
        project["metadata"]["resourceVersion"] = self._registry.next_version()
        project["metadata"]["generation"] += 1
