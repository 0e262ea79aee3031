"""The control API's `POST /api/argocd`: what people and scripts do to Argo CD and its clusters."""

import copy
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from bot.sandbox.argocd.admission import Admission
from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.cluster import Invalid
from bot.sandbox.argocd.controller import Controller
from bot.sandbox.argocd.health import BEST_TO_WORST, Health
from bot.sandbox.argocd.merging import merge_patch
from bot.sandbox.argocd.objects import Json, Key
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.rbac import Accounts
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.shapes import APPLICATION, misfit
from bot.sandbox.argocd.wire import PRECONDITION, ApiError
from bot.sandbox.control.http import Body, ControlError, read_body
from bot.sandbox.seeded import USERS, SeededUser

NOT_PATCHED = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")
"""Of the metadata: the API server's own."""
Act = Literal["sync", "terminate", "health", "drift", "window", "autosync", "spec", "flag"]


class Request(Body):
    user: str = Field(alias="as")
    application: str = ""
    do: Act
    revision: str | None = None
    prune: bool | None = None
    resource: str | None = None
    status: str | None = None
    message: str = ""
    patch: dict[str, Any] | None = None
    kind: Literal["allow", "deny"] | None = None
    minutes: float | None = Field(default=None, gt=0, le=7 * 24 * 60)
    manual_sync: bool = False
    clear: bool = False
    enabled: bool | None = None
    self_heal: bool | None = None
    require_override: bool | None = None
    grant_override: bool | None = None


class ArgocdControl:
    """Admins and members may do everything here; what they ask for goes the way of the API where there is one."""

    def __init__(
        self, registry: Registry, projects: Projects, accounts: Accounts, admission: Admission, controller: Controller
    ) -> None:
        self._registry = registry
        self._projects = projects
        self._accounts = accounts
        self._admission = admission
        self._controller = controller

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/argocd", self.act)]

    async def act(self, request: web.Request) -> web.Response:
        asked = await read_body(request, Request)
        user = _person(asked.user)
        if asked.do == "flag":
            return web.json_response(self._flag(asked))
        app = self._registry.find(asked.application)
        if app is None:
            raise ControlError(404, "no_such_application", f"no application {asked.application!r}", "application")
        match asked.do:
            case "sync":
                await self._sync(app, asked, user)
            case "terminate":
                self._terminate(app)
            case "health":
                self._health(app, asked)
            case "drift":
                self._drift(app, asked)
            case "window":
                self._window(app, asked)
            case "autosync":
                await self._autosync(app, asked)
            case "spec":
                await self._spec(app, _given(asked, "patch"))
        return web.json_response({"application": app.name})

    async def _sync(self, app: Application, asked: Request, user: SeededUser) -> None:
        body: Json = {"revision": asked.revision, "prune": bool(asked.prune)}
        try:
            await self._admission.sync(app, body, self._accounts.admin, user.name)
        except ApiError as error:
            raise _as_control(error) from None

    def _terminate(self, app: Application) -> None:
        try:
            self._admission.terminate(app)
        except ApiError as error:
            raise ControlError(409, "nothing_running", error.message) from None

    def _health(self, app: Application, asked: Request) -> None:
        key = self._resource(app, asked)
        if asked.status is not None and asked.status not in BEST_TO_WORST:
            raise ControlError(400, "malformed", f"status: one of {', '.join(BEST_TO_WORST)}", "status")
        app.cluster.force_health(key, Health(asked.status, asked.message) if asked.status else None)

    def _window(self, app: Application, asked: Request) -> None:
        if asked.clear:
            self._projects.clear_windows(app)
            self._controller.wake(app)
            return
        kind, minutes = _given(asked, "kind"), _given(asked, "minutes")
        self._projects.open_window(app, kind, minutes, manual=asked.manual_sync)
        self._registry.touch()

    def _drift(self, app: Application, asked: Request) -> None:
        key, patch = self._resource(app, asked), _given(asked, "patch", or_null=True)
        try:
            app.cluster.drift(key, patch)
        except Invalid as invalid:
            raise ControlError(422, "refused", str(invalid), "patch") from None

    async def _autosync(self, app: Application, asked: Request) -> None:
        """What is not said stays as it is."""
        policy: Json = {
            "enabled": _given(asked, "enabled"), "prune": asked.prune, "selfHeal": asked.self_heal,
        }  # fmt: skip
        kept = {name: value for name, value in policy.items() if value is not None}
        await self._spec(app, {"spec": {"syncPolicy": {"automated": kept}}})

    async def _spec(self, app: Application, patch: Json) -> None:
        """Merge the patch into the whole object, as somebody with kubectl would; a changed spec is compared at once,
        and an operation that was written is run."""
        before = copy.deepcopy(app.spec)
        changed = merge_patch(app.as_json(), patch)
        if (why := misfit(changed, APPLICATION)) is not None:
            raise ControlError(422, "refused", f"Application {app.name} is invalid: {why}", "patch")
        operation = changed.get("operation") if "operation" in patch else app.operation
        if operation is not None and app.operation not in (None, operation):
            raise ControlError(409, "busy", "another operation is already in progress", "patch")
        kept = {name: app.metadata[name] for name in NOT_PATCHED if name in app.metadata}
        app.metadata, app.spec, app.status = {**changed["metadata"], **kept}, changed["spec"], changed["status"]
        if operation is None:
            app.operation = None
        self._registry.save(app)
        if operation is not None and app.operation is None:
            self._admission.write(app, operation)
        if app.spec != before:
            await self._controller.compare(app)

    def _flag(self, asked: Request) -> Json:
        if asked.require_override is not None:
            self._admission.require_override = asked.require_override
        if asked.grant_override is not None:
            self._accounts.grant_override(asked.grant_override)
        if asked.require_override is None and asked.grant_override is None:
            raise ControlError(400, "malformed", "require_override: Field required", "require_override")
        return {"require_override": self._admission.require_override}

    def _resource(self, app: Application, asked: Request) -> Key:
        name = _given(asked, "resource")
        key = app.cluster.find(name)
        if key is None:
            raise ControlError(404, "no_such_resource", f"{app.name} has no live {name!r}", "resource")
        return key


def _person(name: str) -> SeededUser:
    user = next((u for u in USERS if name in {u.id, u.name}), None)
    if user is None:
        raise ControlError(404, "no_such_user", f"no user {name!r}", "as")
    if user.kind != "member":
        raise ControlError(422, "not_allowed", f"{user.name} is {user.kind} and has no account in Argo CD", "as")
    return user


def _given(asked: BaseModel, field: str, *, or_null: bool = False) -> Any:
    """A field that this act needs. `or_null`: null says something, if it was written."""
    value = getattr(asked, field)
    if value is None and not (or_null and field in asked.model_fields_set):
        raise ControlError(400, "malformed", f"{field}: Field required", field)
    return value


def _as_control(error: ApiError) -> ControlError:
    busy = error.code == PRECONDITION and "already in progress" in error.message
    return ControlError(409 if busy else 422, "busy" if busy else "refused", error.message)
