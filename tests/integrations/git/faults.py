"""What a Git server may do instead of answering."""

import asyncio

from aiohttp import web

from tests.integrations.git.forge import Fault, GitServer


def answering(
    status: int, text: str = "no", *, on: str = "", content_type: str = "text/plain", **headers: str
) -> Fault:
    """Answer every request whose address holds `on` with this status."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if on not in request.path_qs:
            return None
        return web.Response(status=status, text=text, content_type=content_type, headers=headers)

    return fault


def resetting(on: str = "") -> Fault:
    """Drop the connection without an answer."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if on in request.path_qs and request.transport is not None:
            request.transport.abort()
            return web.Response()
        return None

    return fault


def silent(on: str = "", until: asyncio.Event | None = None) -> Fault:
    """Take the request and say nothing, for as long as the client stays (or until then)."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if on in request.path_qs:
            await (until or asyncio.Event()).wait()
        return None

    return fault


def applying_then_resetting(server: GitServer, on: str) -> Fault:
    """Do what is asked, then drop the connection unanswered."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method == "POST" and on in request.path_qs and request.transport is not None:
            await server.serve(request)
            request.transport.abort()
            return web.Response()
        return None

    return fault
