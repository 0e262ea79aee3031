"""Starting and ending operations: sync, rollback, terminate."""

from aiohttp import web

from bot.sandbox.argocd.rest.gateway import Server, body_of
from bot.sandbox.argocd.wire import INVALID, ApiError, answer, required_missing

SYNC_FIELDS = {
    "appNamespace": str, "project": str, "revision": str, "dryRun": bool, "prune": bool, "strategy": dict,
    "resources": list, "manifests": list, "infos": list, "retryStrategy": dict, "syncOptions": dict,
    "sourcePositions": list, "revisions": list, "name": str,
}  # fmt: skip
ROLLBACK_FIELDS = {"appNamespace": str, "project": str, "id": int, "dryRun": bool, "prune": bool, "name": str}


class OperationEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        one = "/api/v1/applications/{name}"
        return [
            web.post(f"{one}/sync", self.sync),
            web.post(f"{one}/rollback", self.rollback),
            web.delete(f"{one}/operation", self.terminate),
        ]

    async def sync(self, request: web.Request) -> web.Response:
        body = await body_of(request, "ApplicationSyncRequest", SYNC_FIELDS)
        for position in body.get("sourcePositions", []):
            if isinstance(position, str):
                raise ApiError(
                    INVALID,
                    "json: cannot unmarshal string into Go struct field "
                    "ApplicationSyncRequest.sourcePositions of type int64",
                )
        app, account = self._server.application(
            request, "get", project=body.get("project", ""), namespace=body.get("appNamespace", "")
        )
        await self._server.admission.sync(app, body, account, account.name)
        return answer(app.as_json(with_health=False))

    async def rollback(self, request: web.Request) -> web.Response:
        body = await body_of(request, "ApplicationRollbackRequest", ROLLBACK_FIELDS)
        if "id" not in body:
            self._server.caller(request)
            required_missing("id")
        app, account = self._server.application(
            request, "sync", project=body.get("project", ""), namespace=body.get("appNamespace", "")
        )
        self._server.admission.rollback(app, body, account.name)
        return answer(app.as_json(with_health=False))

    async def terminate(self, request: web.Request) -> web.Response:
        app, _ = self._server.application(request, "sync")
        self._server.admission.terminate(app)
        return answer({})
