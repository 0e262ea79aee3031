"""Applications: list with its white-listed projections, get with refresh, patch, spec, delete."""

import copy
import json
import random

from aiohttp import web

from bot.sandbox.argocd.application import NAMESPACE, Application
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.merging import PatchFailed, json_patch, merge_patch
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.rendering import RenderFailed
from bot.sandbox.argocd.rest.gateway import Server, body_of
from bot.sandbox.argocd.selectors import BadSelector, parse_selector
from bot.sandbox.argocd.wire import INVALID, UNKNOWN, ApiError, answer, field_names, required_missing

LISTABLE = (
    "metadata.name", "metadata.namespace", "metadata.annotations", "metadata.labels", "metadata.creationTimestamp",
    "metadata.deletionTimestamp", "spec", "spec.destination", "spec.project", "spec.source", "spec.sources",
    "spec.sourceHydrator", "spec.syncPolicy", "operation.sync", "status.sourceHydrator", "status.sync.status",
    "status.sync.revision", "status.health", "status.summary", "status.resources", "status.operationState.phase",
    "status.operationState.startedAt", "status.operationState.finishedAt", "status.operationState.operation.sync",
)  # fmt: skip
TYPED_NIL = frozenset({"metadata.labels", "metadata.annotations", "metadata.deletionTimestamp"})
PATCH_FIELDS = {"patch": str, "patchType": str, "appNamespace": str, "project": str}


class ApplicationEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._dice = random.Random(0)  # noqa: S311  # which of two broken answers, not a secret

    def routes(self) -> list[web.RouteDef]:
        one = "/api/v1/applications/{name}"
        return [
            web.get("/api/v1/applications", self.list_all),
            web.get(one, self.get),
            web.patch(one, self.patch),
            web.delete(one, self.delete),
            web.put(f"{one}/spec", self.put_spec),
        ]

    async def list_all(self, request: web.Request) -> web.Response:
        server, query = self._server, request.query
        account = server.caller(request)
        try:
            selected = parse_selector(query.get("selector", ""))
        except BadSelector as bad:
            raise ApiError(UNKNOWN, f"error parsing the selector: {bad}") from None
        projects = [query["project"]] if query.get("project") else query.getall("projects", [])
        found = [
            app for app in server.registry
            if account.may("applications", "get", f"{app.project}/{app.name}")
            and (not projects or app.project in projects)
            and query.get("name", app.name) in {"", app.name}
            and query.get("repo", "") in {"", app.source.get("repoURL")}
            and query.get("appNamespace", "") in {"", NAMESPACE}
            and selected(app.labels)
        ]  # fmt: skip
        meta = {"resourceVersion": str(server.registry.version)}
        fields = field_names(query.get("fields"))
        if fields is None:
            return answer({"metadata": meta, "items": [a.as_json(with_health=False) for a in found] or None})
        if self._projection_breaks(query["fields"], fields):
            return web.Response(
                status=500, body=b'{"error": "failed to marshal error message"}',
                headers={"Content-Type": "application/json"},
            )  # fmt: skip
        wanted = [name.removeprefix("items.") for name in fields if name.startswith("items.")]
        return answer({"items": [_projected(a, wanted) for a in found] or None, "metadata": meta})

    async def get(self, request: web.Request) -> web.Response:
        server = self._server
        projects = [*request.query.getall("project", []), *request.query.getall("projects", [])]
        if len(projects) > 1:
            server.caller(request)
            raise ApiError(INVALID, "multiple projects specified - the get endpoint accepts either zero or one project")
        app, _ = server.application(request, "get", project=projects[0] if projects else "")
        if "refresh" in request.query:
            await server.controller.refresh(app, "hard" if request.query["refresh"] == "hard" else "normal")
        return answer(app.as_json())

    async def patch(self, request: web.Request) -> web.Response:
        body = await body_of(request, "ApplicationPatchRequest", PATCH_FIELDS)
        for name in ("patch", "patchType"):
            if name not in body:
                required_missing(name)
        server = self._server
        app, account = server.application(
            request, "get", project=body.get("project", ""), namespace=body.get("appNamespace", "")
        )
        server.accounts.enforce(account, "applications", "update", f"{app.project}/{app.name}")
        patched = _patched(app, body["patchType"], body["patch"])
        project = str(patched["spec"].get("project") or "default")
        if project != app.project:
            server.accounts.enforce(account, "applications", "create", f"{project}/{app.name}")
        await self._store(app, patched["spec"], patched["metadata"])
        return answer(app.as_json(with_health=False))

    async def put_spec(self, request: web.Request) -> web.Response:
        app, account = self._server.application(request, "get")
        self._server.accounts.enforce(account, "applications", "update", f"{app.project}/{app.name}")
        try:
            spec = json.loads(await request.text())
        except ValueError:
            raise ApiError(INVALID, "unexpected EOF") from None
        await self._store(app, spec, app.metadata)
        return answer(app.spec)

    async def delete(self, request: web.Request) -> web.Response:
        app, account = self._server.application(request, "get")
        self._server.accounts.enforce(account, "applications", "delete", f"{app.project}/{app.name}")
        self._server.controller.delete(app)
        return answer({})

    async def _store(self, app: Application, spec: Json, metadata: Json) -> None:
        """Write a changed spec, labels and annotations; nothing is written where nothing changed."""
        if spec != app.spec:
            await self._validate(app, spec)
        elif (metadata.get("labels"), metadata.get("annotations")) == (
            app.metadata.get("labels"), app.metadata.get("annotations"),
        ):  # fmt: skip
            return
        changed = spec != app.spec
        app.spec = spec
        for name in ("labels", "annotations", "finalizers"):
            if name in metadata:
                app.metadata[name] = metadata[name]
        self._server.registry.save(app)
        if changed:
            self._server.controller.refresh_soon(app)

    async def _validate(self, app: Application, spec: Json) -> None:
        project = str(spec.get("project") or "default")
        if project not in self._server.projects.by_name:
            raise ApiError(INVALID, f'app is not allowed in project "{project}", or the project does not exist')
        source = spec.get("source") or {}
        url, path = str(source.get("repoURL", "")), str(source.get("path", "."))
        try:
            git: GitReader = self._server.git
            repository = git.repository(url)
            tip = await git.tip(repository, str(source.get("targetRevision") or "")) if repository else None
            await self._server.renderer.render(repository, url, tip or str(source.get("targetRevision")), path)
        except RenderFailed as failed:
            raise ApiError(
                INVALID,
                f"application spec for {app.name} is invalid: InvalidSpecError: "
                f"Unable to generate manifests in {path}: rpc error: code = Unknown desc = {failed}",
            ) from None

    def _projection_breaks(self, query: str, fields: list[str]) -> bool:
        """3.5.1 fails at random where `spec` and `spec.x` are asked together, and always in the exclude form."""
        if query.startswith("-"):
            return True
        both = "items.spec" in fields and any(name.startswith("items.spec.") for name in fields)
        return both and self._dice.random() < 0.5


def _patched(app: Application, kind: str, patch: str) -> Json:
    document = {"metadata": app.metadata, "spec": app.spec}
    if kind not in {"", "json", "merge"}:
        raise ApiError(INVALID, f"Patch type '{kind}' is not supported")
    merge = kind == "merge"
    try:
        parsed = json.loads(patch)
        changed: Json = merge_patch(document, parsed) if merge else json_patch(document, parsed)
    except (ValueError, PatchFailed):
        words = "error calculating merge patch: Invalid JSON Patch" if merge else "error applying patch to application"
        raise ApiError(UNKNOWN, words) from None
    return changed


def _projected(app: Application, wanted: list[str]) -> Json:
    full = app.as_json(with_health=False)
    item: Json = {}
    for path in LISTABLE:
        if path not in wanted:
            continue
        value = _at(full, _really(path))
        if value is not None or path in TYPED_NIL:
            parent = item
            *above, last = path.split(".")
            for part in above:
                parent = parent.setdefault(part, {})
            parent[last] = copy.deepcopy(value)
    return item


def _really(path: str) -> str:
    """The projection calls `operation.sync` what really is the operation's `syncResult`."""
    return path.replace("operationState.operation.sync", "operationState.syncResult")


def _at(value: Json | None, path: str) -> object:
    found: object = value
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
