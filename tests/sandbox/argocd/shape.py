"""The shape of JSON: which keys there are and of which type their values, without the values."""

import re
from typing import Any

OPEN_MAPS = re.compile(
    r"\.(annotations|labels|targetLabels|data|resourceOverrides|matchLabels|jwtTokensByRole|limits|requests)$"
)


def shape(value: Any, at: str = "") -> dict[str, set[str]]:
    """Paths with the types seen there; members of a list and of an open map are taken together."""
    found: dict[str, set[str]] = {at: {_type(value)}}
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{at}.*" if OPEN_MAPS.search(at) else f"{at}.{name}"
            _merge(found, shape(item, inner))
    elif isinstance(value, list):
        for item in value:
            _merge(found, shape(item, f"{at}[]"))
    return found


def differences(recorded: Any, ours: Any, optional: dict[str, str]) -> list[str]:
    """What keys or types differ; `optional` maps regular expressions over paths to the reason why they may."""
    then, now = shape(recorded), shape(ours)

    def excused(path: str) -> bool:
        return any(re.search(pattern, path) for pattern in optional)

    told = [f"missing {path}" for path in then if path not in now and not excused(path)]
    told += [f"extra {path}" for path in now if path not in then and not excused(path)]
    told += [
        f"{path} is {sorted(now[path])}, recorded {sorted(kinds)}"
        for path, kinds in then.items()
        if path in now and not (now[path] & kinds) and not excused(path)
    ]
    return sorted(told)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "bool", int: "number", float: "number", str: "string", list: "list", dict: "object"}[type(value)]


def _merge(into: dict[str, set[str]], other: dict[str, set[str]]) -> None:
    for path, kinds in other.items():
        into.setdefault(path, set()).update(kinds)
