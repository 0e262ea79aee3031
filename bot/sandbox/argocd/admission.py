"""What the API server checks before it writes an operation, and the operations that it writes."""

import copy

from bot.sandbox.argocd.application import Application, record_of
from bot.sandbox.argocd.controller import Controller
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.rbac import Account, Accounts
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.wire import DENIED, INVALID, PRECONDITION, ApiError, required_missing

SERVER = "argocd-server"


class Admission:
    """Accepts or refuses syncs, rollbacks and terminations, in the real server's order of checks.

    `account` decides the rights, `username` is who is written down; they differ only for the control API's people.
    """

    def __init__(
        self, registry: Registry, projects: Projects, accounts: Accounts, git: GitReader, controller: Controller
    ) -> None:
        self._registry = registry
        self._projects = projects
        self._accounts = accounts
        self._git = git
        self._controller = controller
        self.require_override = False

    async def sync(self, app: Application, request: Json, account: Account, username: str) -> None:
        """Write a sync operation. Raises `ApiError`."""
        if not self._projects.may_sync(app, manual=True):
            raise ApiError(DENIED, "cannot sync: blocked by sync window")
        target = f"{app.project}/{app.name}"
        self._accounts.enforce(account, "applications", "sync", target)
        asked = str(request.get("revision") or "")
        if self.require_override and asked and asked != app.target_revision:
            self._accounts.enforce(account, "applications", "override", target)
        if request.get("manifests"):
            raise ApiError(PRECONDITION, "the sandbox does not sync local manifests")
        if app.is_deleting:
            raise ApiError(PRECONDITION, "application is deleting")
        dry_run = bool(request.get("dryRun"))
        if app.automated is not None and not dry_run and asked and asked != app.target_revision:
            raise ApiError(PRECONDITION, f"Cannot sync to {asked}: auto-sync currently set to {app.target_revision}")
        revision = await self._resolve(app, asked or app.target_revision or "HEAD")
        sync: Json = {"revision": revision}
        for name in ("prune", "dryRun"):
            if request.get(name):
                sync[name] = True
        if request.get("strategy"):
            sync["syncStrategy"] = _strategy(request["strategy"])
        if request.get("resources"):
            sync["resources"] = [_resource(one) for one in request["resources"]]
        sync["source"] = copy.deepcopy(app.source)
        options = request["syncOptions"].get("items") if request.get("syncOptions") is not None else app.sync_options
        if options:
            sync["syncOptions"] = list(options)
        operation: Json = {"sync": sync, "initiatedBy": {"username": username}}
        if request.get("infos"):
            operation["info"] = [{"name": i.get("name", ""), "value": i.get("value", "")} for i in request["infos"]]
        operation["retry"] = request.get("retryStrategy") or (app.spec.get("syncPolicy") or {}).get("retry") or {}
        self.write(app, operation)
        words = f"initiated {'dry-run ' if dry_run else ''}sync to {asked or app.target_revision} ({revision})"
        self._registry.record_event(app, "OperationStarted", f"{username} {words}", SERVER)

    def rollback(self, app: Application, request: Json, username: str) -> None:
        """Write a rollback operation. Raises `ApiError`; sync windows are not looked at."""
        if request.get("id") is None:
            required_missing("id")
        if app.is_deleting:
            raise ApiError(PRECONDITION, "application is deleting")
        if app.automated is not None:
            raise ApiError(PRECONDITION, "rollback cannot be initiated when auto-sync is enabled")
        wanted = int(request["id"])
        entry = next((h for h in app.history if h["id"] == wanted), None)
        if entry is None:
            qualified = f"{app.metadata['namespace']}/{app.name}"
            raise ApiError(INVALID, f"application {qualified} does not have deployment with id {wanted}")
        sync: Json = {"revision": entry["revision"]}
        for name in ("prune", "dryRun"):
            if request.get(name):
                sync[name] = True
        sync |= {"syncStrategy": {"apply": {}}, "source": copy.deepcopy(entry["source"])}
        if app.sync_options:
            sync["syncOptions"] = list(app.sync_options)
        self.write(app, {"sync": sync, "initiatedBy": {"username": username}, "retry": {}})
        self._registry.record_event(app, "OperationStarted", f"{username} initiated rollback to {wanted}", SERVER)

    def terminate(self, app: Application) -> None:
        """Ask the controller to end the running operation. Raises `ApiError`, also in the gap before it was begun."""
        state = app.operation_state
        if app.operation is None or state is None or "phase" not in state:
            raise ApiError(INVALID, "Unable to terminate operation. No operation is in progress")
        state["phase"] = "Terminating"
        if app.operations:
            app.operations[-1].phase = "Terminating"
        self._registry.save(app)
        self._controller.wake(app)

    def write(self, app: Application, operation: Json) -> None:
        """Write the operation, which drops `operationState`. Raises `ApiError` while another one is there."""
        if app.operation is not None:
            raise ApiError(PRECONDITION, "another operation is already in progress")
        app.operation = operation
        app.status.pop("operationState", None)
        app.operations.append(record_of(app, operation))
        self._registry.save(app)
        self._controller.run_operation(app)

    async def _resolve(self, app: Application, revision: str) -> str:
        url = str(app.source.get("repoURL", ""))
        repository = self._git.repository(url)
        resolved = await self._git.resolve(repository, revision) if repository else None
        if resolved is None:
            reason = f"unable to resolve '{revision}' to a commit SHA" if repository else f"repository not found: {url}"
            raise ApiError(PRECONDITION, f"error resolving repo revision: rpc error: code = Unknown desc = {reason}")
        return resolved


def _strategy(asked: Json) -> Json:
    """`apply` wins where both are given; a false `force` is not stored."""
    kind = "apply" if "apply" in asked else "hook"
    force = bool((asked.get(kind) or {}).get("force"))
    return {kind: {"force": True} if force else {}}


def _resource(asked: Json) -> Json:
    return {k: v for k, v in asked.items() if k in {"group", "kind", "name", "namespace"} and v}
