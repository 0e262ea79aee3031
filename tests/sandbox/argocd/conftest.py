"""A small world with an Argo CD: one bare repository with Kustomize overlays, the server on a real socket, a client."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.sandbox.argocd.application import ApplicationSeed
from bot.sandbox.argocd.service import ArgocdService
from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.repositories import GIT_ENVIRONMENT, Repositories
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Traffic
from bot.tasks import TaskSet

Json = dict[str, Any]
REPOSITORY = "example/apm"
OVERLAY = "deployments/k8s/overlays/{environment}"

BASE = {
    "deployments/k8s/base/kustomization.yaml": "resources: [store.yaml, web.yaml, hooks.yaml]\n",
    "deployments/k8s/base/store.yaml": """\
apiVersion: v1
kind: Secret
metadata: {name: store-login, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
data: {password: aHVudGVy}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: store, image: "img.example/store:1.0.0"}]}
""",
    "deployments/k8s/base/web.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "img.example/web:1.0.0"}]}
""",
    "deployments/k8s/base/hooks.yaml": """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "img.example/tool:1"}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: smoke, annotations: {argocd.argoproj.io/hook: PostSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: smoke, image: "img.example/tool:1"}]}}}
""",
}


def error(response: httpx.Response) -> tuple[int, int, str]:
    """Status, gRPC code and message of a unary refusal."""
    body = response.json()
    assert body["error"] == body["message"]
    return response.status_code, body["code"], body["message"]


def overlay(environment: str, web: str = "1.0.0", store: str = "1.0.0", extra: str = "") -> dict[str, str]:
    """The overlay of an environment with these image tags."""
    path = OVERLAY.format(environment=environment)
    text = (
        "resources: [../../base]\nimages:\n"
        f"  - name: img.example/web\n    newTag: {web}\n  - name: img.example/store\n    newTag: {store}\n{extra}"
    )
    return {f"{path}/kustomization.yaml": text}


