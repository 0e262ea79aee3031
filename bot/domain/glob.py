r"""Patterns as Argo CD's policies know them: `*` crosses `/`, `?` is one character, `[a-z]` and `[!a-z]` are classes,
`{a,b}` are alternatives (nested too), `\` takes the next character as it is.
"""

import re
from functools import lru_cache

_SPECIAL = frozenset("*?[]{}\\")


class BrokenPattern(ValueError):
    """A pattern that cannot be read; `position` is where in it, from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


def is_literal(pattern: str) -> bool:
    """Whether it can only match itself."""
    return not _SPECIAL & set(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text. Raises `BrokenPattern`."""
    return compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """Raises `BrokenPattern`."""
    expression, end = _sequence(pattern, 0, depth=0)
    if end < len(pattern):
        raise BrokenPattern("`}` has no `{` before it", end)
    return re.compile(expression, re.DOTALL)


def _sequence(pattern: str, start: int, *, depth: int) -> tuple[str, int]:
    """The expression of what stands up to the end, or within braces up to `,` or `}`; and where it ended."""
    found: list[str] = []
    position = start
    while position < len(pattern):
        match pattern[position]:
            case "*":
                if found[-1:] != [".*"]:
                    found.append(".*")
            case "?":
                found.append(".")
            case "[":
                expression, position = _class(pattern, position)
                found.append(expression)
            case "{":
                expression, position = _alternatives(pattern, position, depth=depth + 1)
                found.append(expression)
            case "}":
                break
            case "," if depth:
                break
            case "\\":
                position += 1
                if position == len(pattern):
                    raise BrokenPattern("nothing follows the `\\`", position - 1)
                found.append(re.escape(pattern[position]))
            case character:
                found.append(re.escape(character))
        position += 1
    return "".join(found), position


def _alternatives(pattern: str, start: int, *, depth: int) -> tuple[str, int]:
    """The expression of `{…}` and where its `}` stands."""
    found: list[str] = []
    position = start
    while True:
        expression, position = _sequence(pattern, position + 1, depth=depth)
        found.append(expression)
        if position >= len(pattern):
            raise BrokenPattern("`{` is not closed", start)
        if pattern[position] == "}":
            return f"(?:{'|'.join(found)})", position


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The expression of `[…]` and where its `]` stands."""
    position = start + 1
    is_negated = pattern[position : position + 1] == "!"
    members: list[str] = []
    position += is_negated
    while position < len(pattern) and pattern[position] != "]":
        low, position = _member(pattern, position, start)
        high = low
        if pattern[position : position + 1] == "-" and pattern[position + 1 : position + 2] not in ("", "]"):
            high, position = _member(pattern, position + 1, start)
        if high < low:
            raise BrokenPattern(f"`{low}-{high}` runs backwards", start)
        members.append(f"{re.escape(low)}-{re.escape(high)}")
    if position >= len(pattern):
        raise BrokenPattern("`[` is not closed", start)
    if not members:
        raise BrokenPattern("`[]` names no character", start)
    return f"[{'^' if is_negated else ''}{''.join(members)}]", position


def _member(pattern: str, position: int, start: int) -> tuple[str, int]:
    """One character of a class, and where the next one stands."""
    if pattern[position] == "\\":
        position += 1
    if position >= len(pattern):
        raise BrokenPattern("`[` is not closed", start)
    return pattern[position], position + 1
