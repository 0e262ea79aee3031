"""Dotted paths with list selectors, such as `replicas[name=api].count` or `labels[0].pairs.version`."""

import re
from dataclasses import dataclass

from bot.strategies.yaml_nodes import Node

_STEP = re.compile(r"(?P<key>(?:\\.|[^.\[\]\\])+)|\[(?P<number>\d+)\]|\[(?P<by>[^\[\]=]+)=(?P<wanted>[^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class _Key:
    name: str


@dataclass(frozen=True, slots=True)
class _Index:
    number: int


@dataclass(frozen=True, slots=True)
class _Where:
    by: str
    wanted: str


Step = _Key | _Index | _Where


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A way to one scalar of a document. `last` is the key it stands at, None when it is a list's item."""

    written: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, written: str) -> "FieldPath":
        """Read a path; a dot inside a key is written `\\.`. Raises `ValueError` with the reason."""
        steps: list[Step] = []
        at = 0
        while at < len(written):
            if steps and written[at] == ".":
                at += 1
            elif steps and written[at] != "[":
                raise ValueError(f"{written!r}: a dot or [ is missing at character {at + 1}")
            found = _STEP.match(written, at)
            if found is None:
                raise ValueError(f"{written!r} cannot be read from character {at + 1}")
            steps.append(_step(found))
            at = found.end()
        if not steps or not isinstance(steps[0], _Key):
            raise ValueError(f"{written!r} must start with a key")
        return cls(written, tuple(steps))

    @property
    def last(self) -> str | None:
        step = self.steps[-1]
        return step.name if isinstance(step, _Key) else None

    def find(self, root: Node) -> Node | None:
        return _follow(root, self.steps)

    def find_parent(self, root: Node) -> Node | None:
        return _follow(root, self.steps[:-1])


def _step(found: re.Match[str]) -> Step:
    if found["key"] is not None:
        return _Key(re.sub(r"\\(.)", r"\1", found["key"]))
    if found["number"] is not None:
        return _Index(int(found["number"]))
    return _Where(found["by"], found["wanted"])


def _follow(root: Node, steps: tuple[Step, ...]) -> Node | None:
    node: Node | None = root
    for step in steps:
        if node is None:
            return None
        match step:
            case _Key(name=name):
                node = node.get(name)
            case _Index(number=number):
                node = node.items[number] if number < len(node.items) else None
            case _Where(by=by, wanted=wanted):
                node = next((item for item in node.items if (key := item.get(by)) and key.value == wanted), None)
    return node
