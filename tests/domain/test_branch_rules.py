"""Rules of several sources together, what they forbid for good, and whose reviews count."""

import pytest

from bot.domain.branch_rules import BranchRules, BranchSeen, RequiredCheck, Review
from bot.domain.pipeline import MergeMethod
from tests.examples import BASE, HEAD

MERGE, SQUASH, FAST = MergeMethod.MERGE, MergeMethod.SQUASH, MergeMethod.FAST_FORWARD


def rules(**facts: object) -> BranchRules:
    return BranchRules(branch="main", **facts)  # type: ignore[arg-type]


def test_of_several_sources_the_strictest_counts() -> None:
    ci, bound = RequiredCheck(name="ci"), RequiredCheck(name="ci", app=7)
    one = rules(reviews=1, checks=(ci,), methods=frozenset({MERGE, SQUASH}), others=("workflows",), hidden="x")
    two = rules(reviews=2, checks=(bound, RequiredCheck(name="CI")), strict=True, methods=frozenset({SQUASH, FAST}))
    both = BranchRules.together("main", (one, two))
    assert (both.reviews, both.strict, both.methods) == (2, True, frozenset({SQUASH}))
    assert {(check.name.lower(), check.app) for check in both.checks} == {("ci", None), ("ci", 7)}
    assert (both.others, both.hidden, both.bound) == (("workflows",), "x", frozenset({"ci"}))
    assert BranchRules.together("main", ()) == rules()


@pytest.mark.parametrize(
    ("found", "method", "slug", "words"),
    [
        (rules(queue=True), SQUASH, "merge-queue", "main has a merge queue, which is not supported yet"),
        (rules(signatures=True), SQUASH, "signed-commits", "takes signed commits only, which is not supported yet"),
        (rules(linear=True), MERGE, "merge-method", "its history must be linear"),
        (rules(methods=frozenset({MERGE})), SQUASH, "merge-method", "on main merging by `squash` is not allowed"),
        (rules(no_pushes=True), FAST, "pushes-not-allowed", "on main a fast-forward is not allowed"),
    ],
)  # fmt: skip
def test_what_no_pull_request_can_meet(found: BranchRules, method: MergeMethod, slug: str, words: str) -> None:
    obstacle = found.obstacle(method)
    assert obstacle is not None
    assert obstacle.slug == slug
    assert words in obstacle.reason
    assert obstacle.way_out


@pytest.mark.parametrize(
    ("found", "method"),
    [
        (rules(reviews=6, strict=True, conversations=True), SQUASH),
        (rules(linear=True), SQUASH),
        (rules(linear=True), FAST),
        (rules(no_pushes=True), MERGE),
        (rules(methods=frozenset({FAST})), FAST),  # what the forge's button may do is no matter of pushes
    ],
)
def test_where_there_is_a_way(found: BranchRules, method: MergeMethod) -> None:
    assert found.obstacle(method) is None


@pytest.mark.parametrize(
    ("found", "method", "words", "way_out"),
    [
        (rules(linear=True), FAST, "promotes by merge commits", "Take that rule off the branch"),
        (rules(linear=True), MERGE, "promotes by merge commits", "Take that rule off the branch"),
        (rules(methods=frozenset({SQUASH, FAST})), MERGE, "`merge` is not allowed", "Write `merge: fast-forward`"),
        (rules(no_pushes=True), FAST, "a fast-forward is not allowed", "bypass that rule, or write `merge: merge` in"),
    ],
)
def test_a_branch_that_is_promoted_as_a_whole_is_never_told_to_squash(
    found: BranchRules, method: MergeMethod, words: str, way_out: str
) -> None:
    obstacle = found.obstacle(method, whole_tree=True)
    assert obstacle is not None
    assert words in obstacle.reason
    assert way_out in obstacle.way_out
    assert "squash" not in obstacle.way_out


def test_the_way_out_names_what_is_allowed() -> None:
    obstacle = rules(methods=frozenset({MERGE, FAST})).obstacle(SQUASH)
    assert obstacle is not None
    assert obstacle.way_out.startswith("Write `merge: fast-forward` or `merge: merge` in tiphys.yaml")
    no_pushes = rules(methods=frozenset({MERGE, FAST}), no_pushes=True).obstacle(SQUASH)
    assert no_pushes is not None
    assert no_pushes.way_out.startswith("Write `merge: merge` in tiphys.yaml")
    nothing = rules(methods=frozenset()).obstacle(SQUASH)
    assert nothing is not None
    assert nothing.way_out == "Allow it in the settings on the forge"


def test_the_newest_verdict_of_each_reviewer_counts() -> None:
    given = (
        Review(login="one", approves=True, head=BASE), Review(login="two", approves=False, head=BASE),
        Review(login="one", approves=False, head=HEAD), Review(login="two", approves=True, head=HEAD),
    )  # fmt: skip
    seen = BranchSeen(rules=rules(reviews=1), method=SQUASH, head=HEAD, reviews=given)
    assert (seen.approved_by(), seen.refused_by()) == (("two",), ("one",))


def test_a_push_takes_back_a_yes_and_no_wish_for_changes() -> None:
    given = (Review(login="one", approves=True, head=BASE), Review(login="two", approves=False, head=BASE))
    found = rules(reviews=1, reviews_of_head_only=True)
    seen = BranchSeen(rules=found, method=SQUASH, head=HEAD, reviews=given)
    assert (seen.approved_by(), seen.refused_by()) == ((), ("two",))
