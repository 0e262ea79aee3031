"""GitHub's own shapes, as far as we read them, and what they mean in our words."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.domain.branch_rules import OUR_CHECK
from bot.domain.identity import Revision
from bot.domain.pull_request import Check, CheckState, Mergeability, OpenPull, PullRequest
from bot.integrations.forges.github.errors import not_understood

_STATUS = {"success": CheckState.SUCCESS, "failure": CheckState.FAILURE, "error": CheckState.FAILURE}
_CONCLUSION = {
    "success": CheckState.SUCCESS,
    "neutral": CheckState.SUCCESS,
    "skipped": CheckState.SUCCESS,
    "failure": CheckState.FAILURE,
    "timed_out": CheckState.FAILURE,
    "cancelled": CheckState.FAILURE,
    "action_required": CheckState.FAILURE,
    "startup_failure": CheckState.FAILURE,
    "stale": CheckState.FAILURE,
}
_MERGEABILITY = {
    "clean": Mergeability.CLEAN,
    "has_hooks": Mergeability.CLEAN,
    "unstable": Mergeability.UNSTABLE,
    "behind": Mergeability.BEHIND,
    "blocked": Mergeability.BLOCKED,
    "draft": Mergeability.DRAFT,
}


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class WireUser(Wire):
    login: str


class WireRepository(Wire):
    full_name: str
    html_url: str | None = None


class WireSide(Wire):
    """Head or base. `repo` is null when a fork was deleted."""

    ref: str
    sha: str
    repo: WireRepository | None = None


class WirePull(Wire):
    """A pull request. In lists `merged`, `merged_by`, `mergeable` and `mergeable_state` are absent."""

    number: int
    html_url: str
    state: str
    body: str | None = None
    draft: bool | None = None
    merged_at: str | None = None
    merged_by: WireUser | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    mergeable_state: str | None = None
    head: WireSide
    base: WireSide

    def comes_from(self, branch: str) -> bool:
        """Whether its head is that branch of the repository itself: GitHub ignores a filter that it does not like."""
        ours = self.base.repo
        return self.head.ref == branch and ours is not None and self.head.repo == ours

    def carries(self, marker: str) -> bool:
        return marker in (self.body or "")


class WireMerge(Wire):
    sha: str
    merged: bool


class WireIssue(Wire):
    closed_by: WireUser | None = None


class WireComment(Wire):
    body: str | None = None


class WireStatus(Wire):
    context: str
    state: str
    description: str | None = None


class WireCombinedStatus(Wire):
    """The newest status of each context; its own `state` is not read: it is `pending` when there are none."""

    statuses: list[WireStatus]


class WireApp(Wire):
    id: int


class WireCheckRun(Wire):
    name: str
    status: str
    conclusion: str | None = None
    app: WireApp | None = None


class WireCheckRuns(Wire):
    check_runs: list[WireCheckRun]


Model = TypeVar("Model", bound=Wire)


def read(model: type[Model], document: Any) -> Model:
    """Raises `Unavailable` when the document is of another shape."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise not_understood(
            f"no {model.__name__.removeprefix('Wire').lower()}: {error.error_count()} wrong fields"
        ) from None


def read_list(model: type[Model], document: Any) -> list[Model]:
    if not isinstance(document, list):
        raise not_understood(f"no list of {model.__name__.removeprefix('Wire').lower()}s")
    return [read(model, item) for item in document]


def pull_request_of(pull: WirePull, *, closed_by: str | None = None) -> PullRequest:
    merged = pull.merged_at is not None
    return PullRequest(
        number=pull.number,
        link=pull.html_url,
        is_open=pull.state == "open",
        merged=merged,
        head_branch=pull.head.ref,
        head=Revision(pull.head.sha),
        base_branch=pull.base.ref,
        base=Revision(pull.base.sha),
        mergeability=mergeability_of(pull),
        # before the merge this field holds GitHub's test merge, which is on no branch
        merge_revision=Revision(pull.merge_commit_sha) if merged and pull.merge_commit_sha else None,
        merged_by=pull.merged_by.login if pull.merged_by else None,
        closed_by=closed_by,
    )


def open_pull_of(pull: WirePull) -> OpenPull:
    return OpenPull(
        number=pull.number, head=Revision(pull.head.sha), head_branch=pull.head.ref, base_branch=pull.base.ref
    )


def mergeability_of(pull: WirePull) -> Mergeability:
    """`mergeable: null` means that GitHub is still computing, whatever the state says meanwhile."""
    if pull.mergeable is None or pull.mergeable_state in (None, "unknown"):
        return Mergeability.UNKNOWN
    if not pull.mergeable or pull.mergeable_state == "dirty":
        return Mergeability.CONFLICT
    return _MERGEABILITY.get(pull.mergeable_state or "", Mergeability.UNKNOWN)


def check_of_status(status: WireStatus) -> Check:
    """Contexts are case-insensitive. A state that we do not know is never a success."""
    state = _STATUS.get(status.state.lower(), CheckState.PENDING)
    is_ours = status.context.lower() == OUR_CHECK
    return Check(name=status.context, state=state, description=status.description or "", is_ours=is_ours)


def check_of_run(run: WireCheckRun) -> Check:
    finished = run.status == "completed"
    state = _CONCLUSION.get(run.conclusion or "", CheckState.PENDING) if finished else CheckState.PENDING
    return Check(name=run.name, state=state, app=run.app.id if run.app else None)
