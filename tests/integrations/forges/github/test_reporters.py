"""Which App has set a status."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.integrations.forges.github.reporters import Reporters
from bot.integrations.forges.github.transport import Transport

STATUSES: list[dict[str, Any]] = [  # newest first
    {"context": "CI", "creator": {"login": "ci-app[bot]", "type": "Bot"}},
    {"context": "ci", "creator": {"login": "dev-one", "type": "User"}},
    {"context": "scan", "creator": {"login": "dev-one", "type": "User"}},
    {"context": "scan", "creator": {"login": "ci-app[bot]", "type": "Bot"}},
    {"context": "lint", "creator": {"login": "hidden-app[bot]", "type": "Bot"}},
    {"context": "odd", "creator": {"login": "odd[bot]", "type": "User"}},
    {"context": "gone", "creator": None},
]


@pytest.fixture
async def github() -> AsyncIterator[tuple[Reporters, list[str]]]:
    asked: list[str] = []

    async def statuses(_: web.Request) -> web.Response:
        return web.json_response(STATUSES)

    async def app_of(request: web.Request) -> web.Response:
        asked.append(request.match_info["slug"])
        if request.match_info["slug"] != "ci-app":
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response({"id": 7, "slug": "ci-app"})

    app = web.Application()
    app.router.add_get("/statuses", statuses)
    app.router.add_get("/apps/{slug}", app_of)
    async with TestServer(app) as server:
        http = Transport(str(server.make_url("")).rstrip("/"), "token", timeout=2)
        yield Reporters(http), asked
        await http.close()


async def test_the_newest_status_of_each_name_counts_and_a_person_is_no_app(
    github: tuple[Reporters, list[str]],
) -> None:
    reporters, asked = github
    found = {"ci": 7, "scan": None, "lint": None, "odd": None, "gone": None}
    assert await reporters.apps_of("/statuses") == found
    assert await reporters.apps_of("/statuses") == found
    assert asked == ["ci-app", "hidden-app", "hidden-app"]  # what was found out stays known
