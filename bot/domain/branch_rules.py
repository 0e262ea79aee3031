"""The rules that a forge holds a branch to, and how a pull request stands towards them. Nobody bypasses them here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from bot.domain.identity import Revision
from bot.domain.pipeline import MergeMethod
from bot.domain.pull_request import Check, CheckState

OUR_CHECK = "tiphys/approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review that says yes or wants changes, by somebody whose reviews count. `login` is a name on the forge.

    A comment says neither, nor does a review that was dismissed.
    """

    login: str
    approves: bool
    head: Revision | None  # the commit that was reviewed


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCheck:
    """A check that must be green. `app`: the id of the App that must have reported it, None: anybody."""

    name: str
    app: int | None = None

    @property
    def is_ours(self) -> bool:
        return self.name.lower() == OUR_CHECK


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a promotion can never be merged into the branch as things stand, and what a person can do."""

    slug: str
    reason: str
    way_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRules:
    """Everything that holds for one branch, from all its sources together: the strictest counts.

    `methods` are the ways to merge that repository and branch allow. `hidden` says what of the rules could not be read
    (empty: all of them were), `others` names rules that we cannot judge: of those the forge alone knows.
    """

    branch: str
    link: str | None = None  # to the page where people see the rules
    reviews: int = 0
    reviews_of_head_only: bool = False  # a push makes earlier approvals void
    reviews_of_owners: bool = False  # code owners must be among them; only the forge knows who they are
    checks: tuple[RequiredCheck, ...] = ()
    strict: bool = False  # the head must contain the newest base
    conversations: bool = False  # every conversation must be resolved
    linear: bool = False
    queue: bool = False
    signatures: bool = False
    no_pushes: bool = False  # changes come through pull requests, or not at all, and our account may not bypass that
    methods: frozenset[MergeMethod] = frozenset(MergeMethod)
    others: tuple[str, ...] = ()
    hidden: str = ""

    def also(self, other: "BranchRules") -> "BranchRules":
        """Both together."""
        checks = {(check.name.lower(), check.app): check for check in (*self.checks, *other.checks)}
        return BranchRules(
            branch=self.branch, link=self.link or other.link, reviews=max(self.reviews, other.reviews),
            reviews_of_head_only=self.reviews_of_head_only or other.reviews_of_head_only,
            reviews_of_owners=self.reviews_of_owners or other.reviews_of_owners,
            checks=tuple(checks.values()), strict=self.strict or other.strict,
            conversations=self.conversations or other.conversations, linear=self.linear or other.linear,
            queue=self.queue or other.queue, signatures=self.signatures or other.signatures,
            no_pushes=self.no_pushes or other.no_pushes, methods=self.methods & other.methods,
            others=tuple(dict.fromkeys((*self.others, *other.others))), hidden=self.hidden or other.hidden,
        )  # fmt: skip

    @classmethod
    def together(cls, branch: str, rules: Iterable["BranchRules"]) -> "BranchRules":
        return reduce(cls.also, rules, cls(branch=branch))

    @property
    def wants_our_check(self) -> bool:
        return any(check.is_ours for check in self.checks)

    @property
    def bound(self) -> frozenset[str]:
        """The names of the checks that one App alone may report, in lower case."""
        return frozenset(check.name.lower() for check in self.checks if check.app is not None)

    def obstacle(self, method: MergeMethod, *, whole_tree: bool = False) -> Obstacle | None:
        """What forbids to merge by `method`, whatever the pull request holds; None where there is a way.

        `whole_tree`: the promotion is itself a merge of two branches, so neither a squash nor a linear history will do.
        """
        if self.queue:
            return Obstacle(
                slug="merge-queue",
                reason=f"{self.branch} has a merge queue, which is not supported yet",
                way_out="Take the queue off the branch, or let the application follow a branch without one",
            )
        if self.signatures:
            return Obstacle(
                slug="signed-commits",
                reason=f"{self.branch} takes signed commits only, which is not supported yet",
                way_out="Take that rule off the branch, or let the application follow a branch without it",
            )
        if whole_tree and self.linear:
            return Obstacle(
                slug="merge-method",
                reason=f"on {self.branch} history must be linear, and the strategy branch promotes by merge commits",
                way_out="Take that rule off the branch, or promote by another strategy",
            )
        if method is MergeMethod.FAST_FORWARD:
            return self._no_push(whole_tree) if self.no_pushes else None
        if method is MergeMethod.MERGE and self.linear:
            return self._not_allowed("merge commits are not allowed: its history must be linear", MergeMethod.SQUASH)
        if method not in self.methods:
            instead = self.methods - {MergeMethod.SQUASH} if whole_tree else self.methods
            return self._not_allowed(f"merging by `{method.value}` is not allowed", *sorted(instead))
        return None

    def _no_push(self, whole_tree: bool) -> Obstacle:
        instead = "`merge: merge`" if whole_tree else "`merge: squash` or `merge: merge`"
        return Obstacle(
            slug="pushes-not-allowed",
            reason=f"on {self.branch} a fast-forward is not allowed: its rules want changes through a pull request",
            way_out=f"Let Tiphys' account bypass that rule, or write {instead} in tiphys.yaml",
        )

    def _not_allowed(self, why: str, *instead: MergeMethod) -> Obstacle:
        methods = self.methods - {MergeMethod.FAST_FORWARD} if self.no_pushes else self.methods
        allowed = [f"`merge: {method.value}`" for method in instead if method in methods]
        write = f"Write {' or '.join(allowed)} in tiphys.yaml, or allow it" if allowed else "Allow it"
        return Obstacle(
            slug="merge-method", reason=f"on {self.branch} {why}", way_out=f"{write} in the settings on the forge"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchSeen:
    """The rules, and how the pull request stood towards them at one moment.

    `unresolved`: how many conversations are; None where the rules do not ask or nobody could tell. `behind`: the base
    has commits that the head lacks, where the rules or the way to merge want them in it.
    """

    rules: BranchRules
    method: MergeMethod
    head: Revision
    reviews: tuple[Review, ...] = ()
    unresolved: int | None = None
    behind: bool = False

    def approved_by(self) -> tuple[str, ...]:
        """Whose newest verdict is a yes that counts for this head."""
        return tuple(
            login
            for login, review in self._newest().items()
            if review.approves and (not self.rules.reviews_of_head_only or review.head == self.head)
        )

    def refused_by(self) -> tuple[str, ...]:
        """Who wants changes; a push does not take that back."""
        return tuple(login for login, review in self._newest().items() if not review.approves)

    def _newest(self) -> Mapping[str, Review]:
        return {review.login: review for review in self.reviews}


def state_of(required: RequiredCheck, checks: tuple[Check, ...]) -> CheckState | None:
    """How a required check stands; None: nothing has reported it. A check and a status of one name must both be green.

    What somebody else than the App that is asked for has reported does not count.
    """
    found = [
        check.state
        for check in checks
        if check.name.lower() == required.name.lower() and (required.app is None or check.app == required.app)
    ]
    for state in (CheckState.FAILURE, CheckState.PENDING, CheckState.SUCCESS):
        if state in found:
            return state
    return None
