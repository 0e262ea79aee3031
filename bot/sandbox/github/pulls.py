"""What people do to pull requests short of merging: open, edit, close, reopen, retarget, review, comment."""

from bot.sandbox.github import refusals
from bot.sandbox.github.events import PullActed, Reviewed
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.history import History
from bot.sandbox.github.records import Comment, Pull, Review, ReviewState, now
from bot.sandbox.github.refusals import Refusal

BODY_LIMIT = 65_536


async def open_pull(
    forge: Forge,
    repository: str,
    *,
    login: str,
    head: str,
    base: str,
    title: str,
    body: str | None,
    draft: bool = False,
) -> Pull:
    """Open a pull request. `head` may be `owner:branch`. Raises `Refusal` as GitHub does."""
    records = forge.of(repository)
    owner, colon, branch = head.rpartition(":")
    is_elsewhere = bool(colon) and owner != repository.split("/")[0]
    async with forge.moving(repository):
        tips = forge.repositories.tips(repository)
        if branch not in tips or is_elsewhere:
            raise refusals.invalid_field("PullRequest", "head")
        if base not in tips:
            raise refusals.invalid_field("PullRequest", "base")
        _check_texts(title, body)
        if await forge.plumbing(repository).count(tips[base], tips[branch]) == 0:
            raise refusals.custom("no_commits", f"No commits between {base} and {branch}")
        if await History(forge.repositories, repository).merge_base(tips[base], tips[branch]) is None:
            raise refusals.custom("unrelated", f"The {branch} branch has no history in common with {base}")
        # Nothing may be awaited between this check and the record: two requests at once must not both pass.
        if _find_open(forge, repository, branch, base) is not None:
            label = f"{repository.split('/')[0]}:{branch}"
            raise refusals.custom("already_exists", f"A pull request already exists for {label}.")
        records.last_number += 1
        pull = Pull(
            repository=repository, number=records.last_number, title=title, body=body, login=login, head=branch,
            head_sha=tips[branch], base=base, base_sha=tips[base], created_at=now(), updated_at=now(), draft=draft,
        )  # fmt: skip
        records.pulls[pull.number] = pull
        forge.mergeability.forget(pull)
        await forge.plumbing(repository).set_ref(f"refs/pull/{pull.number}/head", pull.head_sha)
    forge.tell(PullActed(pull=pull, action="opened", login=login))
    forge.feed.touch()
    return pull


def edit(forge: Forge, pull: Pull, *, title: str | None = None, body: str | None = None, login: str = "") -> None:
    """None leaves as it is; an empty body empties it."""
    _check_texts(pull.title if title is None else title, body)
    pull.title = pull.title if title is None else title
    pull.body = pull.body if body is None else body
    _touched(forge, pull, "edited", login)


def close(forge: Forge, pull: Pull, login: str) -> None:
    """Closed already: nothing happens."""
    if pull.state == "open":
        forge.mark_closed(pull, login)


async def reopen(forge: Forge, pull: Pull, *, login: str = "") -> None:
    """Raises `Refusal` where the pull request is merged, or its branch is gone, rewritten or used by another one."""
    async with forge.moving(pull.repository):
        if pull.state == "open":
            return
        tips = forge.repositories.tips(pull.repository)
        tip, base_tip = tips.get(pull.head), tips.get(pull.base)
        if pull.merged:
            raise _state_stays("The pull request cannot be reopened.")
        if tip is None:
            raise _state_stays(f"The {pull.head} branch has been deleted.")
        if not await forge.plumbing(pull.repository).is_ancestor(pull.head_sha, tip):
            raise _state_stays(f"The {pull.head} branch was force-pushed or recreated.")
        if base_tip is None:
            raise _state_stays(f"The {pull.base} branch has been deleted.")
        if _find_open(forge, pull.repository, pull.head, pull.base) is not None:
            raise _state_stays(f"There is already an open pull request from {pull.head} to {pull.base}.")
        pull.state, pull.closed_at, pull.closed_by = "open", None, None
        pull.head_sha, pull.base_sha = tip, base_tip
        forge.mergeability.forget(pull)
        await forge.plumbing(pull.repository).set_ref(f"refs/pull/{pull.number}/head", tip)
    _touched(forge, pull, "reopened", login)


