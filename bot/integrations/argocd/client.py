"""The Argo CD client: what `bot.ports.Argocd` promises, over one instance's REST API (v2.13 and newer)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType

import structlog

from bot.domain.identity import Revision, is_revision
from bot.domain.live import LiveApplication, Phase, SyncWindows
from bot.domain.pipeline import ArgocdInstance, ArgocdReference
from bot.integrations.argocd import wire
from bot.integrations.argocd.errors import API, SYSTEM
from bot.integrations.argocd.reading import live_application
from bot.integrations.argocd.support import ROLLING_SYNC, application_set_of
from bot.integrations.argocd.transport import Patience, Query, Transport, W, path_of
from bot.integrations.argocd.watch import Watch
from bot.integrations.argocd.windows import sync_windows
from bot.meter import SILENT, Meter
from bot.ports import Clock, Denied, NotFound, OutsideError, Refused, Unavailable

log = structlog.get_logger(__name__)

APPLICATIONS = ("api", "v1", "applications")
DEFAULT_NAMESPACE = "argocd"
QUEUED_PAUSE = 0.5
MOST_REFRESHES = 3
"""They last, and take every place for half a minute when the controller is down: the other reads must go on."""
SET_KNOWN_FOR = 300.0
"""Seconds for which an ApplicationSet's strategy is not asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionMetadata:
    """What Argo CD knows of a commit. All text is untrusted."""

    author: str
    date: datetime | None
    message: str


