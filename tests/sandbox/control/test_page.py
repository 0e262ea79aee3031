"""How the page's files are served: typed, never kept, under a strict policy, and nothing beside them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.sandbox.control.page import PAGE, page_routes

FILES = sorted(str(file.relative_to(PAGE)) for file in PAGE.rglob("*") if file.is_file())
LONGEST = 300


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(page_routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_the_page_comes_under_a_policy_of_its_own_origin_alone(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy
        assert not any("unsafe" in rule or "http" in rule for rule in policy)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_every_file_has_its_type(url: str) -> None:
    types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    async with aiohttp.ClientSession() as session:
        for name in FILES:
            async with session.get(f"{url}/page/{name}") as response:
                assert (response.status, response.content_type) == (200, types[name[name.rindex(".") :]]), name
                assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "js", "../control/page.py", "%2e%2e/control/page.py", "/etc/passwd"]
)
async def test_nothing_else_is_served(url: str, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        wanted = URL(f"{url}/page/{path}", encoded=True)
        async with session.get(wanted) as response:
            assert response.status == 404


def test_nothing_comes_from_elsewhere_and_no_text_becomes_markup() -> None:
    for name in FILES:
        text = (PAGE / name).read_text("utf-8")
        assert len(text.splitlines()) < LONGEST, name
        foreign = text.replace("http://www.w3.org/2000/svg", "")
        assert "//cdn" not in foreign, name
        assert 'src="http' not in foreign, name
        assert "url(" not in foreign, name
        for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert way_in not in text, f"{name}: {way_in}"
