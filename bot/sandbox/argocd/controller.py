"""The application controller: compares, follows Git, runs operations, syncs and heals by itself."""

import asyncio
import contextlib
import copy
from datetime import datetime, timedelta

import structlog

from bot.sandbox.argocd.application import Application, record_of
from bot.sandbox.argocd.autosync import automated_operation
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.comparison import health_status, live_images, resource_statuses, sync_status
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.operations import CONTROLLER, SyncEngine
from bot.sandbox.argocd.plan import plan
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.rendering import Renderer, RenderFailed
from bot.sandbox.argocd.wording import comparison_error
from bot.sandbox.repositories import GitFailed
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

POLL_SECONDS = 3.0
FIRST_WRITE_SECONDS = 0.25
SHORTEST_POLL = 0.2
DEPLOYMENT_TOOK = timedelta(seconds=20)


class Controller:
    """Owns all background work. Status changes only here: a write to the API never compares by itself."""

    def __init__(
        self, clock: Clock, registry: Registry, renderer: Renderer, git: GitReader, projects: Projects
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._renderer = renderer
        self._git = git
        self._projects = projects
        self._engine = SyncEngine(clock, registry, renderer, git, projects)
        self._tasks = TaskSet("argocd")
        self._comparing: dict[str, asyncio.Lock] = {}
        self._wakers: dict[str, asyncio.Event] = {}
        self._stale: set[str] = set()
        self._operating: set[str] = set()

    def adopt(self, app: Application) -> None:
        """Follow this application's cluster from now on."""
        app.cluster.changed = lambda: self._moved(app)

    async def start(self) -> None:
        """Go on with operations that were under way, and begin to poll Git."""
        for app in self._registry:
            app.cluster.resume()
            if app.operation is not None:
                self.run_operation(app)
        self._tasks.start(self._poll(), name="poll")

    async def close(self) -> None:
        await self._tasks.close()
        for app in self._registry:
            app.cluster.close()

    def wake(self, app: Application) -> None:
        """Let the application's operation take its next step now."""
        if app.name in self._wakers:
            self._wakers[app.name].set()

    def run_operation(self, app: Application) -> None:
        """Begin to work on the operation that was written; nothing happens if that is under way."""
        if app.name in self._operating:
            return
        self._operating.add(app.name)
        self._tasks.start(self._operate(app), name=f"operation.{app.name}")

    async def compare(self, app: Application, *, hard: bool = False) -> None:
        """A full comparison with the tip of the target revision; then auto-sync may begin an operation."""
        async with self._comparing.setdefault(app.name, asyncio.Lock()):
            await self._compare(app, hard=hard)

    def refresh_soon(self, app: Application) -> None:
        """Compare in the background, as after a change of the spec."""
        self._tasks.start(self.compare(app), name=f"compare.{app.name}")

    async def refresh(self, app: Application, kind: str) -> None:
        """What `?refresh=` asks for: blocks until compared."""
        app.metadata.setdefault("annotations", {})["argocd.argoproj.io/hydrate"] = kind
        await self.compare(app, hard=kind == "hard")

    async def settle(self, app: Application, revision: str, at: datetime) -> None:
        """Make it so that `revision` was deployed at that time by a person's sync, and everything is at rest."""
        sync: Json = {"revision": revision, "source": copy.deepcopy(app.source)}
        if app.sync_options:
            sync["syncOptions"] = list(app.sync_options)
        started, finished = self._clock.stamp(at), self._clock.stamp(at + DEPLOYMENT_TOOK)
        by = {"username": "admin"}
        app.status["history"] = [{
            "revision": revision, "deployedAt": finished, "id": 0, "source": copy.deepcopy(app.source),
            "deployStartedAt": started, "initiatedBy": by,
        }]  # fmt: skip
        result: Json = {"revision": revision, "source": copy.deepcopy(app.source)}
        app.status["operationState"] = {
            "operation": {"sync": sync, "initiatedBy": by, "retry": {}}, "phase": "Succeeded",
            "message": "successfully synced (no more tasks)", "syncResult": result, "startedAt": started,
            "finishedAt": finished,
        }  # fmt: skip
        url = str(app.source.get("repoURL", ""))
        with contextlib.suppress(RenderFailed):
            rendered = await self._renderer.render(
                self._git.repository(url), url, revision, str(app.source.get("path", "."))
            )
            for target in rendered.objects:
                app.cluster.settle(target)
            tasks = plan(sync, rendered.objects, app.cluster, commit=revision, started=started)
            result["resources"] = [
                task.result("Synced", f"{task.key.applied_as} created", "Succeeded") for task in tasks
            ]

    def delete(self, app: Application) -> None:
        """Begin to delete an application with all that it deployed; it is gone a moment later."""
        if not app.is_deleting:
            app.metadata["deletionTimestamp"] = self._clock.stamp()
            self._registry.save(app)
            self._tasks.start(self._delete(app), name=f"delete.{app.name}")

    async def _delete(self, app: Application) -> None:
        await self._clock.sleep(1.0)
        self._registry.remove(app)

    async def _compare(self, app: Application, *, hard: bool) -> None:
        url, target = str(app.source.get("repoURL", "")), app.target_revision
        repository = self._git.repository(url)
        try:
            tip = await self._git.tip(repository, target) if repository else None
            app.seen_tip = tip
            app.targets = await self._renderer.render(
                repository, url, tip or target or "HEAD", str(app.source.get("path", ".")), fresh=hard
            )
        except (RenderFailed, GitFailed) as failed:
            app.targets = None
            self._set_condition(app, "ComparisonError", comparison_error(RenderFailed(str(failed))))
        else:
            self._drop_condition(app, "ComparisonError")
            app.status["sourceType"] = app.targets.source_type
        app.status["reconciledAt"] = self._clock.stamp()
        app.status |= {"resourceHealthSource": "appTree", "controllerNamespace": app.metadata["namespace"]}
        revision = app.targets.commit if app.targets else target
        if revision != app.status["sync"].get("revision"):
            app.heal_attempts = 0
        app.status["sync"] = {
            "status": app.status["sync"].get("status") or "Unknown",
            "comparedTo": {"source": copy.deepcopy(app.source), "destination": copy.deepcopy(app.destination)},
            "revision": revision,
        }
        self._assess(app)
        self._registry.save(app)
        self._auto_sync(app)

    def _assess(self, app: Application) -> None:
        """Set what follows from the live objects and the last rendered targets."""
        rows = resource_statuses(app.targets.objects if app.targets else None, app.cluster)
        status = app.status
        before = status["sync"].get("status", "")
        status["sync"]["status"] = sync_status(rows) if app.targets else "Unknown"
        status["resources"] = rows
        images = live_images(app.cluster)
        status["summary"] = {"images": images} if images else {}
        health = health_status(rows)
        if health != status["health"].get("status"):
            status["health"] = {"status": health, "lastTransitionTime": self._clock.stamp()}
        if before != status["sync"]["status"]:
            words = f"Updated sync status: {before} -> {status['sync']['status']}"
            self._registry.record_event(app, "ResourceUpdated", words, CONTROLLER)

    def _moved(self, app: Application) -> None:
        """Something moved in the cluster: assess once for all changes of this turn of the loop."""
        if app.name not in self._stale:
            self._stale.add(app.name)
            asyncio.get_running_loop().call_soon(self._reassess, app)
        self.wake(app)

    def _reassess(self, app: Application) -> None:
        self._stale.discard(app.name)
        before = copy.deepcopy(app.status)
        self._assess(app)
        if app.status != before:
            self._registry.save(app)
            self._auto_sync(app)

    def _auto_sync(self, app: Application) -> None:
        if app.operation is not None or app.is_deleting or app.targets is None:
            return
        decision = automated_operation(app, may_run=self._projects.may_sync(app, manual=False))
        if decision.trouble:
            self._set_condition(app, "SyncError", decision.trouble)
        else:
            self._drop_condition(app, "SyncError")
        if decision.operation is not None:
            app.heal_attempts += decision.heals
            self._write_automated(app, decision.operation)

    def _write_automated(self, app: Application, operation: Json) -> None:
        app.operation = operation
        app.status.pop("operationState", None)
        app.operations.append(record_of(app, operation))
        self._registry.record_event(
            app, "OperationStarted", f"Initiated automated sync to '{operation['sync']['revision']}'", CONTROLLER
        )
        self._registry.save(app)
        self.run_operation(app)

    async def _operate(self, app: Application) -> None:
        waker = self._wakers[app.name] = asyncio.Event()
        is_dry_run = bool((app.operation or {}).get("sync", {}).get("dryRun"))
        try:
            if app.operation_state is None:
                await self._clock.sleep(FIRST_WRITE_SECONDS)
                self._engine.begin(app)
            await self._step_to_the_end(app, waker)
        finally:
            del self._wakers[app.name]
            self._operating.discard(app.name)
        if not is_dry_run and self._registry.find(app.name) is app:
            await self.compare(app)

    async def _step_to_the_end(self, app: Application, waker: asyncio.Event) -> None:
        while (wait := await self._engine.step(app)) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._clock.real(wait)):  # wait_for could swallow a cancellation
                    await waker.wait()
            waker.clear()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(max(SHORTEST_POLL, self._clock.real(POLL_SECONDS)))
            for app in self._registry:
                try:
                    await self._look_at_git(app)
                except Exception:
                    log.exception("argocd.poll_failed", application=app.name)

    async def _look_at_git(self, app: Application) -> None:
        repository = self._git.repository(str(app.source.get("repoURL", "")))
        if repository is None:
            return
        tip = self._git.glance(repository, app.target_revision) or await self._git.tip(repository, app.target_revision)
        if tip != app.seen_tip:
            await self.compare(app)
        elif app.automated is not None and app.status["sync"]["status"] == "OutOfSync":
            self._auto_sync(app)  # a window may have opened meanwhile

    def _set_condition(self, app: Application, kind: str, message: str) -> None:
        conditions = app.status.setdefault("conditions", [])
        found = next((c for c in conditions if c["type"] == kind), None)
        if found is None:
            found = {"type": kind, "lastTransitionTime": self._clock.stamp()}
            conditions.append(found)
        found["message"] = message

    def _drop_condition(self, app: Application, kind: str) -> None:
        left = [c for c in app.status.get("conditions") or [] if c["type"] != kind]
        if left:
            app.status["conditions"] = left
        else:
            app.status.pop("conditions", None)
