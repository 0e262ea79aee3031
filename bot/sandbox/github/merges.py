"""Merging a pull request: the guards in GitHub's order, then a real commit and a compare-and-swap of the base."""

from bot.sandbox.github import refusals
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.plumbing import Conflict, person
from bot.sandbox.github.protection import LINEAR, METHOD_REFUSED, find_protection, unmet_by_pull
from bot.sandbox.github.records import MergeMethod, Pull
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.repositories import BranchMoved


async def merge_pull(
    forge: Forge, pull: Pull, *, login: str, method: MergeMethod = "merge",
    sha: str | None = None, title: str | None = None, message: str | None = None,
) -> str:  # fmt: skip
    """Merge now and return the commit that the base branch got. Raises `Refusal` 405 or 409."""
    _check(forge, pull, login, method, sha)
    head, base = pull.head_sha, forge.repositories.tips(pull.repository)[pull.base]
    commit = await _make_commit(forge, pull, method, head, base, login, _message(pull, method, title, message))
    async with forge.moving(pull.repository):
        if pull.state != "open" or pull.head_sha != head:
            raise Refusal(409, "head_moved", refusals.HEAD_MODIFIED)
        try:
            await forge.repositories.move_branch(pull.repository, pull.base, commit, expected=base)
        except BranchMoved:
            raise Refusal(405, "base_moved", refusals.BASE_MODIFIED) from None
        forge.mark_merged(pull, commit, login)
        await forge.follow(pull.repository, pull.base, base, commit, login)
    return commit


def _check(forge: Forge, pull: Pull, login: str, method: MergeMethod, sha: str | None) -> None:
    if pull.state != "open":
        raise Refusal(405, "merged" if pull.merged else "not_open", refusals.NOT_MERGEABLE)
    if sha is not None and sha != pull.head_sha:
        raise Refusal(409, "head_moved", refusals.HEAD_MODIFIED)
    if pull.draft:
        raise Refusal(405, "draft", "Pull Request is still a draft")
    if pull.mergeable is None:
        # Known until another merge or push moved the base: the answer for two merges within a second.
        if pull.stale_base:
            raise Refusal(405, "base_moved", refusals.BASE_MODIFIED)
        raise Refusal(405, "unknown", refusals.NOT_MERGEABLE)
    if not pull.mergeable:
        raise Refusal(405, "conflict", refusals.NOT_MERGEABLE)
    records = forge.of(pull.repository)
    protection = find_protection(records, pull.base, login)
    if protection is None:
        return
    if method not in protection.methods:
        raise Refusal(405, "method_not_allowed", METHOD_REFUSED[method])
    if protection.linear_history and method == "merge":
        raise refusals.rules_broken(405, "rules_unmet", [LINEAR])
    reasons = unmet_by_pull(protection, records, pull)
    if reasons:
        raise refusals.rules_broken(405, "rules_unmet", reasons)


async def _make_commit(
    forge: Forge, pull: Pull, method: MergeMethod, head: str, base: str, login: str, message: str
) -> str:
    plumbing, merger = forge.plumbing(pull.repository), person(login)
    if method == "rebase":
        rebased = await plumbing.rebase(base, head, merger)
        if isinstance(rebased, Conflict):
            raise Refusal(405, "conflict", "This branch can't be rebased")
        return rebased
    tree = await plumbing.merge(base, head)
    if isinstance(tree, Conflict):
        raise Refusal(405, "conflict", refusals.NOT_MERGEABLE)
    parents = [base, head] if method == "merge" else [base]
    return await plumbing.commit(tree, parents, message, merger, merger)


def _message(pull: Pull, method: MergeMethod, title: str | None, message: str | None) -> str:
    owner = pull.repository.split("/")[0]
    if method == "merge":
        subject, body = f"Merge pull request #{pull.number} from {owner}/{pull.head}", pull.title
    else:
        subject, body = f"{pull.title} (#{pull.number})", ""
    subject, body = title or subject, body if message is None else message
    return f"{subject}\n\n{body}".rstrip("\n") + "\n"
