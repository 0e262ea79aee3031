"""The page: plain files beside this module, served as they are."""

from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).parent.parent / "page"


def page_routes() -> list[web.RouteDef | web.StaticDef]:
    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-store"})

    return [web.get("/", index), web.static("/page", PAGE)]
