"""Projects: list, get, detailed view, their sync windows."""

from aiohttp import web

from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.rest.gateway import Server
from bot.sandbox.argocd.rest.settings import cluster_view
from bot.sandbox.argocd.wire import NOT_FOUND, ApiError, answer, field_names, only_fields


class ProjectEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        one = "/api/v1/projects/{name}"
        return [
            web.get("/api/v1/projects", self.list_all),
            web.get(one, self.get),
            web.get(f"{one}/detailed", self.detailed),
            web.get(f"{one}/syncwindows", self.windows),
            web.get(f"{one}/globalprojects", self.nothing),
            web.get(f"{one}/links", self.nothing),
        ]

    async def list_all(self, request: web.Request) -> web.Response:
        server = self._server
        account = server.caller(request)
        found = [p for n, p in sorted(server.projects.by_name.items()) if account.may("projects", "get", n)]
        shown: Json = {"metadata": {"resourceVersion": str(server.registry.version)}, "items": found or None}
        fields = field_names(request.query.get("fields"))
        return answer(only_fields(shown, fields) if fields else shown)

    async def get(self, request: web.Request) -> web.Response:
        return answer(self._project(request))

    async def detailed(self, request: web.Request) -> web.Response:
        project = self._project(request)
        return answer({"project": project, "clusters": [cluster_view(self._server)]})

    async def windows(self, request: web.Request) -> web.Response:
        """The active ones only."""
        active = self._server.projects.active(self._project(request)["spec"].get("syncWindows") or [])
        return answer({"windows": active} if active else {})

    async def nothing(self, request: web.Request) -> web.Response:
        self._project(request)
        return answer({})

    def _project(self, request: web.Request) -> Json:
        name = request.match_info["name"]
        self._server.accounts.enforce(self._server.caller(request), "projects", "get", name)
        project = self._server.projects.by_name.get(name)
        if project is None:
            raise ApiError(NOT_FOUND, f'appprojects.argoproj.io "{name}" not found')
        return project
