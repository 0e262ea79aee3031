"""A running forge with one small repository, HTTP clients for it, and the real git as its user."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.github.mergeability import Mergeability
from bot.sandbox.github.plumbing import person
from bot.sandbox.github.service import GithubService
from bot.sandbox.repositories import GIT_ENVIRONMENT, Repositories
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Traffic

REPO = "example/shop"
FILES = {"app.yaml": "tag: 1\n", "docs/readme.md": "hello\n"}
DEADLINE = 10.0
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; reading the certificates takes longer than a test


@dataclass(frozen=True, slots=True)
class GitRun:
    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class Forge:
    """The service under test and everything one needs to talk to it."""

    service: GithubService
    traffic: Traffic
    repositories: Repositories
    api: httpx.AsyncClient  # as tiphys
    developer: httpx.AsyncClient
    control: httpx.AsyncClient
    folder: Path
    pushes: list[tuple[str, str, str | None]]

    @property
    def mergeability(self) -> Mergeability:
        return self.service.forge.mergeability

    async def commit(self, branch: str, files: dict[str, str | None], **more: Any) -> str:
        """A commit by `developer`, through the control API."""
        body = {"repository": REPO, "branch": branch, "as": "developer", "message": f"change {branch}", "files": files}
        answer = await self.control.post("/api/git/commit", json={**body, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["sha"])

    async def deed(self, do: str, **more: Any) -> httpx.Response:
        body = {"as": "developer", "do": do, "repository": REPO, **more}
        return await self.control.post("/api/github", json=body)

    async def open(self, branch: str, files: dict[str, str | None] | None = None, base: str = "main") -> dict[str, Any]:
        """A new branch with one commit, and its pull request by tiphys."""
        await self.commit(branch, files or {f"{branch}.txt": "x\n"}, **{"from": base})
        body = {"head": branch, "base": base, "title": f"Ship {branch}", "body": "why"}
        answer = await self.api.post(f"/repos/{REPO}/pulls", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def pull(self, number: int) -> dict[str, Any]:
        return dict((await self.api.get(f"/repos/{REPO}/pulls/{number}")).raise_for_status().json())

    async def computed(self, number: int) -> dict[str, Any]:
        """The pull request once its mergeability is known."""
        async with asyncio.timeout(DEADLINE):
            while True:
                pull = await self.pull(number)
                if pull["mergeable"] is not None or pull["state"] != "open":
                    return pull
                await asyncio.sleep(0.01)

    async def merge(self, number: int, **body: Any) -> httpx.Response:
        return await self.api.put(f"/repos/{REPO}/pulls/{number}/merge", json=body)

    def tip(self, branch: str) -> str | None:
        return self.repositories.tips(REPO).get(branch)

    async def show(self, revision: str, form: str = "%s%n%an %ae%n%cn%n%P") -> list[str]:
        out = await self.repositories.git(REPO, "log", "-1", f"--format={form}", revision)
        return out.decode().rstrip("\n").split("\n")

    async def git(self, *arguments: str, at: Path | None = None, token: str | None = TOKENS.github_tiphys) -> GitRun:
        """The real git, on the network, in a folder of the test."""
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), **GIT_ENVIRONMENT,
            "GIT_AUTHOR_NAME": "tiphys", "GIT_AUTHOR_EMAIL": "tiphys@example.com",
            "GIT_COMMITTER_NAME": "tiphys", "GIT_COMMITTER_EMAIL": "tiphys@example.com",
        }  # fmt: skip
        if token is not None:
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{self.repositories.base_url}/.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        process = await asyncio.create_subprocess_exec(
            "git", "-C", str(at or self.folder), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 30)
        return GitRun(process.returncode or 0, out.decode(), err.decode())

    async def clone(self, name: str, *options: str) -> Path:
        run = await self.git("clone", "--quiet", *options, self.repositories.clone_url(REPO), name)
        assert run.code == 0, run.err
        return self.folder / name


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    traffic, repositories = Traffic(), Repositories(tmp_path / "repositories")
    service = GithubService(traffic, Feed(), repositories, speed=30)
    await repositories.create(REPO)
    plumbing = service.forge.plumbing(REPO)
    tree = await plumbing.tree(None, {path: text.encode() for path, text in FILES.items()})
    first = await plumbing.commit(tree, [], "first\n", person("developer"), person("developer"))
    await repositories.move_branch(REPO, "main", first, expected=None)
    pushes: list[tuple[str, str, str | None]] = []
    repositories.on_push.append(lambda *push: pushes.append(push))

    runner, base = await serve(service.app())
    repositories.base_url = base
    await service.start()
    control_app = web.Application(middlewares=[errors_as_json])
    control_app.add_routes(service.control_routes())
    control_runner, control_base = await serve(control_app)

    def client(token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"{base}/api/v3", headers={"Authorization": f"Bearer {token}"}, timeout=20, verify=TLS
        )

    async with (
        client(TOKENS.github_tiphys) as api,
        client(TOKENS.github_developer) as developer,
        httpx.AsyncClient(base_url=control_base, timeout=20, verify=TLS) as control,
    ):
        (tmp_path / "work").mkdir()
        yield Forge(
            service=service, traffic=traffic, repositories=repositories, api=api, developer=developer,
            control=control, folder=tmp_path / "work", pushes=pushes,
        )  # fmt: skip
    await service.close()
    await control_runner.cleanup()
    await runner.cleanup()
