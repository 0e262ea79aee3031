"""What an application is made of: manifests, live against target, tree, one resource, events, commits, windows."""

from aiohttp import web

from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.cluster import normal
from bot.sandbox.argocd.git import FULL_SHA
from bot.sandbox.argocd.merging import predicted
from bot.sandbox.argocd.objects import Json, Key, SecretMask, compact, constant_mask, hooks_of, tracked
from bot.sandbox.argocd.rendering import RenderFailed, unknown_revision
from bot.sandbox.argocd.rest.gateway import Server
from bot.sandbox.argocd.tree import resource_tree
from bot.sandbox.argocd.wire import INVALID, UNKNOWN, ApiError, answer, field_names, only_fields, required_missing


class ResourceEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        one = "/api/v1/applications/{name}"
        return [
            web.get(f"{one}/manifests", self.manifests),
            web.get(f"{one}/managed-resources", self.managed_resources),
            web.get(f"{one}/resource-tree", self.tree),
            web.get(f"{one}/resource", self.resource),
            web.get(f"{one}/events", self.events),
            web.get(f"{one}/links", self.links),
            web.get(f"{one}/revisions/{{revision}}/metadata", self.revision_metadata),
            web.get(f"{one}/syncwindows", self.windows),
        ]

    async def manifests(self, request: web.Request) -> web.Response:
        """A branch name (or none) renders the commit of the last comparison; a full SHA or `noCache` is exact."""
        server = self._server
        app, _ = server.application(request, "get")
        url, asked = str(app.source.get("repoURL", "")), request.query.get("revision", "")
        fresh = request.query.get("noCache") == "true"
        repository = server.git.repository(url)
        revision = asked or app.target_revision or "HEAD"
        if revision == app.target_revision and not fresh and app.targets is not None:
            revision = app.targets.commit
        elif repository is not None and not FULL_SHA.fullmatch(revision):
            resolved = await server.git.resolve(repository, revision)
            commit = await server.git.commit(repository, resolved) if resolved else None
            if commit is None:
                raise ApiError(UNKNOWN, f"unable to resolve '{revision}' to a commit SHA")
            revision = commit
        try:
            rendered = await server.renderer.render(
                repository, url, revision, str(app.source.get("path", ".")), fresh=fresh
            )
        except RenderFailed as failed:
            raise ApiError(UNKNOWN, str(failed)) from None
        shown = [compact(constant_mask(tracked(o, app.name, app.cluster.namespace))) for o in rendered.objects]
        return answer({"manifests": shown} if shown else {})

    async def managed_resources(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "get")
        query = request.query
        items = [
            item for key, item in _managed(app)
            if all(query.get(name, "") in {"", getattr(key, name)} for name in ("namespace", "name", "group", "kind"))
        ]  # fmt: skip
        result: Json = {"items": items or None} if items or app.targets else {}
        fields = field_names(query.get("fields"))
        return answer(only_fields(result, fields) if fields else result)

    async def tree(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "get")
        return answer(resource_tree(app))

    async def resource(self, request: web.Request) -> web.Response:
        query = request.query
        for name in ("resourceName", "version", "kind"):
            if not query.get(name):
                self._server.caller(request)
                required_missing(name)
        app, _ = self._server.application(request, "get")
        group, kind, name = query.get("group", ""), query["kind"], query["resourceName"]
        key = Key(group, kind, query.get("namespace", ""), name)
        found = app.cluster.live.get(key)
        if found is None:
            raise ApiError(INVALID, f"{kind} {group} {name} not found as part of application {app.name}")
        shown = {**found.obj, "metadata": tracked(found.obj, app.name, app.cluster.namespace)["metadata"]}
        return answer({"manifest": compact(constant_mask(shown))})

    async def events(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "get")
        query = request.query
        meta = {"resourceVersion": str(self._server.registry.version)}
        name = query.get("resourceName", "")
        if not name and not query.get("resourceUID"):
            return answer({"metadata": meta, "items": app.events or None})
        nodes = resource_tree(app).get("nodes", [])
        place = (name, query.get("resourceNamespace", ""), query.get("resourceUID", ""))
        if not any((n["name"], n.get("namespace", ""), n.get("uid", "")) == place for n in nodes):
            raise ApiError(INVALID, f"{name} not found as part of application {app.name}")
        return answer({"metadata": meta, "items": None})

    async def links(self, request: web.Request) -> web.Response:
        self._server.application(request, "get")
        return answer({})

    async def revision_metadata(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "get")
        revision = request.match_info["revision"]
        if not FULL_SHA.fullmatch(revision):
            raise ApiError(UNKNOWN, f"revision {revision} must be resolved")
        repository = self._server.git.repository(str(app.source.get("repoURL", "")))
        commit = await self._server.git.commit(repository, revision) if repository else None
        if repository is None or commit is None:
            raise ApiError(UNKNOWN, f"error acquiring repo lock: {unknown_revision(revision)}")
        info = await self._server.git.describe(repository, commit)
        shown: Json = {"author": info.author, "date": info.date}
        if info.tags:
            shown["tags"] = info.tags
        return answer({**shown, "message": info.message})

    async def windows(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "get")
        projects = self._server.projects
        assigned = projects.windows_of(app)
        active = projects.active(assigned)
        shown: Json = {}
        if active:
            shown["activeWindows"] = [_window(window) for window in active]
        if assigned:
            shown["assignedWindows"] = [_window(window) for window in assigned]
        return answer({**shown, "canSync": projects.may_sync(app, manual=True)})


def _window(window: Json) -> Json:
    shown = {name: window[name] for name in ("kind", "schedule", "duration")}
    return {**shown, "manualSync": bool(window.get("manualSync"))}


def _managed(app: Application) -> list[tuple[Key, Json]]:
    """Live against target, as of the last comparison; hooks are left out, Secrets masked."""
    cluster = app.cluster
    targets = {cluster.key(t): t for t in (app.targets.objects if app.targets else ()) if not hooks_of(t)}
    keys = {key for key, found in cluster.live.items() if not found.is_hook} | set(targets)
    return [(key, _compared(app, key, targets.get(key))) for key in sorted(keys)]


def _compared(app: Application, key: Key, target: Json | None) -> Json:
    cluster, mask = app.cluster, SecretMask()
    found = cluster.live.get(key)
    item: Json = {"group": key.group} if key.group else {}
    item |= {"kind": key.kind, "namespace": key.namespace, "name": key.name}
    wanted = cluster.desired(tracked(target, app.name, cluster.namespace)) if target is not None else None
    live = tracked(found.obj, app.name, cluster.namespace) if found else None
    now = tracked(normal(found.obj), app.name, cluster.namespace) if found else None
    after = predicted(now, wanted, found.applied) if found and wanted is not None else wanted
    for name, state in (
        ("targetState", wanted), ("liveState", live), ("normalizedLiveState", now), ("predictedLiveState", after),
    ):  # fmt: skip
        item[name] = compact(mask(state)) if state is not None else "null"
    if found:
        item["resourceVersion"] = found.obj["metadata"]["resourceVersion"]
    return item
