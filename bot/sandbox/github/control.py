"""The forge's part of the control API: commits pushed as a person would, and what people do on GitHub's pages."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from aiohttp import web
from pydantic import ConfigDict, Field

from bot.sandbox.control.http import Body, ControlError, WithoutNul, read_body
from bot.sandbox.github import pulls
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.merges import merge_pull
from bot.sandbox.github.overview import pull_overview
from bot.sandbox.github.people import find_login, may_write
from bot.sandbox.github.plumbing import person
from bot.sandbox.github.pushes import check_push
from bot.sandbox.github.records import METHODS, MergeMethod, Protection, Pull, StatusState
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.statuses import set_status
from bot.sandbox.repositories import BranchMoved, GitFailed

PUSH_ATTEMPTS = 20
NOT_NOW = {"merged", "not_open", "own_pull_request", "cannot_reopen"}
REVIEWS: dict[str, Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]] = {
    "APPROVED": "APPROVED", "APPROVE": "APPROVED", "CHANGES_REQUESTED": "CHANGES_REQUESTED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENTED": "COMMENTED", "COMMENT": "COMMENTED",
}  # fmt: skip


class CommitBody(Body):
    repository: str
    branch: WithoutNul
    as_: str = Field(alias="as")
    message: WithoutNul
    files: dict[str, str | None]
    force: bool = False
    from_: WithoutNul | None = Field(default=None, alias="from")


class GithubBody(Body):
    """The part that every deed has; the rest is read by the deed's own model."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    as_: str = Field(alias="as")
    do: Literal["merge", "close", "reopen", "retarget", "review", "status", "protect", "open", "discuss"]
    repository: str


class Deed(Body):
    as_: str = Field(alias="as")
    do: str
    repository: str


class OnPull(Deed):
    number: int


class MergeBody(OnPull):
    method: MergeMethod = "merge"


class RetargetBody(OnPull):
    base: str


class ReviewBody(OnPull):
    state: str
    body: str = ""


class StatusBody(OnPull):
    context: str
    state: StatusState
    description: str | None = None
    target_url: str | None = None


class DiscussBody(OnPull):
    resolved: bool = False


class OpenBody(Deed):
    head: str
    base: str
    title: str
    body: str | None = None
    draft: bool = False


class ProtectBody(Deed):
    number: int | None = None
    branch: str
    required_checks: list[str] = Field(default_factory=list)
    reviews: int = Field(default=0, ge=0, le=6)
    strict: bool = False
    methods: list[MergeMethod] = Field(default_factory=lambda: list(METHODS), min_length=1)
    queue: bool = False
    bypass: list[str] = Field(default_factory=list)
    dismiss_stale: bool = False
    conversation_resolution: bool = False
    linear_history: bool = False
    signatures: bool = False


