"""The server about itself and its surroundings: version, settings, clusters, repositories, health, webhook."""

import json
from typing import Any

from aiohttp import web

from bot.sandbox.argocd.application import IN_CLUSTER
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.rest.gateway import Server
from bot.sandbox.argocd.wire import DENIED, ApiError, answer, plain

VERSION = "v3.5.1"
BUILD = {
    "Version": VERSION, "BuildDate": "2026-08-12T11:24:40Z", "GitCommit": "109ca7ca71139e514114499d294a492e7910a965",
    "GitTag": VERSION, "GitTreeState": "clean", "GoVersion": "go1.26.8", "Compiler": "gc", "Platform": "linux/amd64",
    "KustomizeVersion": "v5.8.1 unknown", "HelmVersion": "v4.2", "KubectlVersion": "v0.36.1",
    "JsonnetVersion": "v0.22.0",
}  # fmt: skip
KUBERNETES = "v1.36.1"


class SettingsEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/api/version", self.version),
            web.get("/api/v1/settings", self.settings),
            web.get("/api/v1/clusters", self.clusters),
            web.get("/api/v1/clusters/{server}", self.cluster),
            web.get("/api/v1/repositories", self.repositories),
            web.get("/api/v1/repositories/{url}/refs", self.refs),
            web.get("/api/v1/applicationsets", self.application_sets),
            web.post("/api/webhook", self.webhook),
        ]

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={"Content-Type": "text/plain; charset=utf-8"})

    async def version(self, request: web.Request) -> web.Response:
        return answer(BUILD if self._is_known(request) else {"Version": VERSION})

    async def settings(self, request: web.Request) -> web.Response:
        shown: Json = {
            "url": f"http://{request.host}", "appLabelKey": "app.kubernetes.io/instance",
            "googleAnalytics": {"anonymizeUsers": True},
            "kustomizeOptions": {"BuildOptions": "", "BinaryPath": "", "Versions": None}, "help": {},
            "trackingMethod": "annotation", "appsInAnyNamespaceEnabled": True, "syncWithReplaceAllowed": True,
        }  # fmt: skip
        if self._is_known(request):
            shown |= {
                "resourceOverrides": {}, "controllerNamespace": "argocd",
                "passwordPattern": "^.{8,32}$",
            }  # fmt: skip
        return answer(shown)

    async def clusters(self, request: web.Request) -> web.Response:
        account = self._server.caller(request)
        visible = account.may("clusters", "get", IN_CLUSTER)
        return answer({"metadata": {}, "items": [cluster_view(self._server)] if visible else None})

    async def cluster(self, request: web.Request) -> web.Response:
        account, asked = self._server.caller(request), request.match_info["server"]
        by_name = request.query.get("id.type") == "name"
        if asked != ("in-cluster" if by_name else IN_CLUSTER) or not account.may("clusters", "get", IN_CLUSTER):
            raise ApiError(DENIED, "permission denied")
        return answer(cluster_view(self._server))

    async def repositories(self, request: web.Request) -> web.Response:
        account = self._server.caller(request)
        checked = {"status": "Successful", "message": "", "attemptedAt": self._server.clock.stamp()}
        urls = sorted({str(app.source.get("repoURL", "")) for app in self._server.registry})
        found = [
            {"repo": url, "connectionState": checked, "type": "git"}
            for url in urls if account.may("repositories", "get", url)
        ]  # fmt: skip
        return answer({"metadata": {}, "items": found or None})

    async def refs(self, request: web.Request) -> web.Response:
        account, url = self._server.caller(request), request.match_info["url"]
        repository = self._server.git.repository(url)
        if repository is None or not account.may("repositories", "get", url):
            raise ApiError(DENIED, "permission denied")
        branches, tags = await self._server.git.refs(repository)
        return answer({name: refs for name, refs in (("branches", branches), ("tags", tags)) if refs})

    async def application_sets(self, request: web.Request) -> web.Response:
        self._server.caller(request)
        return answer({"metadata": {"resourceVersion": str(self._server.registry.version)}, "items": None})

    async def webhook(self, request: web.Request) -> web.Response:
        """A GitHub push event: the applications of that repository are compared soon."""
        event = request.headers.get("X-GitHub-Event")
        if event is None:
            return plain(400, "Unknown webhook event")
        try:
            payload: Any = json.loads(await request.text())
        except ValueError:
            return plain(400, "Webhook processing failed")
        if event == "push":
            name = (payload.get("repository") or {}).get("full_name")
            for app in self._server.registry:
                if self._server.git.repository(str(app.source.get("repoURL", ""))) == name:
                    self._server.controller.refresh_soon(app)
        elif event != "ping":
            return plain(400, "Webhook processing failed")
        return web.Response(status=200)

    def _is_known(self, request: web.Request) -> bool:
        try:
            self._server.caller(request)
        except ApiError:
            return False
        return True


def cluster_view(server: Server) -> Json:
    stamp = server.clock.stamp()
    connection = {"status": "Successful", "message": "", "attemptedAt": stamp}
    applications = list(server.registry)
    cache = {
        "resourcesCount": sum(len(app.cluster.live) for app in applications), "apisCount": 61,
        "lastCacheSyncTime": stamp,
    }  # fmt: skip
    return {
        "server": IN_CLUSTER, "name": "in-cluster", "config": {"tlsClientConfig": {"insecure": False}},
        "connectionState": connection, "serverVersion": KUBERNETES,
        "info": {
            "connectionState": connection, "serverVersion": KUBERNETES, "cacheInfo": cache,
            "applicationsCount": len(applications),
            "apiVersions": ["apps/v1", "apps/v1/Deployment", "v1", "v1/Service"],
        },
    }  # fmt: skip
