"""Alertmanager's matchers: `severity="critical"`, `team=~"apm|edge"`, `env!="dev"`.

The syntax is that of `amtool` and of the `matchers:` of a route: quotes may be left out around a value without special
characters; a regular expression must match the whole value; a label that is absent is an empty one. Python reads the
expressions, not RE2: what both understand is the same but for rare classes.
Source: alertmanager `pkg/labels/parse.go`, `matcher.go`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

MOST = 30
LONGEST = 2_000


class BrokenMatcher(ValueError):
    """What cannot be read as a matcher, with the reason in words for people."""


class Operator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    MATCHES_NOT = "!~"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One condition on one label."""

    name: str
    operator: Operator
    value: str

    @property
    def is_regex(self) -> bool:
        return self.operator in (Operator.MATCHES, Operator.MATCHES_NOT)

    @property
    def is_equal(self) -> bool:
        """Whether it asks for what matches, and not for what does not."""
        return self.operator in (Operator.EQUAL, Operator.MATCHES)

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.name, "")
        found = _compiled(self.value).fullmatch(value) is not None if self.is_regex else value == self.value
        return found == self.is_equal

    def __str__(self) -> str:
        """As the API and `amtool` read it."""
        name = self.name if _CLASSIC.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{self.operator.value}{_quoted(self.value)}"


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matcher(text: str) -> Matcher:
    """One matcher. Raises `BrokenMatcher`."""
    found = parse_matchers(text)
    if len(found) != 1:
        raise BrokenMatcher("one condition is expected here")
    return found[0]


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Several, divided by commas or line ends; braces around the whole are allowed. Raises `BrokenMatcher`."""
    if len(text) > LONGEST:
        raise BrokenMatcher(f"it is longer than {LONGEST:,} characters")
    rest = text.strip()
    if rest.startswith("{"):
        if not rest.endswith("}"):
            raise BrokenMatcher("a `{` without its `}`")
        rest = rest[1:-1].strip()
    found: list[Matcher] = []
    while rest:
        matcher, rest = _first(rest)
        found.append(matcher)
        if rest and rest[0] not in ",\n":
            raise BrokenMatcher(f"a comma is missing before `{_cut(rest)}`")
        rest = rest.lstrip(", \t\r\n")
    if not found:
        raise BrokenMatcher('it is empty; write at least one condition, e.g. `severity="critical"`')
    if len(found) > MOST:
        raise BrokenMatcher(f"there are more than {MOST} conditions")
    return tuple(found)


def straightened(text: str) -> str:
    """What a person typed, with the quotes that a phone has bent made straight; those inside of straight ones stay."""
    return _BENT.sub(lambda found: found[0] if len(found[0]) > 1 else '"', text)


_BENT = re.compile(r'"(?:[^"\\\n]|\\.)*"(?=\s*(?:[,}=!\n]|$))|[“”„]')
_CLASSIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NAME = re.compile(r'(?:"((?:[^"\\\n]|\\.)*)"|([^\s"=!~,{}]+))[ \t]*')
_OPERATOR = re.compile(r"(=~|!~|!=|=)[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"[ \t\r]*')
_PLAIN = re.compile(r'[^",\s{}]*[ \t\r]*')


def _first(text: str) -> tuple[Matcher, str]:
    if (name := _NAME.match(text)) is None:
        raise BrokenMatcher(f"`{_cut(text)}` does not begin with the name of a label")
    rest = text[name.end() :]
    if (operator := _OPERATOR.match(rest)) is None:
        raise BrokenMatcher(f"after `{_cut(name[0])}` one of `=`, `!=`, `=~`, `!~` is expected")
    rest = rest[operator.end() :]
    if rest.startswith('"'):
        if (quoted := _QUOTED.match(rest)) is None:
            raise BrokenMatcher(f"the quote in `{_cut(rest)}` is not closed")
        value, rest = _unescaped(quoted[1]), rest[quoted.end() :]
    else:
        plain = _PLAIN.match(rest)
        end = plain.end() if plain else 0
        value, rest = rest[:end].strip(), rest[end:]
    spelled = _unescaped(name[1]) if name[1] is not None else name[2]
    if not spelled:
        raise BrokenMatcher("the name of a label is empty")
    matcher = Matcher(spelled, Operator(operator[1]), value)
    if matcher.is_regex:
        try:
            _compiled(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise BrokenMatcher(f"`{_cut(value)}` is not a regular expression: {error}") from None
    return matcher, rest


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1] if found[1] in '"\\' else found[0]), text)


def _cut(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= 40 else f"{line[:39]}…"


@lru_cache(maxsize=512)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)
