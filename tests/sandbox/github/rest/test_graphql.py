"""The one question that is asked by GraphQL."""

from typing import Any

from tests.sandbox.github.conftest import Forge

ABOUT = {"owner": "example", "name": "shop", "number": 1, "after": None}


async def ask(forge: Forge, query: str = "{ reviewThreads }", **variables: Any) -> dict[str, Any]:
    url = str(forge.api.base_url.copy_with(path="/api/graphql"))
    answer = await forge.api.post(url, json={"query": query, "variables": {**ABOUT, **variables}})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_conversations_are_open_until_they_are_resolved(forge: Forge) -> None:
    await forge.open("topic")
    for resolved in (False, False, True, False):
        await forge.deed("discuss", number=1, resolved=resolved)
    threads = (await ask(forge))["data"]["repository"]["pullRequest"]["reviewThreads"]
    assert [thread["isResolved"] for thread in threads["nodes"]] == [True, True, False]
    assert threads["pageInfo"]["hasNextPage"] is False


async def test_what_is_not_known_is_an_error_with_200(forge: Forge) -> None:
    assert "Could not resolve" in (await ask(forge, number=9))["errors"][0]["message"]
    assert "Could not resolve" in (await ask(forge, name="other"))["errors"][0]["message"]
    assert "no other question" in (await ask(forge, query="{ viewer { login } }"))["errors"][0]["message"]
