"""Globs as Argo CD's policies mean them: `*` crosses `/`, `?` is one character, `[a-c]` and `{one,two}` choose."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression over the whole text. A bracket or brace that is not closed is literal."""
    out, index, depth = [], 0, 0
    while index < len(pattern):
        char = pattern[index]
        closing = pattern.find("]", index + 2) if char == "[" else -1
        if char == "\\" and index + 1 < len(pattern):
            index += 1
            out.append(re.escape(pattern[index]))
        elif char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and closing > 0:
            inside = pattern[index + 1 : closing]
            negated = inside.startswith("!")
            chars = re.sub(r"([\\\]^&~|\[])", r"\\\1", inside.removeprefix("!"))
            out.append(f"[{'^' if negated else ''}{chars}]")
            index = closing
        elif char == "{" and "}" in pattern[index:]:
            out.append("(?:")
            depth += 1
        elif char == "," and depth:
            out.append("|")
        elif char == "}" and depth:
            out.append(")")
            depth -= 1
        else:
            out.append(re.escape(char))
        index += 1
    out.append(")" * depth)
    return re.compile("".join(out), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    return compiled(pattern).fullmatch(text) is not None
