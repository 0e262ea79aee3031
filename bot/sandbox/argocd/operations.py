"""A running sync: one call of `step` looks at the cluster and the operation's state, and takes it one step on."""

import copy
from datetime import UTC, datetime

from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.objects import (
    Json,
    annotation,
    compact,
    delete_policies,
    same_selector,
    tags_of,
)
from bot.sandbox.argocd.plan import Task, plan
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.rendering import Rendered, Renderer, RenderFailed
from bot.sandbox.argocd.windows import duration
from bot.sandbox.argocd.wording import and_more, comparison_error, selector_refused, waiting_for, why_failed

WAVE_DELAY = 2.0
HOOK_DELETION = 2.0
TERMINATION = 1.0
WINDOW_CHECK = 1.0
UNTIL_SOMETHING_MOVES = 30.0
CONTROLLER = "argocd-application-controller"


class SyncEngine:
    """Level-triggered, as the real one: all it knows is in the Application, so that it can go on after a restart."""

    def __init__(
        self, clock: Clock, registry: Registry, renderer: Renderer, git: GitReader, projects: Projects
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._renderer = renderer
        self._git = git
        self._projects = projects
        self._written: dict[str, str] = {}

    def begin(self, app: Application) -> None:
        """The controller's first write of an operation."""
        app.status["operationState"] = {
            "operation": copy.deepcopy(app.operation), "phase": "Running", "startedAt": self._clock.stamp(),
        }  # fmt: skip
        self._tell(app)
        self._registry.save(app)

    async def step(self, app: Application) -> float | None:
        """Advance; answers the world seconds until the next step (sooner if the cluster moves), None at the end."""
        operation, state = app.operation, app.operation_state
        if operation is None or state is None:
            return None
        manual = not (operation.get("initiatedBy") or {}).get("automated")
        if not self._projects.may_sync(app, manual=manual):
            self._say(app, "Sync operation blocked by sync window")
            return WINDOW_CHECK
        if state["phase"] == "Terminating":
            await self._terminate(app, state)
            return None
        if state.get("finishedAt"):
            left = app.retry_at - self._clock.epoch()
            if left > 0:
                return left * self._clock.speed
            self._retry(app, state)
        return await self._sync(app, operation["sync"], state)

    async def _sync(self, app: Application, sync: Json, state: Json) -> float | None:
        source = sync.get("source") or app.source
        url = str(source.get("repoURL", ""))
        revision = str(sync.get("revision") or source.get("targetRevision") or "HEAD")
        result: Json = copy.deepcopy(state.get("syncResult") or {"revision": revision, "source": source})
        try:
            rendered = await self._renderer.render(
                self._git.repository(url), url, revision, str(source.get("path", "."))
            )
        except RenderFailed as failed:
            self._end(app, "Error", f"ComparisonError: {comparison_error(failed)}", result)
            return self._left(app)
        result["revision"] = rendered.commit
        tasks = plan(sync, rendered.objects, app.cluster, commit=rendered.commit, started=state["startedAt"])
        if sync.get("dryRun"):
            self._dry_run(app, [t for t in tasks if t.phase != "SyncFail"], sync, result)
            return None
        return await self._advance(app, tasks, rendered, sync, result)

    async def _advance(
        self, app: Application, tasks: list[Task], rendered: Rendered, sync: Json, result: Json
    ) -> float | None:
        self._look_after_running(app, tasks, result)
        running = [t for t in tasks if _phase(t, result) == "Running"]
        if running:
            self._say(app, waiting_for(running), result)
            return UNTIL_SOMETHING_MOVES
        failed = [t for t in tasks if _phase(t, result) == "Failed"]
        pending = [t for t in tasks if _phase(t, result) is None and (t.phase == "SyncFail") == bool(failed)]
        if failed and not pending:
            lines = [line for task in failed if (line := _line(task, result))]
            self._end(app, "Failed", why_failed(lines), result, after=tasks)
            return self._left(app)
        if not pending:
            self._end(app, "Succeeded", "successfully synced (no more tasks)", result, after=tasks)
            return None
        group = [t for t in pending if t.turn == pending[0].turn]
        remaining = [t for t in pending if t.turn != pending[0].turn or t.is_hook]
        stale = [t for t in group if _must_go_first(t, app)]
        if stale:
            for task in stale:
                app.cluster.delete(task.key)
            await self._clock.sleep(HOOK_DELETION)
            self._say(app, and_more(f"waiting for deletion of hook {stale[0].key.label}", len(stale), "hooks"), result)
            return 0
        lines = [self._run(task, app, rendered, sync) for task in group]
        if remaining and not any(line["hookPhase"] == "Failed" for line in lines):
            await self._clock.sleep(WAVE_DELAY)
        result.setdefault("resources", []).extend(lines)
        self._say(app, waiting_for(group), result)
        if remaining or failed or any(line["hookPhase"] == "Failed" for line in lines):
            return 0
        self._end(app, "Succeeded", "successfully synced (all tasks run)", result, after=tasks)
        return None

    def _left(self, app: Application) -> float | None:
        """What `step` answers after `_end`: a retry may be due later."""
        return 0 if app.operation is not None else None

    def _run(self, task: Task, app: Application, rendered: Rendered, sync: Json) -> Json:
        """Carry one task out and answer its line."""
        if task.target is None:
            if "Prune=false" in annotation(task.obj, "argocd.argoproj.io/sync-options"):
                return task.result("PruneSkipped", "ignored (no prune)", "Succeeded")
            if not sync.get("prune"):
                return task.result("PruneSkipped", "ignored (requires pruning)", "Succeeded")
            app.cluster.delete(task.key)
            return task.result("Pruned", "pruned", "Succeeded")
        if not same_selector(task.target):
            return task.result("SyncFailed", selector_refused(task), "Failed")
        doomed = task.is_hook and (_fails_hooks(task.obj) or (task.phase == "PreSync" and _any_fails(rendered)))
        word = app.cluster.apply(task.target, doomed=doomed)
        return task.result("Synced", f"{task.key.applied_as} {word}", "Running")

    def _look_after_running(self, app: Application, tasks: list[Task], result: Json) -> None:
        for task in tasks:
            line = _line(task, result)
            if line is None or line["hookPhase"] != "Running":
                continue
            health = app.cluster.health(task.key)
            status = health.status if health else "Healthy"
            if status == "Missing" and task.is_hook:
                line |= {"hookPhase": "Failed", "message": "hook was deleted"}
            elif status in {"Healthy", "Degraded"}:
                line["hookPhase"] = "Succeeded" if status == "Healthy" else "Failed"
                if health and (task.is_hook or status == "Degraded"):
                    line["message"] = health.message or line["message"]

    def _dry_run(self, app: Application, tasks: list[Task], sync: Json, result: Json) -> None:
        lines = []
        for task in tasks:
            if task.target is not None:
                message = f"{task.key.applied_as} {app.cluster.preview(task.target)} (dry run)"
                lines.append(task.result("Synced", message, "Succeeded"))
            elif sync.get("prune"):
                lines.append(task.result("Pruned", "pruned (dry run)", "Succeeded"))
            else:
                lines.append(task.result("PruneSkipped", "ignored (requires pruning)", "Succeeded"))
        if lines:
            result["resources"] = lines
        self._end(app, "Succeeded", "successfully synced (no more tasks)", result)

    async def _terminate(self, app: Application, state: Json) -> None:
        self._say(app, "operation is terminating")
        for line in (state.get("syncResult") or {}).get("resources") or []:
            if line.get("hookType") and line["hookPhase"] == "Running":
                line |= {"hookPhase": "Failed", "message": "Terminated"}
                found = next((k for k in app.cluster.live if (k.kind, k.name) == (line["kind"], line["name"])), None)
                if found:
                    app.cluster.delete(found)
        await self._clock.sleep(TERMINATION)
        self._finish(app, "Failed", "Operation terminated")

    def _retry(self, app: Application, state: Json) -> None:
        state.pop("finishedAt", None)
        state.pop("syncResult", None)
        self._say(app, f"Retrying operation. Attempt #{state['retryCount']}")

    def _end(
        self, app: Application, phase: str, message: str, result: Json, *, after: list[Task] | None = None
    ) -> None:
        """End the operation, or set it up for its next try where it failed and may be retried."""
        state, operation = app.operation_state or {}, app.operation or {}
        state["syncResult"] = result
        for task in after or []:
            policy = {"Succeeded": "HookSucceeded", "Failed": "HookFailed"}.get(phase)
            if task.is_hook and policy in delete_policies(task.obj):
                app.cluster.delete(task.key)
        retry = operation.get("retry") or {}
        limit, count = int(retry.get("limit") or 0), int(state.get("retryCount", 0))
        if phase != "Succeeded" and (limit < 0 or count < limit):
            self._set_up_retry(app, state, retry, message, count + 1)
        else:
            if phase != "Succeeded" and count:
                message = f"{message} (retried {count} times)."
            self._finish(app, phase, message)

    def _set_up_retry(self, app: Application, state: Json, retry: Json, message: str, count: int) -> None:
        backoff = retry.get("backoff") or {}
        seconds = duration(str(backoff.get("duration") or "5s")).total_seconds()
        longest = duration(str(backoff.get("maxDuration") or "3m")).total_seconds()
        seconds = min(longest, seconds * float(backoff.get("factor") or 2) ** count)
        app.retry_at = self._clock.epoch() + self._clock.real(seconds)
        due = datetime.fromtimestamp(app.retry_at, UTC)
        at = due.strftime("%I:%M%p").lstrip("0")
        state["finishedAt"] = self._clock.stamp()
        state["retryCount"] = count
        self._say(app, f"{message}. Retrying attempt #{count} at {at}.")

    def _finish(self, app: Application, phase: str, message: str) -> None:
        state, operation = app.operation_state or {}, app.operation or {}
        sync = operation.get("sync") or {}
        state |= {"phase": phase, "message": message, "finishedAt": self._clock.stamp()}
        if phase == "Succeeded" and not sync.get("dryRun") and not sync.get("resources"):
            self._remember_deployment(app, state, operation)
        app.operation = None
        self._tell(app)
        self._registry.record_event(app, "OperationCompleted", f"Sync operation ended: {phase}: {message}", CONTROLLER)
        self._registry.save(app)

    def _remember_deployment(self, app: Application, state: Json, operation: Json) -> None:
        history = app.status.setdefault("history", [])
        history.append({
            "revision": state["syncResult"]["revision"], "deployedAt": state["finishedAt"],
            "id": history[-1]["id"] + 1 if history else 0, "source": state["syncResult"]["source"],
            "deployStartedAt": state["startedAt"], "initiatedBy": operation.get("initiatedBy") or {},
        })  # fmt: skip
        limit = app.spec.get("revisionHistoryLimit", 10)
        app.status["history"] = history[-limit:] if limit else []

    def _say(self, app: Application, message: str, result: Json | None = None) -> None:
        """Write the state with this message and result, if that is news; nobody sees them before."""
        state = app.operation_state or {}
        if result is not None:
            state["syncResult"] = result
        state["message"] = message
        self._tell(app)
        news = compact(state)
        if self._written.get(app.name) != news:
            self._written[app.name] = news
            self._registry.save(app)

    def _tell(self, app: Application) -> None:
        """Keep the operation's record up to date."""
        state = app.operation_state or {}
        if app.operations:
            record = app.operations[-1]
            record.phase, record.message = state.get("phase", record.phase), state.get("message", "")
            record.revision = (state.get("syncResult") or {}).get("revision", record.revision)


def _line(task: Task, result: Json) -> Json | None:
    return next((line for line in result.get("resources") or [] if task.is_told_by(line)), None)


def _phase(task: Task, result: Json) -> str | None:
    line = _line(task, result)
    return line["hookPhase"] if line else None


def _must_go_first(task: Task, app: Application) -> bool:
    return task.is_hook and "BeforeHookCreation" in delete_policies(task.obj) and task.key in app.cluster.live


def _fails_hooks(obj: Json) -> bool:
    return any(tag.endswith("-hookfail") for tag in tags_of(obj))


def _any_fails(rendered: Rendered) -> bool:
    return any(_fails_hooks(obj) for obj in rendered.objects)
