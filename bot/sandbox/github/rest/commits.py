"""Commits, comparisons, and the statuses on a commit."""

from typing import cast

from aiohttp import web

from bot.sandbox.github import refusals
from bot.sandbox.github.records import StatusState
from bot.sandbox.github.rest.call import REPO, Call, Endpoints
from bot.sandbox.github.statuses import STATES, combined, set_status


async def get_commit(call: Call) -> web.Response:
    sha, repository = await _commit(call), call.repository
    commit = await call.history.commit(sha)
    files = await call.history.files(commit.parents[0] if commit.parents else None, sha)
    added, removed = sum(f.additions for f in files), sum(f.deletions for f in files)
    shape = {
        **call.shapes.commit(repository, commit),
        "stats": {"total": added + removed, "additions": added, "deletions": removed},
        "files": [call.shapes.file(repository, sha, file) for file in files[:300]],
    }
    return web.json_response(shape)


async def compare(call: Call) -> web.Response:
    names, repository = call.path("basehead"), call.repository
    base_name, dots, head_name = names.partition("...")
    owner = f"{repository.split('/')[0]}:"
    find = call.forge.repositories.find_commit
    base, head = [await find(repository, name.removeprefix(owner)) for name in (base_name, head_name)]
    if not dots or base is None or head is None:
        raise refusals.not_found()
    fork = await call.history.merge_base(base, head)
    if fork is None:
        raise refusals.Refusal(404, "unrelated", f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = await call.history.counts(base, head)
    state = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind"}.get((min(ahead, 1), min(behind, 1)), "diverged")
    commits, files = await call.history.commits(base, head), await call.history.files(fork, head)
    url = f"{call.shapes.api}/repos/{repository}/compare/{names}"
    shape = {
        "url": url, "html_url": f"{call.shapes.web}/{repository}/compare/{names}", "status": state,
        "ahead_by": ahead, "behind_by": behind, "total_commits": ahead,
        "base_commit": call.shapes.commit(repository, await call.history.commit(base)),
        "merge_base_commit": call.shapes.commit(repository, await call.history.commit(fork)),
        "commits": [call.shapes.commit(repository, commit) for commit in commits],
        "files": [call.shapes.file(repository, head, file) for file in files[:300]],
    }  # fmt: skip
    return web.json_response(shape)


async def create_status(call: Call) -> web.Response:
    call.needs_write()
    repository = call.repository
    state = cast(StatusState, call.one_of("state", STATES))
    context = call.find_text("context") or "default"
    description, target_url = call.find_text("description"), call.find_text("target_url")
    sha = await _commit(call)
    made = set_status(
        call.forge, repository, sha, login=call.login, context=context, state=state, description=description,
        target_url=target_url,
    )  # fmt: skip
    return web.json_response(call.shapes.status(repository, sha, made), status=201)


async def list_statuses(call: Call) -> web.Response:
    sha, repository = await _commit(call), call.repository
    newest_first = call.records.statuses.get(sha, [])[::-1]
    return call.page(newest_first, lambda status: call.shapes.status(repository, sha, status))


async def get_combined(call: Call) -> web.Response:
    sha, repository = await _commit(call), call.repository
    newest = list(call.records.newest_statuses(sha).values())
    url = f"{call.shapes.api}/repos/{repository}/commits/{sha}"
    shape = {
        "state": combined(newest), "statuses": [call.shapes.status(repository, sha, status) for status in newest],
        "sha": sha, "total_count": len(newest), "repository": call.shapes.repository(repository),
        "commit_url": url, "url": f"{url}/status",
    }  # fmt: skip
    return web.json_response(shape)


async def list_check_runs(call: Call) -> web.Response:
    """Check runs are made by GitHub Apps; there is none here."""
    await _commit(call)
    return web.json_response({"total_count": 0, "check_runs": []})


async def _commit(call: Call) -> str:
    return await call.forge.commit(call.repository, call.path("ref"))


ENDPOINTS: Endpoints = [
    ("POST", REPO + "/statuses/{ref:[0-9a-fA-F]{40}}", create_status),
    ("GET", REPO + "/commits/{ref:.+}/status", get_combined),
    ("GET", REPO + "/commits/{ref:.+}/statuses", list_statuses),
    ("GET", REPO + "/commits/{ref:.+}/check-runs", list_check_runs),
    ("GET", REPO + "/commits/{ref:.+}", get_commit),
    ("GET", REPO + "/compare/{basehead:.+}", compare),
]
