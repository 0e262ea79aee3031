"""Patches and the three-way merge."""

from typing import Any

import pytest

from bot.sandbox.argocd.merging import PatchFailed, json_patch, merge_patch, predicted


def test_a_merge_patch_merges_replaces_and_removes() -> None:
    before = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge_patch(before, {"a": {"b": None, "e": 3}, "d": [2]}) == {"a": {"c": 2, "e": 3}, "d": [2]}
    assert before == {"a": {"b": 1, "c": 2}, "d": [1]}


def test_a_json_patch() -> None:
    steps = [
        {"op": "test", "path": "/a/0", "value": 1},
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "replace", "path": "/b~1c", "value": "x"},
        {"op": "remove", "path": "/a/0"},
    ]
    assert json_patch({"a": [1, 2], "b/c": "y"}, steps) == {"a": [2, 3], "b/c": "x"}


@pytest.mark.parametrize(
    "steps", [{}, [{"op": "remove", "path": "/nope"}], [{"op": "test", "path": "/a", "value": 2}], [{"op": "fly"}]]
)
def test_a_json_patch_that_does_not_fit(steps: Any) -> None:
    with pytest.raises(PatchFailed):
        json_patch({"a": 1}, steps)


def test_what_others_added_stays_and_what_was_applied_before_goes() -> None:
    live = {"labels": {"ours": "1", "theirs": "2", "old": "3"}}
    assert predicted(live, {"labels": {"ours": "9"}}, {"labels": {"ours": "1", "old": "3"}}) == {
        "labels": {"ours": "9", "theirs": "2"}
    }


def test_named_items_are_merged_by_name() -> None:
    live = [{"name": "web", "image": "web:1", "added": True}, {"name": "sidecar", "image": "s:1"}]
    applied = [{"name": "web", "image": "web:1"}]
    assert predicted(live, [{"name": "web", "image": "web:2"}], applied) == [
        {"name": "web", "image": "web:2", "added": True},
        {"name": "sidecar", "image": "s:1"},
    ]


def test_other_lists_are_replaced() -> None:
    assert predicted({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["a", "b"]}) == {"args": ["c"]}
