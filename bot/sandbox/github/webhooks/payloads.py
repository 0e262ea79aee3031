"""The payloads of GitHub's webhooks: what the forge's events look like from outside."""

from collections.abc import Awaitable, Callable
from typing import Any, assert_never

from bot.sandbox.github.events import ForgeEvent, PullActed, Pushed, Reviewed, StatusSet
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.history import CommitRead, History, Size
from bot.sandbox.github.shapes import Json, Shapes, moment
from bot.sandbox.repositories import ABSENT, GitFailed

MOST_COMMITS = 2048
Payload = tuple[str, str, Callable[[], Awaitable[Json]]]
"""The event's name, who caused it, and the payload: what needs Git is read later, what may change is not."""


def payload_of(forge: Forge, event: ForgeEvent) -> Payload:
    shapes = Shapes(forge)
    match event:
        case Pushed():
            return "push", event.login, lambda: _push(forge, shapes, event)
        case PullActed():
            return "pull_request", event.login, _pull_request(forge, shapes, event)
        case Reviewed():
            return "pull_request_review", event.review.login, _review(shapes, event)
        case StatusSet():
            return "status", event.status.login, _status(forge, shapes, event)
    assert_never(event)


def _common(shapes: Shapes, repository: str, login: str) -> Json:
    owner = repository.partition("/")[0]
    organization = {"login": owner, "url": f"{shapes.api}/orgs/{owner}", "description": ""}
    return {
        "repository": shapes.repository(repository), "organization": organization, "sender": shapes.user(login),
    }  # fmt: skip


async def _push(forge: Forge, shapes: Shapes, event: Pushed) -> Json:
    name, web = event.repository, f"{shapes.web}/{event.repository}"
    commits, forced = await _carried(forge, event)
    shown = [await _commit(History(forge.repositories, name), web, commit) for commit in commits]
    before, after = event.before or ABSENT, event.after or ABSENT
    return {
        "ref": f"refs/heads/{event.branch}", "before": before, "after": after, "created": event.before is None,
        "deleted": event.after is None, "forced": forced, "base_ref": None,
        "compare": f"{web}/compare/{before[:12]}...{after[:12]}", "commits": shown,
        "head_commit": shown[-1] if shown else None,
        "pusher": {"name": event.login, "email": f"{event.login}@example.com"},
        **_common(shapes, name, event.login),
    }  # fmt: skip


async def _carried(forge: Forge, event: Pushed) -> tuple[list[CommitRead], bool]:
    """The commits that the branch got, oldest first, and whether it lost some."""
    if event.after is None:
        return [], False
    history = History(forge.repositories, event.repository)
    if event.before is None:
        return [await history.commit(event.after)], False
    forced = not await forge.plumbing(event.repository).is_ancestor(event.before, event.after)
    return await history.commits(event.before, event.after, MOST_COMMITS), forced


async def _commit(history: History, web: str, commit: CommitRead) -> Json:
    files = await history.files(commit.parents[0] if commit.parents else None, commit.sha)
    by_kind = {
        kind: [file.path for file in files if (file.status if file.status in ("added", "removed") else "") == status]
        for kind, status in (("added", "added"), ("removed", "removed"), ("modified", ""))
    }
    people: Json = {
        role: {"name": who.name, "email": who.email, "username": who.email.partition("@")[0]}
        for role, who in (("author", commit.author), ("committer", commit.committer))
    }
    return {
        "id": commit.sha, "tree_id": commit.tree, "distinct": True, "message": commit.message,
        "timestamp": commit.committer.at, "url": f"{web}/commit/{commit.sha}", **people, **by_kind,
    }  # fmt: skip


def _pull_request(forge: Forge, shapes: Shapes, event: PullActed) -> Callable[[], Awaitable[Json]]:
    pull = event.pull
    shown = shapes.full_pull(pull, Size(0, 0, 0, 0))
    repository, number, head, base = pull.repository, pull.number, pull.head_sha, pull.base_sha
    common = _common(shapes, repository, event.login)

    async def whole() -> Json:
        try:
            size = await History(forge.repositories, repository).size(base, head)
        except GitFailed:  # one of them is gone by now
            size = Size(0, 0, 0, 0)
        counts: Json = {
            "commits": size.commits, "additions": size.additions, "deletions": size.deletions,
            "changed_files": size.files,
        }  # fmt: skip
        # GitHub's is stale by the time that it arrives: it tells that nothing is known yet
        stale: Json = {"mergeable": None, "mergeable_state": "unknown", "rebaseable": None}
        more: Json = {"after": head} if event.action == "synchronize" else {}
        return {
            "action": event.action, "number": number, "pull_request": {**shown, **counts, **stale}, **more, **common,
        }  # fmt: skip

    return whole


def _review(shapes: Shapes, event: Reviewed) -> Callable[[], Awaitable[Json]]:
    review = {**shapes.review(event.pull, event.review), "state": event.review.state.lower()}
    shown = {
        "action": "submitted", "review": review, "pull_request": shapes.pull(event.pull),
        **_common(shapes, event.pull.repository, event.review.login),
    }  # fmt: skip
    return _known(shown)


def _status(forge: Forge, shapes: Shapes, event: StatusSet) -> Callable[[], Awaitable[Json]]:
    status, name = event.status, event.repository
    shown: Json = {
        "id": status.id, "sha": event.sha, "name": name, "context": status.context, "state": status.state,
        "description": status.description, "target_url": status.target_url, "created_at": moment(status.at),
        "updated_at": moment(status.at), **_common(shapes, name, status.login),
    }  # fmt: skip

    async def whole() -> Json:
        history = History(forge.repositories, name)
        commit = shapes.commit(name, await history.commit(event.sha))
        api = f"{shapes.api}/repos/{name}/branches"
        branches = [
            {"name": branch, "commit": {"sha": sha, "url": commit["url"]}, "protected": False, "url": f"{api}/{branch}"}
            for branch, sha in forge.repositories.tips(name).items()
            if sha == event.sha
        ]
        return {**shown, "commit": commit, "branches": branches}

    return whole


def _known(shown: dict[str, Any]) -> Callable[[], Awaitable[Json]]:
    async def whole() -> Json:
        return shown

    return whole
