"""Git's smart protocol over HTTP: `git http-backend` as a CGI program, with tokens and the forge's rules before it."""

import asyncio
import gzip
import os
import re
import tempfile
from typing import IO

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from bot.sandbox.github.apps import Identity
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.people import BadCredentials, may_write
from bot.sandbox.github.pkt_lines import ref_updates
from bot.sandbox.github.pushes import UPDATE_HOOK, rules_for_hook
from bot.sandbox.repositories import GIT_ENVIRONMENT
from bot.sandbox.traffic import APPLIED, LOG_BODY

log = structlog.get_logger(__name__)

PATH = re.compile(r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<call>info/refs|git-upload-pack|git-receive-pack)")
SERVICES = {"git-upload-pack", "git-receive-pack"}
CHUNK = 1 << 16
COMMANDS_LIMIT = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


def is_git(path: str) -> bool:
    """Whether a request path is one of Git's."""
    return PATH.fullmatch(path) is not None and not path.startswith(("/api/", "/repos/"))


class Spooled(web.StreamResponse):
    """An answer that streams from a file, which it owns. It may also never be sent."""

    def __init__(self, file: IO[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(status=status, headers=headers)
        self._file = file

    def __del__(self) -> None:
        self._file.close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self.content_length = os.fstat(self._file.fileno()).st_size - self._file.tell()
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        while chunk := self._file.read(CHUNK):
            await self.write(chunk)
        await super().write_eof(data)
        self._file.close()


class GitHttp:
    """Serves every repository of the forge. Reading and writing both need a token."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._hooks = forge.repositories.folder / "hooks"

    def prepare(self) -> None:
        """Put the hook in place that refuses what the rules refuse."""
        self._hooks.mkdir(parents=True, exist_ok=True)
        hook = self._hooks / "update"
        hook.write_text(UPDATE_HOOK)
        hook.chmod(0o755)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{owner}/{repo}/info/refs", self._serve, allow_head=False),
            web.post("/{owner}/{repo}/{call:git-upload-pack|git-receive-pack}", self._serve),
        ]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        named = PATH.fullmatch(request.path)
        identity = self._identity(request)
        if identity is None:
            text = "Invalid username or token. Password authentication is not supported for Git operations.\n"
            return web.Response(status=401, text=text, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
        if named is None or named["name"] not in self._forge.repositories.names():
            return web.Response(status=404, text="Repository not found.\n")
        name, call = named["name"], named["call"]
        login, grant = identity.login, identity.grant
        if grant is not None and name not in grant.repositories:
            return web.Response(status=404, text="Repository not found.\n")
        service = request.query.get("service", "") if call == "info/refs" else call
        if service not in SERVICES:
            return web.Response(status=403, text="Please upgrade your git client.\n")
        right = "write" if service == "git-receive-pack" else "read"
        if grant is not None and not grant.may("contents", right):
            return web.Response(status=403, text=f"Write access to repository not granted: contents={right}.\n")
        if service == "git-receive-pack" and not may_write(login):
            return web.Response(status=403, text=f"Permission to {name}.git denied to {login}.\n")
        with tempfile.TemporaryFile() as body:
            await _receive(request, body)
            if call == "git-receive-pack":
                async with self._forge.moving(name):
                    return await self._push(request, name, login, body)
            return await self._backend(request, name, call, login, body)

    def _identity(self, request: web.Request) -> Identity | None:
        try:
            return self._forge.apps.identify(request.headers.get("Authorization"))
        except BadCredentials:
            return None

    async def _push(self, request: web.Request, name: str, login: str, body: IO[bytes]) -> web.StreamResponse:
        updates = ref_updates(_commands(body))
        request[LOG_BODY] = {"updates": [update.as_json() for update in updates]}
        before = self._forge.repositories.tips(name)
        wanted = {update.branch: update.new for update in updates if update.branch is not None}
        rules = rules_for_hook(self._forge, name, wanted, login)
        response = await self._backend(request, name, "git-receive-pack", login, body, rules)
        after = self._forge.repositories.tips(name)
        moved = {
            branch: new for branch, new in wanted.items() if before.get(branch) != new and after.get(branch) == new
        }  # fmt: skip
        # A push of a tag counts as applied too; what it did is not looked at.
        request[APPLIED] = bool(moved) or any(update.branch is None for update in updates)
        # Heads before bases: a commit that came to both at once is in the pull request before it is merged.
        heads = {pull.head for pull in self._forge.open_pulls(name)}
        for branch, new in sorted(moved.items(), key=lambda item: item[0] not in heads):
            self._forge.repositories.announce(name, branch, new)
            await self._forge.follow(name, branch, before.get(branch), new, login)
        return response

    async def _backend(
        self, request: web.Request, name: str, call: str, login: str, body: IO[bytes], rules: str = ""
    ) -> web.StreamResponse:
        body.seek(0, os.SEEK_END)
        size = body.tell()
        body.seek(0)
        answer = tempfile.TemporaryFile()  # noqa: SIM115  # Spooled closes it
        try:
            environment = self._environment(request, name, call, login, size, rules)
            process = await asyncio.create_subprocess_exec(
                "git", "http-backend", stdin=body, stdout=answer, stderr=asyncio.subprocess.PIPE, env=environment
            )
            _, err = await process.communicate()
            answer.seek(0)
            status, headers = _head(answer)
        except BaseException:
            answer.close()
            raise
        if process.returncode != 0:
            log.warning("git_http.failed", repository=name, call=call, said=err.decode("utf-8", "replace")[:500])
        return Spooled(answer, status, headers)

    def _environment(
        self, request: web.Request, name: str, call: str, login: str, size: int, rules: str
    ) -> dict[str, str]:
        protocol = request.headers.get("Git-Protocol", "")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._forge.repositories.folder),
            **GIT_ENVIRONMENT,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(self._hooks.resolve()),
            "GIT_PROJECT_ROOT": str(self._forge.repositories.folder.resolve()),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{name}.git/{call}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(size),
            "REMOTE_USER": login,
            "REMOTE_ADDR": "127.0.0.1",
            "SANDBOX_RULES": rules,
            **({"GIT_PROTOCOL": protocol, "HTTP_GIT_PROTOCOL": protocol} if protocol else {}),
        }


async def _receive(request: web.Request, body: IO[bytes]) -> None:
    """Take the whole request body to disk, unzipped: aiohttp usually did that already."""
    async for chunk in request.content.iter_chunked(CHUNK):
        body.write(chunk)
    body.seek(0)
    if body.read(2) == GZIP_MAGIC:
        body.seek(0)
        with tempfile.TemporaryFile() as plain:
            with gzip.GzipFile(fileobj=body) as packed:
                while chunk := packed.read(CHUNK):
                    plain.write(chunk)
            plain.seek(0)
            body.seek(0)
            body.truncate()
            while chunk := plain.read(CHUNK):
                body.write(chunk)


def _commands(body: IO[bytes]) -> bytes:
    body.seek(0)
    return body.read(COMMANDS_LIMIT)


def _head(answer: IO[bytes]) -> tuple[int, dict[str, str]]:
    """Read a CGI answer's header lines; the file stands at its body afterwards."""
    status, headers = 200, {}
    while (line := answer.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name.lower() != "content-length":
            headers[name] = value.strip()
    return status, headers
