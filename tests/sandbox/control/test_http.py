"""The one error shape of the control API."""

import json

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.control.http import Body, ControlError, errors_as_json, read_body
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
        ("POST", "/answer", '{"number": 404}', 404, "unknown_thing", "number"),
        ("POST", "/answer", '{"number": 0}', 500, "crashed", None),
        ("GET", "/answer", "", 405, "method_not_allowed", None),
        ("GET", "/elsewhere", "", 404, "no_such_route", None),
    ],
)
async def test_every_no_has_the_same_shape(
    method: str, path: str, body: str, status: int, slug: str, field: str | None
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
