"""Ways to combine JSON documents: merge patch, JSON patch, and the three-way merge that predicts an apply."""

import copy
from typing import Any

from bot.sandbox.argocd.objects import Json


class PatchFailed(Exception):
    """A JSON patch that does not fit the document."""


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7396: a copy of `document` with `patch` merged in; null removes."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(document: Any, operations: Any) -> Any:
    """RFC 6902 without `move` and `copy`. Raises `PatchFailed`."""
    result = {"": copy.deepcopy(document)}
    if not isinstance(operations, list):
        raise PatchFailed("a JSON patch is a list of operations")
    for step in operations:
        try:
            _apply(result, step)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchFailed(f"cannot apply {step!r}") from error
    return result[""]


def _apply(root: Json, step: Json) -> None:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in str(step["path"]).split("/")]
    parent: Any = root
    for part in parts[:-1]:
        parent = parent[int(part)] if isinstance(parent, list) else parent[part]
    last: Any = parts[-1]
    if isinstance(parent, list):
        last = len(parent) if last == "-" else int(last)
    match step["op"]:
        case "add" if isinstance(parent, list):
            parent.insert(last, copy.deepcopy(step["value"]))
        case "add":
            parent[last] = copy.deepcopy(step["value"])
        case "replace":
            parent[last]  # a missing target is an error
            parent[last] = copy.deepcopy(step["value"])
        case "remove":
            del parent[last]
        case "test":
            if parent[last] != step["value"]:
                raise ValueError("test failed")
        case other:
            raise ValueError(f"operation {other!r} is not supported")


def predicted(live: Any, target: Any, last_applied: Any) -> Any:
    """What `live` becomes when `target` is applied.

    What was applied before and is gone from the target is removed; what others added stays.
    Lists of named items (containers, ports, env) are merged by name, other lists are replaced.
    """
    if isinstance(target, dict) and isinstance(live, dict):
        before = last_applied if isinstance(last_applied, dict) else {}
        result = {name: copy.deepcopy(value) for name, value in live.items() if name in target or name not in before}
        for name, value in target.items():
            result[name] = predicted(live[name], value, before.get(name)) if name in live else copy.deepcopy(value)
        return result
    if isinstance(target, list) and isinstance(live, list) and _named(target) and _named(live):
        by_name = {item["name"]: item for item in live}
        earlier = {item["name"]: item for item in last_applied} if _named(last_applied) else {}
        return [
            predicted(by_name[item["name"]], item, earlier.get(item["name"]))
            if item["name"] in by_name
            else copy.deepcopy(item)
            for item in target
        ] + [copy.deepcopy(i) for n, i in by_name.items() if n not in earlier and n not in {t["name"] for t in target}]
    return copy.deepcopy(target)


def _named(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value)
    )
