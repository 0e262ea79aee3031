"""A server in front of another one that passes everything on, but for the answers that a test bends."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

Json = Any
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive", "host"}


@dataclass(kw_only=True)
class Bend:
    """For the requests whose path and query match: another status, headers (None: taken away), or document. `unless`: a
    header whose value lets a request pass as it is."""

    path: re.Pattern[str]
    status: int | None = None
    document: Json | Callable[[Json], Json] = None
    headers: dict[str, str | None] = field(default_factory=dict)
    hang: bool = False
    unless: tuple[str, str] | None = None

    def is_for(self, request: web.Request) -> bool:
        passes = self.unless is not None and request.headers.get(self.unless[0]) == self.unless[1]
        return self.path.search(str(request.rel_url)) is not None and not passes


class Bent:
    """`url` is where to send what would go to `target`."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._bends: list[Bend] = []
        self._release = asyncio.Event()
        self._http = httpx.AsyncClient(base_url=target, trust_env=False, timeout=30, verify=False)  # noqa: S501
        self._server: TestServer | None = None
        self.asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{rest:.*}", self._pass_on)
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._release.set()
        await self._http.aclose()
        if self._server is not None:
            await self._server.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return str(self._server.make_url("")).rstrip("/")

    def bend(self, path: str, **how: Any) -> None:
        self._bends.append(Bend(path=re.compile(path), **how))

    async def _pass_on(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        bend = next((bend for bend in self._bends if bend.is_for(request)), None)
        if bend is not None and bend.hang:
            await self._release.wait()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        if bend is not None and bend.document is not None:  # "not modified" has nothing to be bent
            headers = {name: value for name, value in headers.items() if name.lower() != "if-none-match"}
        answer = await self._http.request(
            request.method, str(request.rel_url), headers=headers, content=await request.read()
        )
        told = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        if bend is None:
            return web.Response(status=answer.status_code, body=answer.content, headers=told)
        for name, value in bend.headers.items():
            told.pop(name, None)
            if value is not None:
                told[name] = value
        status = bend.status or answer.status_code
        if bend.document is None:
            return web.Response(status=status, body=answer.content, headers=told)
        told.pop("content-type", None)
        document = bend.document(answer.json()) if callable(bend.document) else bend.document
        return web.json_response(document, status=status, headers=told)
