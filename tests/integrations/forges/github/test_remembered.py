"""Answers that need not be sent again."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.integrations.forges.github.remembered import MOST_REMEMBERED, Known, Remembered
from bot.integrations.forges.github.transport import Transport


class Tagged:
    """A GitHub of one list, which knows its answers again by their tag."""

    def __init__(self) -> None:
        self.items, self.asked = [1], list[str | None]()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("If-None-Match"))
        tag = f'W/"{len(self.items)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        link = f'<{request.url.update_query(page=2)}>; rel="next"' if request.query.get("page") is None else ""
        return web.json_response(self.items, headers={"ETag": tag, **({"Link": link} if link else {})})


@pytest.fixture
async def tagged() -> AsyncIterator[tuple[Tagged, Transport]]:
    world, app = Tagged(), web.Application()
    app.router.add_get("/list", world.answer)
    async with TestServer(app) as server:
        http = Transport(str(server.make_url("")).rstrip("/"), "token", timeout=2)
        yield world, http
        await http.close()


async def test_what_has_not_changed_is_not_sent_again(tagged: tuple[Tagged, Transport]) -> None:
    world, http = tagged
    first = await http.pages("/list")
    assert await http.pages("/list") == first == [[1], [1]]
    assert world.asked == [None, None, 'W/"1"', 'W/"1"']
    world.items.append(2)
    assert await http.pages("/list") == [[1, 2], [1, 2]]
    assert await http.pages("/list") == [[1, 2], [1, 2]]
    assert world.asked[-1] == 'W/"2"'


async def test_another_question_is_another_answer(tagged: tuple[Tagged, Transport]) -> None:
    world, http = tagged
    await http.get("/list", {"state": "open"})
    await http.get("/list", {"state": "all"})
    assert world.asked == [None, None]


def test_only_so_much_is_kept() -> None:
    remembered, known = Remembered(), Known(tag="t", document=None, next_page=None)
    for number in range(MOST_REMEMBERED):
        remembered.keep(str(number), known)
    assert remembered.find("0") == known  # asked for again: the newest now
    remembered.keep("one more", known)
    assert remembered.find("1") is None
    assert remembered.find("0") == known
