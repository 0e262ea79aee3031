"""Pull requests: list, open, read, edit, merge, and what is in them."""

from typing import cast

from aiohttp import web

from bot.sandbox.github import pulls, refusals
from bot.sandbox.github.merges import merge_pull
from bot.sandbox.github.records import METHODS, MergeMethod, Pull
from bot.sandbox.github.rest.call import REPO, Call, Endpoints

STATES = ("open", "closed", "all")


async def list_pulls(call: Call) -> web.Response:
    query, repository = call.request.query, call.repository
    state, base, head = query.get("state", "open"), query.get("base"), query.get("head", "")
    if state not in STATES:
        raise refusals.malformed(f"For 'properties/state', {state} is not a member of {list(STATES)}")
    found = [pull for pull in call.records.pulls.values() if state in ("all", pull.state)]
    if base:
        found = [pull for pull in found if pull.base == base]
    if ":" in head:  # without `owner:` GitHub ignores the filter, silently
        owner, _, branch = head.partition(":")
        found = [pull for pull in found if pull.head == branch and owner == repository.split("/")[0]]
    newest_first = query.get("direction", "asc" if query.get("sort") not in (None, "created") else "desc") == "desc"
    key = (lambda p: (p.updated_at, p.number)) if query.get("sort") == "updated" else (lambda p: (p.number,))
    return call.page(sorted(found, key=key, reverse=newest_first), call.shapes.pull)


async def open_pull(call: Call) -> web.Response:
    call.needs_write()
    repository = call.repository
    if "draft" in call.body and not isinstance(call.body["draft"], bool):
        raise refusals.malformed("For 'properties/draft', the value is not a boolean.")
    pull = await pulls.open_pull(
        call.forge, repository, login=call.login, head=call.text("head"), base=call.text("base"),
        title=call.text("title"), body=call.find_text("body"), draft=call.body.get("draft", False),
    )  # fmt: skip
    url = f"{call.shapes.api}/repos/{repository}/pulls/{pull.number}"
    return web.json_response(await _full(call, pull), status=201, headers={"Location": url})


async def get_pull(call: Call) -> web.Response:
    return web.json_response(await _full(call, call.pull))


async def edit_pull(call: Call) -> web.Response:
    call.needs_write()
    pull = call.pull
    base, state = call.find_text("base"), call.one_of("state", ("open", "closed"), pull.state)
    title, body = call.find_text("title"), call.find_text("body")
    if base is not None:
        await pulls.retarget(call.forge, pull, base, login=call.login)
    if state == "open":
        await pulls.reopen(call.forge, pull, login=call.login)
    pulls.edit(call.forge, pull, title=title, body=body, login=call.login)
    if state == "closed":
        pulls.close(call.forge, pull, call.login)
    return web.json_response(await _full(call, pull))


async def merge(call: Call) -> web.Response:
    call.needs_write()
    pull = call.pull
    method = cast(MergeMethod, call.one_of("merge_method", METHODS, "merge"))
    sha, title, message = (call.find_text(key) for key in ("sha", "commit_title", "commit_message"))
    commit = await merge_pull(
        call.forge, pull, login=call.login, method=method, sha=sha, title=title, message=message
    )  # fmt: skip
    return web.json_response({"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


async def is_merged(call: Call) -> web.Response:
    if not call.pull.merged:
        raise refusals.not_found()
    return web.Response(status=204)


async def list_commits(call: Call) -> web.Response:
    pull = call.pull
    commits = await call.history.commits(await _fork_point(call, pull), pull.head_sha)
    return call.page(commits, lambda commit: call.shapes.commit(pull.repository, commit))


async def list_files(call: Call) -> web.Response:
    pull = call.pull
    files = await call.history.files(await _fork_point(call, pull), pull.head_sha)
    return call.page(files, lambda file: call.shapes.file(pull.repository, pull.head_sha, file))


async def list_of_commit(call: Call) -> web.Response:
    """The pull request that brought a commit in; the open ones while it is only on their branches."""
    sha = await call.forge.repositories.find_commit(call.repository, call.path("ref"))
    if sha is None:
        raise refusals.no_commit(call.path("ref"))
    found = []
    for pull in reversed(call.records.pulls.values()):
        brought_in = pull.merged and sha == pull.merge_commit
        if brought_in or (await _contains(call, pull, sha) and (pull.merged or pull.state == "open")):
            found.append(pull)
    return call.page(found, call.shapes.pull)


async def get_issue(call: Call) -> web.Response:
    return web.json_response(call.shapes.issue(call.pull))


async def _contains(call: Call, pull: Pull, sha: str) -> bool:
    plumbing = call.forge.plumbing(pull.repository)
    return await plumbing.is_ancestor(sha, pull.head_sha) and not await plumbing.is_ancestor(sha, pull.base_sha)


async def _full(call: Call, pull: Pull) -> dict[str, object]:
    since = await _fork_point(call, pull)
    size = await call.history.size(since, pull.head_sha)
    return call.shapes.full_pull(pull, size)


async def _fork_point(call: Call, pull: Pull) -> str:
    """Where the pull request's own commits begin; its base where the two have come to share nothing."""
    tip = call.forge.repositories.tips(pull.repository).get(pull.base)
    base = pull.base_sha if pull.state == "closed" or tip is None else tip
    return await call.history.merge_base(base, pull.head_sha) or base


PULL = REPO + r"/pulls/{number:\d+}"
ENDPOINTS: Endpoints = [
    ("GET", REPO + "/pulls", list_pulls),
    ("POST", REPO + "/pulls", open_pull),
    ("GET", PULL, get_pull),
    ("PATCH", PULL, edit_pull),
    ("GET", PULL + "/merge", is_merged),
    ("PUT", PULL + "/merge", merge),
    ("GET", PULL + "/commits", list_commits),
    ("GET", PULL + "/files", list_files),
    ("GET", REPO + r"/issues/{number:\d+}", get_issue),
    ("GET", REPO + "/commits/{ref:.+}/pulls", list_of_commit),
]
