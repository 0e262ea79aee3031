"""All Applications of the server with their resource versions, and whoever watches them."""

import asyncio
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.argocd.application import EVENT_LIMIT, Application
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.objects import Json
from bot.sandbox.feed import Feed

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
WATCH_BUFFER = 1000


@dataclass(frozen=True, slots=True)
class WatchEvent:
    type: EventType
    application: Json


class Watcher:
    """One subscriber's buffer; when it is full, events are dropped without any sign, as in the real server."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[WatchEvent | None] = asyncio.Queue(WATCH_BUFFER)

    def offer(self, event: WatchEvent | None) -> None:
        """Hand over an event; None ends the stream."""
        if event is None:
            while self.queue.full():
                self.queue.get_nowait()
        if not self.queue.full():
            self.queue.put_nowait(event)


class Registry:
    """The store of Applications: `save` numbers a change and tells the watchers, and `moved` of what is not gone."""

    def __init__(self, clock: Clock, feed: Feed) -> None:
        self._clock = clock
        self._feed = feed
        self._applications: dict[str, Application] = {}
        self._watchers: set[Watcher] = set()
        self.moved: Callable[[Application], None] = lambda application: None
        self.version = 1000

    def __iter__(self) -> Iterator[Application]:
        """In the order of their names."""
        return iter([self._applications[name] for name in sorted(self._applications)])

    def find(self, name: str) -> Application | None:
        return self._applications.get(name)

    def next_version(self) -> str:
        self.version += 1
        return str(self.version)

    def add(self, application: Application) -> None:
        self._applications[application.name] = application
        self._number(application)
        self._tell("ADDED", application)

    def restore(self, application: Application) -> None:
        """Put back an application from a dump, unchanged."""
        self._applications[application.name] = application

    def save(self, application: Application) -> None:
        self._number(application)
        self._tell("MODIFIED", application)

    def remove(self, application: Application) -> None:
        if self._applications.pop(application.name, None) is not None:
            application.cluster.close()
            self._number(application)
            self._tell("DELETED", application)

    def record_event(self, application: Application, reason: str, message: str, component: str) -> None:
        """A Kubernetes event of the Application; only the newest are kept."""
        stamp = self._clock.stamp()
        version = self.next_version()
        application.events.append({
            "metadata": {
                "name": f"{application.name}.{version}", "namespace": application.metadata["namespace"],
                "uid": f"{application.metadata['uid'][:-8]}{int(version):08x}", "resourceVersion": version,
                "creationTimestamp": stamp,
                "annotations": {
                    "dest-namespace": application.cluster.namespace,
                    "dest-server": application.destination.get("server", ""),
                },
            },
            "involvedObject": {
                "kind": "Application", "namespace": application.metadata["namespace"], "name": application.name,
                "uid": application.metadata["uid"], "apiVersion": "argoproj.io/v1alpha1",
                "resourceVersion": application.metadata["resourceVersion"],
            },
            "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": stamp,
            "lastTimestamp": stamp, "count": 1, "type": "Normal", "eventTime": None,
        })  # fmt: skip
        del application.events[:-EVENT_LIMIT]

    def touch(self) -> None:
        """Something beside the applications changed that people look at."""
        self._feed.touch()

    def watch(self) -> Watcher:
        watcher = Watcher()
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def end_watches(self) -> None:
        for watcher in self._watchers:
            watcher.offer(None)

    def _number(self, application: Application) -> None:
        application.metadata["resourceVersion"] = self.next_version()
        application.metadata["generation"] = int(application.metadata.get("generation", 0)) + 1

    def _tell(self, event_type: EventType, application: Application) -> None:
        if self._watchers:
            event = WatchEvent(event_type, copy.deepcopy(application.as_json()))
            for watcher in self._watchers:
                watcher.offer(event)
        if event_type != "DELETED":
            self.moved(application)
        self._feed.touch()
