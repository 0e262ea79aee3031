"""What the forge remembers beside Git: pull requests, reviews, comments, statuses and rules. All JSON-able."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

MergeMethod = Literal["merge", "squash", "rebase"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]
StatusState = Literal["pending", "success", "failure", "error"]
METHODS: tuple[MergeMethod, ...] = ("merge", "squash", "rebase")


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Review(BaseModel):
    id: int
    login: str
    state: ReviewState
    body: str
    commit: str
    at: datetime


class Comment(BaseModel):
    id: int
    login: str
    body: str
    created_at: datetime
    updated_at: datetime


class Status(BaseModel):
    id: int
    login: str
    context: str
    state: StatusState
    description: str | None
    target_url: str | None
    at: datetime


class Pull(BaseModel):
    """A pull request. `head` and `base` are branch names; `base_sha` is the base's tip when the head last moved.

    `mergeable` None means not computed yet; `stale_base` then tells that it was, until the base branch moved.
    `test_merge` is the commit that a merge would make, as far as computed; `merge_commit` the one that was made.
    """

    repository: str
    number: int
    title: str
    body: str | None
    login: str
    head: str
    head_sha: str
    base: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    closed_by: str | None = None
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_commit: str | None = None
    mergeable: bool | None = None
    stale_base: bool = False
    behind: bool = False
    test_merge: str | None = None
    reviews: list[Review] = Field(default_factory=list)
    comments: list[Comment] = Field(default_factory=list)
    conversations: list[bool] = Field(default_factory=list)  # whether each is resolved

    @property
    def merged(self) -> bool:
        return self.merged_at is not None

    @property
    def unresolved(self) -> int:
        return self.conversations.count(False)

    def verdicts(self, *, of_head_only: bool = False) -> dict[str, ReviewState]:
        """Each reviewer's last review that says yes or no. `of_head_only`: a yes to an older head is no more."""
        return {
            r.login: r.state for r in self.reviews
            if r.state != "COMMENTED"
            and not (of_head_only and r.state == "APPROVED" and r.commit != self.head_sha)
        }  # fmt: skip


class Protection(BaseModel):
    """The rules of one branch. `bypass`: logins whom they do not bind."""

    required_checks: list[str] = Field(default_factory=list)
    reviews: int = 0
    strict: bool = False
    methods: list[MergeMethod] = Field(default_factory=lambda: list(METHODS))
    queue: bool = False
    bypass: list[str] = Field(default_factory=list)
    dismiss_stale: bool = False
    conversation_resolution: bool = False
    linear_history: bool = False
    signatures: bool = False

    @property
    def wants_pull_request(self) -> bool:
        restricted = len(self.methods) < len(METHODS)
        return self.reviews > 0 or self.queue or self.conversation_resolution or restricted

    @property
    def demands_anything(self) -> bool:
        return self.wants_pull_request or bool(self.required_checks) or self.linear_history or self.signatures


class RepositoryRecords(BaseModel):
    """Everything of one repository that Git does not hold."""

    last_number: int = 0
    pulls: dict[int, Pull] = Field(default_factory=dict)
    statuses: dict[str, list[Status]] = Field(default_factory=dict)  # by commit, oldest first
    protections: dict[str, Protection] = Field(default_factory=dict)  # by branch

    def newest_statuses(self, sha: str) -> dict[str, Status]:
        """The newest status of each context, by its lower-cased name."""
        return {status.context.lower(): status for status in self.statuses.get(sha, [])}


class AppRecords(BaseModel):
    """The forge's App and its installation. `repositories` None: all of the account; `clock_skew`: how far the forge's
    clock is ahead, in seconds."""

    installed: bool = True
    suspended: bool = False
    repositories: list[str] | None = None
    permissions: dict[str, str] = Field(
        default_factory=lambda: {
            "checks": "read", "contents": "write", "issues": "read", "metadata": "read", "pull_requests": "write",
            "statuses": "write",
        }
    )  # fmt: skip
    token_seconds: float = 3600.0
    clock_skew: float = 0.0


class ForgeRecords(BaseModel):
    """The whole forge: what a restart must bring back."""

    last_id: int = 1000
    repositories: dict[str, RepositoryRecords] = Field(default_factory=dict)
    app: AppRecords = Field(default_factory=AppRecords)

    def of(self, repository: str) -> RepositoryRecords:
        return self.repositories.setdefault(repository, RepositoryRecords())

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id
