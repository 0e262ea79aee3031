"""`/healthz`: the process lives. `/readyz`: it can work; with `?verbose=1`, how much waits to be done now."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """`problems` empty: ready. `waiting` counts rows that are due now: `inbound`, `due`, `outbox`, `intake`."""

    problems: tuple[str, ...]
    waiting: Mapping[str, int]


def health_routes(readiness: Callable[[], Awaitable[Readiness]]) -> list[web.RouteDef]:
    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        found = await readiness()
        body: dict[str, object] = {"ready": not found.problems, "problems": list(found.problems)}
        if request.query.get("verbose") == "1":
            body |= found.waiting
        return web.json_response(body, status=200 if not found.problems else 503)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