async def retarget(forge: Forge, pull: Pull, base: str, *, login: str = "") -> None:
    """Raises `Refusal` where the branch is missing, adds nothing, or another pull request has the pair."""
    async with forge.moving(pull.repository):
        if base == pull.base:
            return
        if pull.state != "open":
            raise refusals.custom("not_open", "Cannot change the base branch of a closed pull request.", field="base")
        tip = forge.repositories.tips(pull.repository).get(base)
        if tip is None:
            raise refusals.custom("invalid_base", f"Proposed base branch '{base}' was not found", field="base")
        if _find_open(forge, pull.repository, pull.head, base) is not None:
            said = f"A pull request already exists for base branch '{base}' and head branch '{pull.head}'"
            raise refusals.custom("already_exists", said, field="base")
        if await forge.plumbing(pull.repository).count(tip, pull.head_sha) == 0:
            said = f"There are no new commits between base branch '{base}' and head branch '{pull.head}'"
            raise refusals.custom("no_commits", said, field="base")
        pull.base, pull.base_sha = base, tip
        forge.mergeability.forget(pull)
    _touched(forge, pull, "edited", login)


def review(
    forge: Forge, pull: Pull, *, login: str, state: ReviewState, body: str = "", commit: str | None = None
) -> Review:
    """Raises `Refusal` 422 for a verdict on one's own pull request."""
    if login == pull.login and state != "COMMENTED":
        deed = "approve" if state == "APPROVED" else "request changes on"
        raise Refusal(422, "own_pull_request", "Unprocessable Entity", [f"Can not {deed} your own pull request"])
    made = Review(
        id=forge.records.next_id(), login=login, state=state, body=body, commit=commit or pull.head_sha, at=now()
    )  # fmt: skip
    pull.reviews.append(made)
    _touched(forge, pull)
    forge.tell(Reviewed(pull=pull, review=made))
    return made


def comment(forge: Forge, pull: Pull, *, login: str, body: str) -> Comment:
    _check_comment(body)
    made = Comment(id=forge.records.next_id(), login=login, body=body, created_at=now(), updated_at=now())
    pull.comments.append(made)
    _touched(forge, pull)
    return made


def edit_comment(forge: Forge, made: Comment, *, login: str, body: str) -> None:
    """Raises `Refusal` 403 for somebody else's comment."""
    if made.login != login:
        raise Refusal(403, "not_yours", "Must have admin rights to Repository.")
    _check_comment(body)
    made.body, made.updated_at = body, now()
    forge.feed.touch()


def _find_open(forge: Forge, repository: str, head: str, base: str) -> Pull | None:
    return next((p for p in forge.open_pulls(repository) if (p.head, p.base) == (head, base)), None)


def _check_texts(title: str, body: str | None) -> None:
    if not title.strip():
        raise refusals.invalid_field("PullRequest", "title", "missing_field")
    if body is not None and len(body) > BODY_LIMIT:
        said = f"body is too long (maximum is {BODY_LIMIT} characters)"
        raise refusals.custom("body_too_long", said, resource="Issue", field="body")


def _check_comment(body: str) -> None:
    if not body.strip():
        raise refusals.custom("empty_comment", "Body cannot be blank", resource="IssueComment", field="body")
    if len(body) > BODY_LIMIT:
        said = f"body is too long (maximum is {BODY_LIMIT} characters)"
        raise refusals.custom("body_too_long", said, resource="IssueComment", field="body")


def _state_stays(why: str) -> Refusal:
    return refusals.custom("cannot_reopen", f"state cannot be changed. {why}", field="state")


def _touched(forge: Forge, pull: Pull, action: str = "", login: str = "") -> None:
    """`action`: what GitHub tells of it as; `login`: who did it, the author unless told."""
    pull.updated_at = now()
    if action:
        forge.tell(PullActed(pull=pull, action=action, login=login or pull.login))
    forge.feed.touch()