@dataclass
class Git:
    """Commits to the bare repository with plumbing, as somebody's push would."""

    folder: Path

    def run(self, *arguments: str, stdin: str = "", index: str = "") -> str:
        environment = {**os.environ, **GIT_ENVIRONMENT, "HOME": str(self.folder)}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "Ada Example", f"GIT_{role}_EMAIL": "ada@example.com"}
        if index:
            environment["GIT_INDEX_FILE"] = index
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            input=stdin, capture_output=True, text=True, check=True, env=environment,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None], message: str = "change", branch: str = "main") -> str:
        """Commit on top of the branch (or main's tip for a new one) and answer the SHA."""
        index = str(self.folder / "test-index")
        parents = self.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}", "refs/heads/main").split()
        parent = self.run("rev-parse", branch) if self._has(branch) else (parents[0] if parents else "")
        self.run("read-tree", parent or "--empty", index=index)
        for path, content in files.items():
            if content is None:
                self.run("update-index", "--force-remove", path, index=index)
            else:
                blob = self.run("hash-object", "-w", "--stdin", stdin=content)
                self.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", index=index)
        tree = self.run("write-tree", index=index)
        sha = self.run("commit-tree", tree, "-m", message, *(("-p", parent) if parent else ()))
        self.run("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def _has(self, branch: str) -> bool:
        return bool(self.run("for-each-ref", f"refs/heads/{branch}"))


def seeds(**changed: Any) -> list[ApplicationSeed]:
    """Development, staging and production of one application; `changed` applies to all."""
    return [
        ApplicationSeed(**{
            "name": f"apm-stack-{environment}", "application": "apm-stack", "environment": environment,
            "repository": REPOSITORY, "path": OVERLAY.format(environment=environment),
            "autosync": environment == "development", **changed,
        })
        for environment in ("development", "staging", "production")
    ]  # fmt: skip


@dataclass
class World:
    """The running service with clients for its two kinds of callers and its control API."""

    service: ArgocdService
    git: Git
    api: httpx.AsyncClient
    admin: httpx.AsyncClient
    control: httpx.AsyncClient
    traffic: Traffic
    url: str
    close: Callable[[], Awaitable[None]]

    async def get(self, name: str, **query: str) -> Json:
        response = await self.api.get(f"/api/v1/applications/{name}", params=query)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def refresh(self, name: str) -> Json:
        return await self.get(name, refresh="normal")

    async def sync(self, name: str, **body: Any) -> httpx.Response:
        return await self.api.post(f"/api/v1/applications/{name}/sync", json={"project": "apm", **body})

    async def act(self, name: str, do: str, *, user: str = "developer", **fields: Any) -> httpx.Response:
        return await self.control.post("/api/argocd", json={"as": user, "application": name, "do": do, **fields})

    async def until(self, name: str, holds: Callable[[Json], bool], seconds: float = 15.0) -> Json:
        """Read the application until the claim about it holds."""
        seen: Json = {}
        async with asyncio.timeout(seconds):
            while True:
                seen = await self.get(name)
                if holds(seen):
                    return seen
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def watching(self, name: str) -> AsyncIterator[list[Json]]:
        """Collects every event of the application's watch stream while the body runs; the first is there at once."""
        seen: list[Json] = []
        first = asyncio.Event()

        async def read() -> None:
            path = f"/api/v1/stream/applications?name={name}"
            async with self.api.stream("GET", path, timeout=None) as response:
                async for line in response.aiter_lines():
                    seen.append(json.loads(line)["result"])
                    first.set()

        tasks = TaskSet("test")
        tasks.start(read(), name="watch")
        await first.wait()
        yield seen
        await tasks.close()

    async def seen(self, events: list[Json], holds: Callable[[list[Json]], bool]) -> None:
        """Wait until what was watched fulfils the claim."""
        async with asyncio.timeout(5):
            while not holds(events):  # noqa: ASYNC110  # filled by another connection
                await asyncio.sleep(0.01)

    async def ended(self, name: str) -> Json:
        """The application once its operation is over and the comparison after it is done."""

        def is_over(app: Json) -> bool:
            state = app["status"].get("operationState") or {}
            return "operation" not in app and state.get("phase") in {"Succeeded", "Failed", "Error"}

        return await self.until(name, is_over)


@dataclass
class Worlds:
    """Starts worlds over one folder; a second one on the same folder is a restart."""

    folder: Path
    running: list[World] = field(default_factory=list)

    @property
    def git(self) -> Git:
        return Git(self.folder / f"{REPOSITORY}.git")

    def create_repository(self) -> Git:
        path = self.folder / f"{REPOSITORY}.git"
        path.mkdir(parents=True)
        git = Git(path)
        git.run("init", "--bare", "--quiet", "--initial-branch=main", ".")
        files = dict(BASE)
        for environment in ("development", "staging", "production"):
            files |= overlay(environment)
        git.commit(dict(files), "first version")
        return git

    async def start(
        self,
        applications: Sequence[ApplicationSeed] | None = None,
        *,
        speed: float = 50.0,
        stored: Json | None = None,
        forge: str = "http://127.0.0.1:3000",
    ) -> World:
        traffic, repositories = Traffic(), Repositories(self.folder)
        repositories.base_url = forge
        chosen = seeds() if applications is None else applications
        service = ArgocdService(traffic, Feed(), repositories, chosen, speed)
        if stored is not None:
            service.load(stored)
        await service.start()
        control = web.Application(middlewares=[errors_as_json])
        control.add_routes(service.control_routes())
        runners, urls = [], []
        for app in (service.app(), control):
            runner = web.AppRunner(app, shutdown_timeout=1.0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            runners.append(runner)
            urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        headers = {"Content-Type": "application/json"}
        tiphys = {**headers, "Authorization": f"Bearer {TOKENS.argocd_tiphys}"}
        admin = {**headers, "Authorization": f"Bearer {TOKENS.argocd_admin}"}
        api_client = httpx.AsyncClient(base_url=urls[0], headers=tiphys)
        admin_client = httpx.AsyncClient(base_url=urls[0], headers=admin)
        control_client = httpx.AsyncClient(base_url=urls[1])

        async def close() -> None:
            for client in (api_client, admin_client, control_client):
                await client.aclose()
            await service.close()
            for runner in runners:
                await runner.cleanup()

        world = World(service, self.git, api_client, admin_client, control_client, traffic, urls[0], close)
        self.running.append(world)
        return world


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Worlds]:
    """A folder with the seeded repository, from which worlds are started; all are closed at the end."""
    made = Worlds(tmp_path)
    made.create_repository()
    yield made
    for world in made.running:
        await world.close()


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds.start()
