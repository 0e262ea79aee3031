"""The one error shape of the control API."""

import json

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.control.http import Body, ControlError, errors_as_json, own_pages_only, read_body
from tests.desk import served


class Wanted(Body):
    number: int


async def answer(request: web.Request) -> web.Response:
    wanted = await read_body(request, Wanted)
    if wanted.number == 404:
        raise ControlError(404, "unknown_thing", "there is no such thing", "number")
    return web.json_response({"inverse": 1 / wanted.number})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug", "field"),
    [
        ("POST", "/answer", "{", 400, "not_json", None),
        ("POST", "/answer", "{}", 400, "malformed", "number"),
        ("POST", "/answer", '{"number": 1, "nuber": 2}', 400, "malformed", "nuber"),
        ("POST", "/answer", b'{"number": "\xff"}', 400, "not_json", None),
        ("POST", "/answer", '{"number": "\\ud800"}', 400, "not_json", None),
        ("POST", "/answer", "[" * 100_000, 400, "not_json", None),
        ("POST", "/answer", '{"number": ' + "9" * 5_000 + "}", 400, "not_json", None),
        ("POST", "/answer", '{"number": 404}', 404, "unknown_thing", "number"),
        ("POST", "/answer", '{"number": 0}', 500, "crashed", None),
        ("GET", "/answer", "", 405, "method_not_allowed", None),
        ("GET", "/elsewhere", "", 404, "no_such_route", None),
    ],
)
async def test_every_no_has_the_same_shape(
    method: str, path: str, body: str | bytes, status: int, slug: str, field: str | None
) -> None:
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes([web.post("/answer", answer)])
    async with (
        served(app) as url,
        aiohttp.ClientSession() as session,
        session.request(method, url + path, data=body) as response,
    ):
        told = json.loads(await response.text())
    assert (response.status, told["error"]["slug"]) == (status, slug)
    assert told["error"].get("field") == field
    assert told["error"]["message"]


async def test_a_charset_that_does_not_exist_is_said() -> None:
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes([web.post("/answer", answer)])
    headers = {"Content-Type": "application/json; charset=utf-9"}
    async with (
        served(app) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/answer", data=b'{"number": 1}', headers=headers) as response,
    ):
        told = await response.json()
    assert (response.status, told["error"]["slug"]) == (400, "not_json")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("{own}", 200), ("http://[", 403), ("https://{host}", 403), ("{own}.example.com", 403), ("null", 403), ("", 403)],
)
async def test_foreign_origins_are_refused_whatever_they_look_like(origin: str, status: int) -> None:
    app = web.Application(middlewares=[errors_as_json, own_pages_only])
    app.add_routes([web.post("/answer", answer)])
    async with served(app) as url, aiohttp.ClientSession() as session:
        headers = {"Origin": origin.format(own=url, host=url.removeprefix("http://"))}
        async with session.post(f"{url}/answer", json={"number": 1}, headers=headers) as response:
            told = await response.json()
    assert response.status == status
    if status == 403:
        assert told["error"]["slug"] == "foreign_origin"