class ArgocdClient:
    """One Argo CD instance. Implements `bot.ports.Argocd`; every method raises that module's errors alone.

    The project and the namespace go with every call: only so a missing application is told from a missing right.
    `projects` restricts what is watched. Close it when done, or use it as a context manager.
    """

    def __init__(
        self,
        instance: ArgocdInstance,
        *,
        clock: Clock,
        patience: Patience | None = None,
        projects: tuple[str, ...] = (),
        meter: Meter = SILENT,
    ) -> None:
        self._instance, self._clock, self._projects = instance, clock, projects
        self._patience = patience or Patience()
        self._transport = Transport(instance, self._patience, meter=meter)
        self._refreshing = asyncio.Semaphore(MOST_REFRESHES)
        self._control_plane: str | None = None
        self._rolling: dict[tuple[str, str], tuple[float, bool]] = {}  # ApplicationSet → until when known, RollingSync

    async def __aenter__(self) -> "ArgocdClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def get(self, reference: ArgocdReference, *, refresh: bool = False) -> LiveApplication:
        """Read from Kubernetes itself, never from a cache. A refresh ends after `Patience.refresh` at the latest.

        An Application that an ApplicationSet made is looked up there too, for RollingSync, where we may. One that was
        moved to another project is found there all the same: whoever asked compares the projects.
        """
        path = path_of(*APPLICATIONS, reference.name)
        if refresh:
            live = await self._refreshed(path, reference)
        else:
            live = await self._wherever(path, wire.Application, reference)
        if live.metadata.name != reference.name:
            raise API.not_understood(f"an answer for {reference.name} that names {live.metadata.name or 'nothing'}")
        return await self._with_rolling_sync(live, live_application(live))

    async def list(self, project: str | None = None) -> tuple[LiveApplication, ...]:
        """All that we may see, from Argo CD's cache: may trail a write; without resources' health and RollingSync."""
        query = [("projects", project)] if project else []
        answer = await self._transport.get(path_of(*APPLICATIONS), wire.ApplicationList, query)
        return tuple(live_application(live) for live in answer.items)

    async def sync_windows(self, reference: ArgocdReference) -> SyncWindows:
        """Argo CD's verdict for a manual sync; where it is no, the project is read for zones and descriptions."""
        path = path_of(*APPLICATIONS, reference.name, "syncwindows")
        answer = await self._wherever(path, wire.Windows, reference)
        if answer.can_sync:
            return sync_windows(answer, None)
        try:
            path = path_of("api", "v1", "projects", reference.project, "detailed")
            found = await self._transport.get(path, wire.DetailedProject)
        except OutsideError as error:
            log.debug("argocd.windows.undetailed", application=reference.name, reason=error.reason)
            return sync_windows(answer, None)
        defined = [window for each in (found.project, *found.global_projects) for window in each.spec.sync_windows]
        return sync_windows(answer, defined, now=self._clock.now())

    async def start_sync(
        self, reference: ArgocdReference, *, revision: Revision, prune: bool, infos: Mapping[str, str]
    ) -> None:
        """One POST, never repeated here. Argo CD takes any full SHA, also one that does not exist: prove it by Git."""
        if not is_revision(revision):
            raise ValueError(f"{revision!r} is not a full commit SHA")
        body = {
            "appNamespace": reference.namespace,
            "project": reference.project,
            "revision": revision,
            "prune": prune,
            "infos": [{"name": name, "value": value} for name, value in infos.items()],
        }
        await self._transport.send("POST", path_of(*APPLICATIONS, reference.name, "sync"), body=body)

    async def terminate(self, reference: ArgocdReference) -> None:
        """Ask for the end; Argo CD answers that nothing runs while an operation still waits for its controller.

        That is waited out for `Patience.queued`; then it is `Unavailable`, not "nothing running".
        """
        path = path_of(*APPLICATIONS, reference.name, "operation")
        give_up_at = asyncio.get_running_loop().time() + self._patience.queued
        while True:
            try:
                await self._transport.send("DELETE", path, _place(reference))
                return
            except Refused as refusal:
                if refusal.slug != "nothing-running":
                    raise
                running = (await self.get(reference)).operation
                if running is None or running.phase.is_over:
                    raise
                if asyncio.get_running_loop().time() >= give_up_at:
                    waiting = "waits for its controller" if running.phase is Phase.PENDING else "only just started"
                    raise Unavailable(SYSTEM, f"the operation {waiting} and cannot be ended yet") from refusal
            await asyncio.sleep(min(QUEUED_PAUSE, self._patience.queued / 4))

    async def can_i(self, action: str, reference: ArgocdReference) -> bool:
        """Whether our account may, by policy (`get`, `sync`, `override` …); that the application exists is not asked.

        Argo CD cannot be asked for a resource action (`action/<group>/<kind>/<name>`): it always says no.
        """
        target = [reference.project, reference.name]
        if reference.namespace != await self._control_plane_namespace():
            target.insert(1, reference.namespace)
        path = path_of("api", "v1", "account", "can-i", "applications", action, *target)
        return (await self._transport.get(path, wire.Verdict)).value == "yes"

    async def version(self) -> str:
        """As `v3.5.1`, without build suffix; `unknown` where the server does not tell."""
        answer = await self._transport.get(path_of("api", "version"), wire.Version)
        return answer.version.partition("+")[0] or "unknown"

    async def find_username(self) -> str | None:
        """Whom our token stands for; None when it does not log us in (then we may still read as anonymous)."""
        answer = await self._transport.get(path_of("api", "v1", "session", "userinfo"), wire.UserInfo)
        return answer.username if answer.logged_in else None

    async def revision_metadata(self, reference: ArgocdReference, revision: Revision) -> RevisionMetadata:
        path = path_of(*APPLICATIONS, reference.name, "revisions", revision, "metadata")
        answer = await self._transport.get(path, wire.RevisionMetadata, _place(reference))
        return RevisionMetadata(author=answer.author, date=answer.date, message=answer.message)

    def watch(self) -> AsyncGenerator[ArgocdReference | None, None]:
        """See the port. Its tasks end when the iteration is cancelled, or the generator closed."""
        watch = Watch(self._transport, instance=self._instance.name, projects=self._projects, patience=self._patience)
        return watch.references()

    def page_of(self, reference: ArgocdReference) -> str:
        return self._instance.server.rstrip("/") + path_of("applications", reference.namespace, reference.name)

    async def _refreshed(self, path: str, reference: ArgocdReference) -> wire.Application:
        async with self._refreshing:
            try:
                return await self._transport.get(
                    path,
                    wire.Application,
                    [("refresh", "normal"), *_place(reference)],
                    # Argo CD would wait for its controller for ever. Ours is the later deadline: its answer says more.
                    deadline=self._patience.refresh + self._patience.connect,
                    headers=[("Grpc-Timeout", f"{round(self._patience.refresh * 1000)}m")],
                )
            except (NotFound, Denied):
                pass
        return await self._wherever(path, wire.Application, reference)

    async def _wherever(self, path: str, model: type[W], reference: ArgocdReference) -> W:
        """Read in the reference's project; where Argo CD has no such Application there, in whichever it is."""
        query = _place(reference)
        try:
            return await self._transport.get(path, model, query)
        except (NotFound, Denied) as refusal:
            if refusal.slug not in ("not-found", "permission-denied"):
                raise
            with contextlib.suppress(OutsideError):
                return await self._transport.get(path, model, [pair for pair in query if pair[0] != "project"])
            if isinstance(refusal, Denied):
                raise
        reason = (
            f"there is no Application {reference.name} in project {reference.project} (namespace "
            f"{reference.namespace}), or it was moved to a project in which we may not see it"
        )
        way_out = "Compare name, namespace and project with Argo CD's."
        raise NotFound(SYSTEM, "not-found", reason, way_out=way_out)

    async def _with_rolling_sync(self, live: wire.Application, application: LiveApplication) -> LiveApplication:
        owner = application_set_of(live)
        if owner is None or not await self._is_rolling(live.metadata.namespace, owner):
            return application
        return replace(application, unsupported=(*application.unsupported, ROLLING_SYNC))

    async def _is_rolling(self, namespace: str, name: str) -> bool:
        """Whether the ApplicationSet syncs in steps; no where we may not read it. Asked every few minutes."""
        now = asyncio.get_running_loop().time()
        until, rolling = self._rolling.get((namespace, name), (0.0, False))
        if now < until:
            return rolling
        try:
            path = path_of("api", "v1", "applicationsets", name)
            found = await self._transport.get(path, wire.ApplicationSet, [("appsetNamespace", namespace)])
            rolling = found.spec.strategy.type == "RollingSync"
        except Refused as refusal:
            log.debug("argocd.applicationset.unread", applicationset=name, reason=refusal.reason)
            rolling = False
        self._rolling[namespace, name] = (now + SET_KNOWN_FOR, rolling)
        return rolling

    async def _control_plane_namespace(self) -> str:
        """Where Argo CD itself lives, asked once: policies name applications elsewhere with their namespace."""
        if self._control_plane is None:
            answer = await self._transport.get(path_of("api", "v1", "settings"), wire.Settings)
            self._control_plane = answer.controller_namespace or DEFAULT_NAMESPACE
        return self._control_plane


def _place(reference: ArgocdReference) -> Query:
    return [("project", reference.project), ("appNamespace", reference.namespace)]
