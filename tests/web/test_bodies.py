"""Bodies are read up to a limit and for a time, by whichever route."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from bot.web.bodies import BodyRefused, read_body, refuse_by_headers
from tests.desk import served
from tests.web.raw import exchange


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def serve(request: web.Request) -> web.Response:
        try:
            refuse_by_headers(request, largest=10)
            return web.Response(body=await read_body(request, largest=10, seconds=0.3))
        except BodyRefused as refused:
            return web.Response(status=refused.status, text=refused.case)

    app = web.Application()
    app.add_routes([web.post("/", serve)])
    async with served(app) as address:
        yield address


async def test_the_bytes_as_they_came_up_to_the_limit(url: str) -> None:
    async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(url, content=b"x" * 10)).content == b"x" * 10
        assert (await http.post(url, content=in_pieces(b"a\xff", b"b"))).content == b"a\xffb"
        for content in (b"x" * 11, in_pieces(b"x" * 10, b"x")):
            answer = await http.post(url, content=content)
            assert (answer.status_code, answer.text) == (413, "too-large")
        encoded = await http.post(url, content=b"x", headers={"Content-Encoding": "x-unknown"})
        assert (encoded.status_code, encoded.text) == (415, "encoded")


async def test_a_body_that_comes_with_its_head_is_held_to_the_same_limit(url: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\n"
    whole = await exchange(url, head + b"Content-Length: 10\r\n\r\n" + b"x" * 10)
    in_pieces = await exchange(url, head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    nothing = await exchange(url, head + b"\r\n")
    assert [(answer.status, answer.body) for answer in (whole, in_pieces, nothing)] == [
        (200, "x" * 10), (200, "abcde"), (200, ""),
    ]  # fmt: skip
    eleven = b"6\r\n" + b"x" * 6 + b"\r\n5\r\n" + b"x" * 5 + b"\r\n0\r\n\r\n"
    refused = await exchange(url, head + b"Transfer-Encoding: chunked\r\n\r\n" + eleven)
    assert (refused.status, refused.body) == (413, "too-large")


async def test_who_dawdles_is_sent_away(url: str) -> None:
    answer = await exchange(url, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx")
    assert (answer.status, answer.body) == (408, "too-slow")
