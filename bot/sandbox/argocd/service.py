"""The sandbox's Argo CD 3.5.1: API server, controller and cluster over the world's Git repositories."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.sandbox.argocd.admission import Admission
from bot.sandbox.argocd.application import (
    DEPLOYED_AGO,
    Application,
    ApplicationSeed,
    new_application,
    replaced_text,
)
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.cluster import Cluster
from bot.sandbox.argocd.control import ArgocdControl
from bot.sandbox.argocd.controller import Controller
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.notifications import Notifications
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.rbac import Accounts
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.rendering import Renderer
from bot.sandbox.argocd.rest.accounts import AccountEndpoints
from bot.sandbox.argocd.rest.applications import ApplicationEndpoints
from bot.sandbox.argocd.rest.gateway import Server, gateway
from bot.sandbox.argocd.rest.operations import OperationEndpoints
from bot.sandbox.argocd.rest.projects import ProjectEndpoints
from bot.sandbox.argocd.rest.resources import ResourceEndpoints
from bot.sandbox.argocd.rest.settings import SettingsEndpoints
from bot.sandbox.argocd.rest.streams import StreamEndpoints
from bot.sandbox.feed import Feed
from bot.sandbox.repositories import Repositories
from bot.sandbox.traffic import Traffic

ENDPOINTS = (
    SettingsEndpoints, AccountEndpoints, ApplicationEndpoints, OperationEndpoints, ResourceEndpoints, StreamEndpoints,
    ProjectEndpoints,
)  # fmt: skip


class ArgocdService:
    """Serves `applications`; they follow `repositories.clone_url` of their repository, whatever port that has today.

    `notifications.targets` says who is notified; nobody at first.
    """

    def __init__(
        self,
        traffic: Traffic,
        feed: Feed,
        repositories: Repositories,
        applications: Sequence[ApplicationSeed],
        speed: float,
    ) -> None:
        self._traffic = traffic
        self._repositories = repositories
        self._seeds = list(applications)
        self._clock = Clock(speed)
        self._registry = Registry(self._clock, feed)
        self._projects = Projects(self._clock, self._registry)
        self._accounts = Accounts(self._clock.now())
        self._git = GitReader(repositories)
        self._renderer = Renderer(self._git)
        self._controller = Controller(self._clock, self._registry, self._renderer, self._git, self._projects)
        self.notifications = Notifications(self._clock, self._registry, traffic)
        self._admission = Admission(self._registry, self._projects, self._accounts, self._git, self._controller)
        self._control = ArgocdControl(self._registry, self._projects, self._accounts, self._admission, self._controller)

    @property
    def name(self) -> str:
        return "argocd"

    def app(self) -> web.Application:
        server = Server(
            clock=self._clock, registry=self._registry, projects=self._projects, accounts=self._accounts,
            git=self._git, renderer=self._renderer, controller=self._controller, admission=self._admission,
        )  # fmt: skip
        app = web.Application(middlewares=[self._traffic.middleware("argocd"), gateway(server)])
        for endpoints in ENDPOINTS:
            app.add_routes(endpoints(server).routes())
        app.on_shutdown.append(self._end_streams)
        return app

    def control_routes(self) -> list[web.RouteDef]:
        return self._control.routes()

    def state(self) -> dict[str, Any]:
        return {"applications": [_told(app) for app in self._registry]}

    def dump(self) -> dict[str, Any]:
        return {
            "applications": [app.dump() for app in self._registry], "projects": self._projects.by_name,
            "version": self._registry.version, "require_override": self._admission.require_override,
            "override_granted": self._accounts.override_granted,
        }  # fmt: skip

    def load(self, data: dict[str, Any]) -> None:
        self._registry.version = int(data["version"])
        self._projects.by_name = data["projects"]
        self._admission.require_override = data["require_override"]
        self._accounts.grant_override(data["override_granted"])
        for stored in data["applications"]:
            seed = ApplicationSeed(**stored["seed"])
            app = self._new(seed)
            app.load(stored)
            self._registry.restore(app)

    async def start(self) -> None:
        for name in ("default", *(seed.project for seed in self._seeds)):
            self._projects.ensure(name)
        for app in self._registry:
            self._follow_port(app)
            self._controller.adopt(app)
            await self._controller.compare(app)
        missing = [seed for seed in self._seeds if self._registry.find(seed.name) is None]
        await asyncio.gather(*(self._seed(seed) for seed in missing))
        await self._controller.start()
        await self.notifications.start()

    async def close(self) -> None:
        self._registry.end_watches()
        await self.notifications.close()
        await self._controller.close()

    async def _seed(self, seed: ApplicationSeed) -> None:
        """An application that was deployed about an hour ago at the tip of its branch, Synced and Healthy."""
        app = self._new(seed)
        self._registry.add(app)
        self._controller.adopt(app)
        tip = await self._git.tip(seed.repository, seed.target_revision)
        if tip is not None:
            await self._controller.settle(app, tip, self._clock.now() - DEPLOYED_AGO)
            self.notifications.adopt(app)
        await self._controller.compare(app)

    def _new(self, seed: ApplicationSeed) -> Application:
        namespace = seed.namespace or f"{seed.application}-{seed.environment}"
        cluster = Cluster(namespace, self._clock, self._registry.next_version)
        created = self._clock.stamp(self._clock.now() - 2 * DEPLOYED_AGO)
        return new_application(seed, cluster, self._repositories.clone_url(seed.repository), created)

    def _follow_port(self, app: Application) -> None:
        """The forge may have another port since the last run; an address that was changed on purpose stays."""
        old, new = str(app.source.get("repoURL", "")), self._repositories.clone_url(app.seed.repository)
        if old != new and self._git.repository(old) == app.seed.repository:
            app.spec, app.status = replaced_text(app.spec, old, new), replaced_text(app.status, old, new)
            app.operation = replaced_text(app.operation, old, new)

    async def _end_streams(self, _: web.Application) -> None:
        self._registry.end_watches()


def _told(app: Application) -> dict[str, Any]:
    """One application as the control API's state tells it."""
    history = app.history
    seed = asdict(app.seed)
    told = {name: seed[name] for name in ("name", "application", "environment", "instance")}
    told |= {
        "project": app.project, "repository": seed["repository"], "path": app.source.get("path", ""),
        "target_revision": app.target_revision, "autosync": app.automated is not None,
        "sync": app.status["sync"]["status"], "health": app.status["health"].get("status", ""),
        "compared_revision": app.status["sync"].get("revision", ""),
        "deployed_revision": history[-1]["revision"] if history else None,
        "images": (app.status.get("summary") or {}).get("images", []),
        "operations": [asdict(operation) for operation in app.operations],
        "history": [{"id": entry["id"], "revision": entry["revision"]} for entry in history],
    }  # fmt: skip
    return told
