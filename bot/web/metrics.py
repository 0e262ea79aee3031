"""`/metrics`: what is counted, for Prometheus."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Exposition = Callable[[str], Awaitable[tuple[bytes, str]]]
"""From what the asker accepts to the text and its content type."""


def metrics_routes(exposition: Exposition) -> list[web.RouteDef]:
    async def metrics(request: web.Request) -> web.Response:
        body, content_type = await exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/metrics", metrics)]
