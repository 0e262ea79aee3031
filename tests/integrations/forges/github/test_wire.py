"""GitHub's shapes in our words; what is unknown is never good news."""

from typing import Any

import pytest

from bot.domain.pull_request import Mergeability
from bot.integrations.forges.github.wire import WirePull, mergeability_of, pull_request_of, read, read_list
from bot.ports import Unavailable

SIDE = {"ref": "main", "sha": "b" * 40, "repo": {"full_name": "example/apm"}}
PULL: dict[str, Any] = {
    "number": 1,
    "html_url": "https://github.example/example/apm/pull/1",
    "state": "open",
    "head": SIDE,
    "base": SIDE,
    "unknown_field": [1],
}


@pytest.mark.parametrize(
    ("mergeable", "state", "expected"),
    [
        (None, None, Mergeability.UNKNOWN),
        (None, "clean", Mergeability.UNKNOWN),
        (True, "unknown", Mergeability.UNKNOWN),
        (True, "something_new", Mergeability.UNKNOWN),
        (True, "clean", Mergeability.CLEAN),
        (True, "has_hooks", Mergeability.CLEAN),
        (True, "unstable", Mergeability.UNSTABLE),
        (True, "behind", Mergeability.BEHIND),
        (True, "blocked", Mergeability.BLOCKED),
        (True, "draft", Mergeability.DRAFT),
        (False, "dirty", Mergeability.CONFLICT),
        (False, "blocked", Mergeability.CONFLICT),
    ],
)
def test_mergeability(mergeable: bool | None, state: str | None, expected: Mergeability) -> None:
    pull = read(WirePull, {**PULL, "mergeable": mergeable, "mergeable_state": state})
    assert mergeability_of(pull) is expected


def test_the_test_merge_is_no_merge() -> None:
    assert pull_request_of(read(WirePull, {**PULL, "merge_commit_sha": "7" * 40})).merge_revision is None


def test_an_item_of_a_list_tells_by_its_time_that_it_is_merged() -> None:
    wire = {**PULL, "state": "closed", "merged_at": "2026-01-01T10:00:00Z", "merge_commit_sha": "c" * 40}
    pull = pull_request_of(read(WirePull, wire))
    assert (pull.merged, pull.merge_revision) == (True, "c" * 40)


@pytest.mark.parametrize("document", [None, [], "text", {"number": "one"}, {**PULL, "head": None}])
def test_another_shape_is_no_answer(document: Any) -> None:
    with pytest.raises(Unavailable, match="no pull"):
        read(WirePull, document)


def test_a_list_is_a_list() -> None:
    assert [pull.number for pull in read_list(WirePull, [PULL])] == [1]
    with pytest.raises(Unavailable, match="no list of pulls"):
        read_list(WirePull, {"message": "odd"})
