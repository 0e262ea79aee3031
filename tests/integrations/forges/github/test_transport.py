"""Limits, redirects, pages and answers that are not GitHub's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.integrations.forges.github.transport import Transport
from bot.ports import Denied, OutsideError, Refused, Unavailable
from tests.integrations.forges.github.standin import REPOSITORY_ID, TOKEN, Hub

PATH = "/repos/example/apm"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@pytest.fixture
async def transport(hub: Hub) -> AsyncIterator[Transport]:
    http = Transport(hub.url, TOKEN, timeout=0.5)
    yield http
    await http.close()


@pytest.mark.parametrize(
    ("status", "message", "headers", "wait"),
    [
        (429, SECONDARY, {"Retry-After": "30"}, 30),
        (403, SECONDARY, {}, 60),
        (403, "You have triggered an abuse detection mechanism.", {}, 60),
        (429, "Too many requests", {}, None),
        (
            403,
            "API rate limit exceeded for user ID 1.",
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767261700", "Date": "Thu, 01 Jan 2026 10:00:00 GMT"},
            100,
        ),
    ],
)
async def test_a_limit_is_no_missing_right_and_says_how_long(
    transport: Transport, hub: Hub, status: int, message: str, headers: dict[str, str], wait: float | None
) -> None:
    hub.fail("GET", "", status=status, document={"message": message}, headers=headers)
    with pytest.raises(Unavailable, match="rate limit is reached") as limited:
        await transport.get(PATH)
    assert limited.value.retry_after == wait


async def test_nothing_is_sent_while_limited(transport: Transport, hub: Hub) -> None:
    hub.fail("GET", "", status=403, document={"message": SECONDARY}, headers={"Retry-After": "30"})
    for _ in range(3):
        with pytest.raises(Unavailable):
            await transport.get(PATH)
    with pytest.raises(Unavailable) as limited:
        await transport.write("POST", f"{PATH}/statuses/{'a' * 40}", {})
    assert limited.value.retry_after is not None
    assert limited.value.retry_after <= 30
    assert len(hub.asked) == 1


async def test_a_403_with_neither_header_nor_word_of_a_limit_is_a_missing_right(transport: Transport, hub: Hub) -> None:
    hub.fail(
        "GET", "", status=403, document={"message": "Must have admin rights to Repository."},
        headers={"x-ratelimit-remaining": "4999"},
    )  # fmt: skip
    with pytest.raises(Denied, match="Must have admin rights"):
        await transport.get(PATH)


@pytest.mark.parametrize(
    "how",
    [
        {"status": 403, "text": "<html>Forbidden by the proxy</html>"},
        {"status": 404, "text": "<html>Not found</html>"},
        {"status": 200, "text": "<html>Sign in</html>"},
        {"status": 500, "document": {"message": "Server Error"}},
        {"status": 503, "text": "<html>Unicorn</html>", "headers": {"Retry-After": "5"}},
        {"status": 502, "text": ""},
        {"reset": True},
        {"hang": True},
    ],
)
async def test_what_is_no_answer_of_github_is_waited_for(transport: Transport, hub: Hub, how: dict[str, Any]) -> None:
    hub.fail("GET", "", **how)
    with pytest.raises(Unavailable) as away:
        await transport.get(PATH)
    assert "<html>" not in str(away.value)
    assert TOKEN not in str(away.value)
    assert away.value.retry_after == (5 if how.get("status") == 503 else None)
    assert (await transport.get(PATH)).document["full_name"] == "example/apm"


async def test_no_server_at_all_is_waited_for() -> None:
    http = Transport("http://127.0.0.1:9", TOKEN, timeout=1)
    with pytest.raises(Unavailable, match="no connection to GitHub"):
        await http.get(PATH)
    await http.close()


async def test_a_renamed_repository_is_followed_with_its_query(transport: Transport, hub: Hub) -> None:
    hub.former_names = {"example/apm"}
    answer = await transport.get(f"{PATH}/pulls", {"head": "example:x", "state": "all"})
    assert answer.moved
    assert hub.asked[-1].path == f"/repositories/{REPOSITORY_ID}/pulls"
    assert hub.asked[-1].query == {"head": "example:x", "state": "all"}


@pytest.mark.parametrize("location", ["https://elsewhere.example/repositories/1", "//elsewhere.example/x"])
async def test_the_token_is_sent_to_no_other_host(transport: Transport, hub: Hub, location: str) -> None:
    hub.fail("GET", "", status=301, document={}, headers={"Location": location})
    with pytest.raises(Refused, match=r"elsewhere\.example") as refused:
        await transport.get(PATH)
    assert refused.value.slug == "redirected"


async def test_a_circle_of_redirects_ends(transport: Transport, hub: Hub) -> None:
    hub.fail("GET", "", status=307, document={}, headers={"Location": PATH}, times=10)
    with pytest.raises(Refused, match="more than 3 times"):
        await transport.get(PATH)
    assert len(hub.asked) == 4


async def test_a_next_page_elsewhere_is_not_followed(transport: Transport, hub: Hub) -> None:
    link = '<https://elsewhere.example/x>; rel="next"'
    hub.fail("GET", "", status=200, document=[], headers={"Link": link})
    with pytest.raises(Refused):
        await transport.pages(PATH)


async def test_a_list_without_an_end_is_given_up(transport: Transport, hub: Hub) -> None:
    hub.fail("GET", "", status=200, document=[], headers={"Link": f'<{hub.url}/x>; rel="next"'}, times=1000)
    with pytest.raises(Refused, match="more than 3000 entries"):
        await transport.pages(PATH)


async def test_writes_go_one_at_a_time(transport: Transport, hub: Hub) -> None:
    most = 0

    def count() -> None:
        nonlocal most
        most = max(most, len(hub.asked) - finished)

    finished = 0
    hub.fail("POST", "", status=201, document={}, times=5, first=count)

    async def write() -> None:
        nonlocal finished
        await transport.write("POST", f"{PATH}/x", {})
        finished += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(write())
    assert most == 1


async def test_every_failure_is_one_of_the_ports_errors(transport: Transport, hub: Hub) -> None:
    for status in (400, 401, 404, 405, 409, 410, 418, 422, 451):
        hub.fail("GET", "", status=status, document={"message": "no", "errors": [{"field": "x", "code": "invalid"}, 1]})
        with pytest.raises(OutsideError) as error:
            await transport.get(PATH)
        assert error.value.system == "github"


@pytest.mark.parametrize(("below", "path"), [("", "/graphql"), ("/api/v3", "/api/graphql")])
async def test_graphql_is_beside_the_rest_api(hub: Hub, below: str, path: str) -> None:
    hub.fail("POST", "graphql$", document={"data": {"viewer": {"login": "tiphys"}}})
    http = Transport(f"{hub.url}{below}", TOKEN, timeout=0.5)
    assert await http.query("{ viewer { login } }", {"a": 1}) == {"viewer": {"login": "tiphys"}}
    assert (hub.asked[0].path, hub.asked[0].body["variables"]) == (path, {"a": 1})
    await http.close()


@pytest.mark.parametrize(
    ("document", "error", "words"),
    [
        ({"data": None, "errors": [{"type": "FORBIDDEN", "message": "no\nright"}]}, Refused, "no right"),
        ({"data": None}, Unavailable, "something other than GitHub answered"),
        ([], Unavailable, "something other than GitHub answered"),
    ],
)
async def test_graphql_says_no_with_a_200(
    transport: Transport, hub: Hub, document: Any, error: type[OutsideError], words: str
) -> None:
    hub.fail("POST", "graphql$", document=document)
    with pytest.raises(error, match=words):
        await transport.query("{ viewer { login } }", {})
