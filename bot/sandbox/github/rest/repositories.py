"""Repository, branches, refs and their rules; the account behind the token."""

import time
from typing import Any

from aiohttp import web

from bot.sandbox.github import refusals
from bot.sandbox.github.pushes import check_push
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.rest.call import REPO, Call, Endpoints
from bot.sandbox.repositories import BranchMoved


async def get_user(call: Call) -> web.Response:
    return web.json_response({**call.shapes.user(call.login), "name": call.login, "email": None})


async def get_rate_limit(call: Call) -> web.Response:
    core = {"limit": 5000, "remaining": 5000, "used": 0, "reset": int(time.time()) + 3600, "resource": "core"}
    return web.json_response({"resources": {"core": core}, "rate": core})


async def get_repository(call: Call) -> web.Response:
    return web.json_response(call.shapes.repository_with_settings(call.repository))


async def list_branches(call: Call) -> web.Response:
    tips = call.forge.repositories.tips(call.repository)
    return call.page(list(tips), lambda name: {**_branch(call, name, tips[name])})


async def get_branch(call: Call) -> web.Response:
    name = call.path("branch")
    sha = call.forge.repositories.tips(call.repository).get(name)
    if sha is None:
        raise Refusal(404, "unknown_branch", "Branch not found")
    commit = call.shapes.commit(call.repository, await call.history.commit(sha))
    return web.json_response({**_branch(call, name, sha), "commit": commit})


async def get_ref(call: Call) -> web.Response:
    name = call.path("branch")
    sha = call.forge.repositories.tips(call.repository).get(name)
    if sha is None:
        raise refusals.not_found()
    url = f"{call.shapes.api}/repos/{call.repository}"
    target = {"sha": sha, "type": "commit", "url": f"{url}/git/commits/{sha}"}
    ref = f"refs/heads/{name}"
    return web.json_response({"ref": ref, "node_id": f"REF_{sha}", "url": f"{url}/git/{ref}", "object": target})


async def delete_ref(call: Call) -> web.Response:
    call.needs_write()
    name, repositories = call.path("branch"), call.forge.repositories
    sha = repositories.tips(call.repository).get(name)
    if sha is None:
        raise Refusal(422, "unknown_branch", "Reference does not exist")
    if name == repositories.default_branch(call.repository):
        raise Refusal(422, "default_branch", "Cannot delete the default branch")
    await check_push(call.forge, call.repository, name, sha, None, call.login)
    try:
        await call.forge.move_branch(call.repository, name, None, expected=sha, login=call.login)
    except BranchMoved:
        raise Refusal(409, "branch_moved", "Reference update failed") from None
    return web.Response(status=204)


def _branch(call: Call, name: str, sha: str) -> dict[str, Any]:
    url = f"{call.shapes.api}/repos/{call.repository}"
    protected = name in call.records.protections
    return {"name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "protected": protected}


ENDPOINTS: Endpoints = [
    ("GET", "/user", get_user),
    ("GET", "/rate_limit", get_rate_limit),
    ("GET", REPO, get_repository),
    ("GET", REPO + "/branches", list_branches),
    ("GET", REPO + "/branches/{branch:.+}", get_branch),
    ("GET", REPO + "/git/ref/heads/{branch:.+}", get_ref),
    ("DELETE", REPO + "/git/refs/heads/{branch:.+}", delete_ref),
]
