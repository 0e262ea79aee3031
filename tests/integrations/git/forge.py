"""A Git server for tests: `git http-backend` behind aiohttp, with a token, faults on demand and a request log."""

import asyncio
import os
import subprocess
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "LC_ALL": "C.UTF-8",
    "GIT_AUTHOR_NAME": "dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
}

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class GitServer:
    """Bare repositories below `root`, served over HTTP. `faults` are asked in order before each request is served."""

    root: Path
    token: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    slowness: float = 0.0
    base: str = ""
    _clock: int = 1_700_000_000
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, name: str) -> str:
        return f"{self.base}/{name}.git"

    def create(self, name: str) -> None:
        path = self.root / f"{name}.git"
        path.mkdir(parents=True)
        self.git(name, "init", "--quiet", "--bare", "--initial-branch=main", ".")
        for setting in ("uploadpack.allowFilter", "http.receivepack"):
            self.git(name, "config", setting, "true")

    def git(self, name: str, *arguments: str | bytes, stdin: bytes = b"", **extra: str) -> str:
        """Git inside the served repository, as its owner would."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root / f"{name}.git", env=ENVIRONMENT | extra, input=stdin,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def commit(
        self,
        name: str,
        branch: str,
        files: Mapping[str | bytes, bytes | str | None],
        message: str = "change",
        *,
        modes: Mapping[str | bytes, str] | None = None,
        parent: str | None = None,
        author: str = "dev",
    ) -> str:
        """Commit on a branch without a checkout; None deletes. Dates move on by a minute each time."""
        self._clock += 60
        tip = parent or self.tip(name, branch)
        index = str(self.root / f"index-{self._clock}")
        if tip:
            self.git(name, "read-tree", tip, GIT_INDEX_FILE=index)
        lines = b""
        for path, content in files.items():
            raw = path if isinstance(path, bytes) else path.encode()
            if content is None:
                lines += b"0 " + b"0" * 40 + b"\t" + raw + b"\0"
                continue
            mode = (modes or {}).get(path, "100644")
            if mode == "160000":
                assert isinstance(content, str)
                blob = content
            else:
                data = content if isinstance(content, bytes) else content.encode()
                blob = self.git(name, "hash-object", "-w", "--stdin", stdin=data)
            lines += f"{mode} {blob}\t".encode() + raw + b"\0"
        self.git(name, "update-index", "--add", "-z", "--index-info", stdin=lines, GIT_INDEX_FILE=index)
        tree = self.git(name, "write-tree", "--missing-ok", GIT_INDEX_FILE=index)
        Path(index).unlink(missing_ok=True)
        when = f"{self._clock} +0000"
        revision = self.git(
            name, "commit-tree", tree, *(("-p", tip) if tip else ()), stdin=message.encode(),
            GIT_AUTHOR_NAME=author, GIT_AUTHOR_EMAIL=f"{author}@example.com",
            GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when,
        )  # fmt: skip
        self.git(name, "update-ref", f"refs/heads/{branch}", revision)
        return revision

    def merge(self, name: str, branch: str, other: str) -> str:
        """Merge a commit into a branch, as its owner would; it must be possible."""
        self._clock += 60
        tip = self.tip(name, branch)
        assert tip is not None
        tree = self.git(name, "merge-tree", "--write-tree", tip, other)
        when = f"{self._clock} +0000"
        revision = self.git(
            name, "commit-tree", tree, "-p", tip, "-p", other, stdin=b"merge",
            GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when,
        )  # fmt: skip
        self.git(name, "update-ref", f"refs/heads/{branch}", revision)
        return revision

    def tip(self, name: str, branch: str) -> str | None:
        out = self.git(name, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return out or None

    def show(self, name: str, revision: str, path: str | bytes) -> bytes:
        raw = path if isinstance(path, bytes) else path.encode()
        done = subprocess.run(
            ["git", "cat-file", "blob", revision.encode() + b":" + raw], cwd=self.root / f"{name}.git", env=ENVIRONMENT,
            capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    def count(self, part: str) -> int:
        return sum(part in line for line in self.requests)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        self.asked.set()
        for fault in list(self.faults):
            answer = await fault(request)
            if answer is not None:
                return answer
        if self.slowness:
            await asyncio.sleep(self.slowness)
        if self.token:
            wanted = "Basic " + b64encode(f"x-access-token:{self.token}".encode()).decode()
            if request.headers.get("Authorization") != wanted:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'}, text="no")
        return await self.serve(request)

    async def serve(self, request: web.Request) -> web.Response:
        """What the server would do without faults."""
        body = await request.read()
        environment = ENVIRONMENT | {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "dev",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        out, _ = await process.communicate(body)
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split(" ")[0])
        return web.Response(status=status, headers=headers, body=content)
