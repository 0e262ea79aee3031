"""Small building blocks to say what a JSON value must look like; `block_shapes` says it for Block Kit."""

from collections.abc import Callable, Mapping
from typing import Any


class Problems:
    """What was found wrong, each with a JSON pointer to where."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, message: str, pointer: str) -> None:
        self.found.append(f"{message} [json-pointer:{pointer}]")


Shape = Callable[[Problems, Any, str], None]


def text(most: int | None = None, *, least: int = 1) -> Shape:
    """A string of `least` to `most` characters."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, str):
            problems.add("must provide a string", at)
        elif len(value) < least:
            problems.add(f"must be more than {least - 1} characters", at)
        elif most is not None and len(value) > most:
            problems.add(f"must be less than {most + 1} characters", at)

    return check


def boolean(problems: Problems, value: Any, at: str) -> None:
    if not isinstance(value, bool):
        problems.add("must provide a boolean", at)


def number(least: int | None = None, most: int | None = None) -> Shape:
    def check(problems: Problems, value: Any, at: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.add("must provide a number", at)
        elif least is not None and value < least:
            problems.add(f"must be at least {least}", at)
        elif most is not None and value > most:
            problems.add(f"must be at most {most}", at)

    return check


def one_of(*allowed: str) -> Shape:
    def check(problems: Problems, value: Any, at: str) -> None:
        if value not in allowed:
            problems.add("must be a valid enum value", at)

    return check


def anything(problems: Problems, value: Any, at: str) -> None:
    """What the sandbox does not look into."""


def listed(item: Shape, *, least: int = 1, most: int | None = None) -> Shape:
    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, list):
            problems.add("must provide an array", at)
            return
        if len(value) < least:
            problems.add(f"no fewer than {least} items allowed", at)
        if most is not None and len(value) > most:
            problems.add(f"no more than {most} items allowed", at)
        for n, entry in enumerate(value):
            item(problems, entry, f"{at}/{n}")

    return check


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these fields and no other."""
    fields = {**required, **(optional or {})}

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
            return
        for key in required:
            if key not in value:
                problems.add(f"missing required field: {key}", at)
        for key, entry in value.items():
            if key not in fields:
                problems.add(f"invalid additional property: {key}", at)
            else:
                fields[key](problems, entry, f"{at}/{key}")

    return check


def kinds(shapes: Mapping[str, Shape]) -> Shape:
    """An object whose `type` chooses its shape."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
        elif "type" not in value:
            problems.add("missing required field: type", at)
        elif (shape := shapes.get(value["type"]) if isinstance(value["type"], str) else None) is None:
            problems.add(f"unsupported type: {value['type']}", f"{at}/type")
        else:
            shape(problems, value, at)

    return check


def with_rule(shape: Shape, rule: Shape) -> Shape:
    """A shape and one more rule; the rule sees objects only."""

    def check(problems: Problems, value: Any, at: str) -> None:
        shape(problems, value, at)
        if isinstance(value, dict):
            rule(problems, value, at)

    return check


def exactly_one(*keys: str) -> Shape:
    def check(problems: Problems, value: Any, at: str) -> None:
        if sum(key in value for key in keys) != 1:
            problems.add("must define either " + " or ".join(f"`{key}`" for key in keys), at)

    return check


def at_least_one(*keys: str) -> Shape:
    def check(problems: Problems, value: Any, at: str) -> None:
        if not any(key in value for key in keys):
            problems.add("must define either " + " or ".join(f"`{key}`" for key in keys), at)

    return check
