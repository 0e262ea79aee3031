"""The forge in `GET /api/state`: pull requests and repositories as the control API shows them."""

from typing import Any

from bot.sandbox.github.forge import Forge
from bot.sandbox.github.protection import mergeable_state
from bot.sandbox.github.records import Pull
from bot.sandbox.github.shapes import moment


def overview(forge: Forge) -> dict[str, Any]:
    names = forge.repositories.names()
    return {
        "pulls": [pull_overview(forge, pull) for name in names for pull in forge.of(name).pulls.values()],
        "repositories": [
            {"name": n, "clone_url": forge.repositories.clone_url(n), "branches": forge.repositories.tips(n)}
            for n in names
        ],
    }


def pull_overview(forge: Forge, pull: Pull) -> dict[str, Any]:
    records = forge.of(pull.repository)
    statuses = records.newest_statuses(pull.head_sha).values()
    return {
        "repository": pull.repository, "number": pull.number, "state": pull.state, "merged": pull.merged,
        "title": pull.title, "body": pull.body, "author": pull.login,
        "head": {"ref": pull.head, "sha": pull.head_sha}, "base": {"ref": pull.base, "sha": pull.base_sha},
        "mergeable_state": mergeable_state(records, pull), "merge_commit_sha": pull.merge_commit,
        "merged_by": pull.merged_by, "closed_by": pull.closed_by, "draft": pull.draft,
        "statuses": {s.context: {"state": s.state, "description": s.description} for s in statuses},
        "reviews": [
            {"user": r.login, "state": r.state, "body": r.body, "commit": r.commit, "at": moment(r.at)}
            for r in pull.reviews
        ],
        "comments": [{"user": c.login, "body": c.body} for c in pull.comments],
    }  # fmt: skip
