"""The one question that is asked by GraphQL here: which conversations of a pull request are resolved."""

from typing import Any

from aiohttp import web

from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.rest.call import Call


async def answer(call: Call) -> web.Response:
    """GraphQL answers 200 also where it answers nothing."""
    query, variables = call.text("query"), call.body.get("variables") or {}
    if "reviewThreads" not in query:
        return _errors("the sandbox knows no other question than reviewThreads")
    name, number = f"{variables.get('owner')}/{variables.get('name')}", variables.get("number")
    try:
        pull = call.forge.pull(name, number if isinstance(number, int) else 0)
    except Refusal:
        return _errors(f"Could not resolve to a PullRequest with the number of {number}.")
    threads = {
        "nodes": [{"isResolved": resolved} for resolved in pull.conversations],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }
    return web.json_response({"data": {"repository": {"pullRequest": {"reviewThreads": threads}}}})


def _errors(message: str) -> web.Response:
    error: dict[str, Any] = {"type": "NOT_FOUND", "message": message}
    return web.json_response({"data": None, "errors": [error]})
