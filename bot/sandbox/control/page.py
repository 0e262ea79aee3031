"""The page: plain files beside this package, served as they are under a policy that lets nothing else in."""

from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).parent.parent / "page"
CONTENT_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join((
    "default-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
))  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_routes() -> list[web.RouteDef]:
    """`/` is the page itself, `/page/…` what it is made of. Other files, and paths that lead out, are 404."""

    async def index(request: web.Request) -> web.Response:
        return _served(PAGE / "index.html")

    async def file(request: web.Request) -> web.Response:
        wanted = (PAGE / request.match_info["path"]).resolve()
        if not wanted.is_relative_to(PAGE.resolve()) or not wanted.is_file() or wanted.suffix not in CONTENT_TYPES:
            raise web.HTTPNotFound
        return _served(wanted)

    return [web.get("/", index), web.get("/page/{path:.+}", file)]


def _served(file: Path) -> web.Response:
    return web.Response(
        body=file.read_bytes(), content_type=CONTENT_TYPES[file.suffix], charset="utf-8", headers=HEADERS
    )