class Control:
    """`POST /api/git/commit` and `POST /api/github`."""

    def __init__(self, forge: Forge, told: Callable[[], Awaitable[None]]) -> None:
        """`told` returns when whoever has a webhook has answered."""
        self._forge, self._told = forge, told
        self._deeds: dict[str, Callable[[web.Request, str], Awaitable[Pull | None]]] = {
            "merge": self._merge, "close": self._close, "reopen": self._reopen, "retarget": self._retarget,
            "review": self._review, "status": self._status, "protect": self._protect, "open": self._open,
            "discuss": self._discuss,
        }  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/git/commit", self._commit), web.post("/api/github", self._github)]

    async def _commit(self, request: web.Request) -> web.Response:
        body = await read_body(request, CommitBody)
        self._check_repository(body.repository)
        login = _writer(body.as_, body.repository)
        _check_paths(body.files)
        try:
            sha = await _as_control(self._push_again(body, login))
        except GitFailed as failed:  # a path that git does not take, for one
            raise ControlError(400, "malformed", str(failed)) from None
        await self._told()
        return web.json_response({"sha": sha})

    async def _push_again(self, body: CommitBody, login: str) -> str:
        """Without `from` the commit goes on whatever the tip is, also when that moves meanwhile."""
        for _ in range(PUSH_ATTEMPTS - 1):
            try:
                return await self._push(body, login)
            except BranchMoved:
                if body.from_ is not None:
                    raise
        return await self._push(body, login)

    async def _push(self, body: CommitBody, login: str) -> str:
        name, repositories = body.repository, self._forge.repositories
        await self._check_branch(name, body.branch)
        tip = repositories.tips(name).get(body.branch)
        parent = tip or repositories.tips(name).get(repositories.default_branch(name))
        if body.from_ is not None:
            parent = await repositories.find_commit(name, body.from_)
            if parent is None:
                raise ControlError(404, "unknown_commit", f"{name} has no commit {body.from_}", "from")
        plumbing, author = self._forge.plumbing(name), person(login)
        tree = await plumbing.tree(parent, {p: None if c is None else c.encode() for p, c in body.files.items()})
        message = body.message.rstrip("\n") + "\n"
        sha = await plumbing.commit(tree, [parent] if parent else [], message, author, author)
        if tip is not None and not body.force and not await plumbing.is_ancestor(tip, sha):
            said = f"Updates were rejected: {body.branch} is at {tip}, which the new commit does not descend from."
            raise ControlError(422, "not_fast_forward", said)
        await check_push(self._forge, name, body.branch, tip, sha, login)
        await self._forge.move_branch(name, body.branch, sha, expected=tip, login=login)
        return sha

    async def _check_branch(self, name: str, branch: str) -> None:
        code, _, _ = await self._forge.repositories.run(name, "check-ref-format", "--branch", branch)
        if code != 0:
            raise ControlError(400, "malformed", f"branch: {branch!r} is not a valid branch name", "branch")

    async def _github(self, request: web.Request) -> web.Response:
        body = await read_body(request, GithubBody)
        self._check_repository(body.repository)
        login = _writer(body.as_, body.repository)
        pull = await _as_control(self._deeds[body.do](request, login))
        await self._told()
        return web.json_response({"pull": None if pull is None else pull_overview(self._forge, pull)})

    async def _merge(self, request: web.Request, login: str) -> Pull:
        body = await read_body(request, MergeBody)
        pull = self._pull(body)
        for attempt in range(3):  # the base may move between the look and the merge, as on the real page
            await self._forge.mergeability.known(pull)
            try:
                await merge_pull(self._forge, pull, login=login, method=body.method)
                break
            except Refusal as refusal:
                if refusal.slug not in {"base_moved", "unknown", "head_moved"} or attempt == 2:
                    raise
        return pull

    async def _close(self, request: web.Request, login: str) -> Pull:
        pull = self._pull(await read_body(request, OnPull))
        if pull.state != "open":
            raise Refusal(405, "not_open", f"#{pull.number} is {'merged' if pull.merged else 'closed'} already.")
        pulls.close(self._forge, pull, login)
        return pull

    async def _reopen(self, request: web.Request, login: str) -> Pull:
        pull = self._pull(await read_body(request, OnPull))
        if pull.state == "open":
            raise Refusal(405, "cannot_reopen", f"#{pull.number} is open already.")
        await pulls.reopen(self._forge, pull, login=login)
        return pull

    async def _retarget(self, request: web.Request, login: str) -> Pull:
        body = await read_body(request, RetargetBody)
        pull = self._pull(body)
        await pulls.retarget(self._forge, pull, body.base, login=login)
        return pull

    async def _review(self, request: web.Request, login: str) -> Pull:
        body = await read_body(request, ReviewBody)
        state = REVIEWS.get(body.state.upper())
        if state is None:
            raise ControlError(400, "malformed", f"state: one of {', '.join(sorted(set(REVIEWS.values())))}", "state")
        pull = self._pull(body)
        pulls.review(self._forge, pull, login=login, state=state, body=body.body)
        return pull

    async def _status(self, request: web.Request, login: str) -> Pull:
        body = await read_body(request, StatusBody)
        pull = self._pull(body)
        set_status(
            self._forge, body.repository, pull.head_sha, login=login, context=body.context, state=body.state,
            description=body.description, target_url=body.target_url,
        )  # fmt: skip
        return pull

    async def _discuss(self, request: web.Request, login: str) -> Pull:
        """Begin a conversation on the pull request, or resolve all that there are."""
        body = await read_body(request, DiscussBody)
        pull = self._pull(body)
        pull.conversations = [True] * len(pull.conversations) if body.resolved else [*pull.conversations, False]
        self._forge.feed.touch()
        return pull

    async def _open(self, request: web.Request, login: str) -> Pull:
        body = await read_body(request, OpenBody)
        return await pulls.open_pull(
            self._forge, body.repository, login=login, head=body.head, base=body.base, title=body.title,
            body=body.body, draft=body.draft,
        )  # fmt: skip

    async def _protect(self, request: web.Request, login: str) -> None:
        """Set the branch's rules anew; rules that demand nothing end the protection."""
        body = await read_body(request, ProtectBody)
        if body.branch not in self._forge.repositories.tips(body.repository):
            raise ControlError(404, "unknown_branch", f"{body.repository} has no branch {body.branch}", "branch")
        protection = Protection(
            required_checks=body.required_checks, reviews=body.reviews, strict=body.strict, methods=body.methods,
            queue=body.queue, bypass=[_login(user, "bypass") for user in body.bypass],
            dismiss_stale=body.dismiss_stale, conversation_resolution=body.conversation_resolution,
            linear_history=body.linear_history, signatures=body.signatures,
        )  # fmt: skip
        protections = self._forge.of(body.repository).protections
        protections.pop(body.branch, None)
        if protection.demands_anything:
            protections[body.branch] = protection
        self._forge.feed.touch()

    def _check_repository(self, name: str) -> None:
        if name not in self._forge.repositories.names():
            raise ControlError(404, "unknown_repository", f"there is no repository {name}", "repository")

    def _pull(self, body: OnPull) -> Pull:
        pull = self._forge.of(body.repository).pulls.get(body.number)
        if pull is None:
            raise ControlError(404, "unknown_pull", f"{body.repository} has no pull request #{body.number}", "number")
        return pull


async def _as_control(work: Awaitable[Any]) -> Any:
    """Tell GitHub's noes in the control API's shape."""
    try:
        return await work
    except Refusal as refusal:
        status = 409 if refusal.slug in NOT_NOW else 422
        raise ControlError(status, refusal.slug, refusal.said()) from None
    except BranchMoved as error:
        raise ControlError(409, "branch_moved", str(error)) from None


def _login(user: str, field: str) -> str:
    login = find_login(user)
    if login is None:
        raise ControlError(404, "unknown_user", f"there is no user {user}", field)
    return login


def _writer(user: str, repository: str) -> str:
    login = _login(user, "as")
    if not may_write(login):
        raise ControlError(422, "no_write_access", f"{login} has no write access to {repository}", "as")
    return login


def _check_paths(files: dict[str, str | None]) -> None:
    written = {path for path, content in files.items() if content is not None}
    for path in files:
        parts = path.split("/")
        if "\0" in path or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
            raise ControlError(400, "malformed", f"files: {path!r} is not a path inside the repository", "files")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if path in written and above & written:
            raise ControlError(400, "malformed", f"files: {path!r} lies below another file", "files")
