"""Patterns as Argo CD knows them, against a slow matcher that is plainly right."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.glob import BrokenPattern, is_literal, matches

TEXTS = st.text(alphabet="ab-/", max_size=8)
LEAVES = st.one_of(
    st.sampled_from(["*", "?", "a", "b", "-", "/", "[ab]", "[!a]", "[a-b]", "[!-/]", r"\*", r"\?", "**"]),
)
PATTERNS = st.recursive(
    st.lists(LEAVES, max_size=4).map("".join),
    lambda inner: st.tuples(inner, st.lists(inner, min_size=1, max_size=3), inner).map(
        lambda parts: f"{parts[0]}{{{','.join(parts[1])}}}{parts[2]}"
    ),
    max_leaves=5,
)


def expanded(pattern: str) -> list[str]:
    """The pattern without braces, in all its alternatives."""
    start = pattern.find("{")
    if start < 0:
        return [pattern]
    depth, choices, begin = 0, [], start + 1
    for position in range(start, len(pattern)):
        character = pattern[position]
        depth += (character == "{") - (character == "}")
        if depth == 0 or (depth == 1 and character == ","):
            choices.append(pattern[begin:position])
            begin = position + 1
        if depth == 0:
            break
    rest = pattern[begin:]
    return [whole for choice in choices for whole in expanded(pattern[:start] + choice + rest)]


def reference(pattern: str, text: str) -> bool:
    """One character of the pattern at a time; no braces."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(reference(pattern[1:], text[n:]) for n in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "?":
        return reference(pattern[1:], text[1:])
    if pattern[0] == "\\":
        return text[0] == pattern[1] and reference(pattern[2:], text[1:])
    if pattern[0] == "[":
        end = pattern.index("]")
        inside, rest = pattern[1:end], pattern[end + 1 :]
        is_negated = inside.startswith("!")
        inside = inside.removeprefix("!")
        found = inside[0] <= text[0] <= inside[2] if inside[1:2] == "-" else text[0] in inside
        return found is not is_negated and reference(rest, text[1:])
    return text[0] == pattern[0] and reference(pattern[1:], text[1:])


@given(PATTERNS, TEXTS)
@example("{*,a{b,/}}-", "a/-")
def test_it_agrees_with_the_slow_matcher(pattern: str, text: str) -> None:
    assert matches(pattern, text) == any(reference(one, text) for one in expanded(pattern))


@given(TEXTS, TEXTS)
def test_a_literal_matches_itself_alone(pattern: str, text: str) -> None:
    assert is_literal(pattern)
    assert matches(pattern, text) == (pattern == text)


@given(st.text(alphabet="ab*?[]{}!-,\\/.^|()", max_size=12), TEXTS)
def test_any_pattern_is_read_or_called_broken(pattern: str, text: str) -> None:
    position = 0
    try:
        matches(pattern, text)
    except BrokenPattern as broken:
        position = broken.position
    assert position == 0 or 0 < position < len(pattern)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*/production", ["apm-stack/production", "a/b/production"], ["production", "apm-stack/staging"]),
        ("apm-*", ["apm-stack/production"], ["shop/production"]),
        ("*", ["apm-stack/production", ""], []),
        ("*/*", ["a/b", "a/b/c"], ["a"]),
        ("apm-stack/{staging,production}", ["apm-stack/staging"], ["apm-stack/development", "apm-stack/"]),
        ("apm-?/[!p]*", ["apm-1/staging"], ["apm-1/production", "apm-12/staging"]),
        ("a.c/x", ["a.c/x"], ["abc/x"]),
    ],
)
def test_examples(pattern: str, yes: list[str], no: list[str]) -> None:
    assert all(matches(pattern, text) for text in yes)
    assert not any(matches(pattern, text) for text in no)


@pytest.mark.parametrize(
    ("pattern", "words", "position"),
    [
        ("a{b", "`{` is not closed", 1),
        ("a}b", "has no `{`", 1),
        ("a[b", "`[` is not closed", 1),
        ("[]", "names no character", 0),
        ("[z-a]", "`z-a` runs backwards", 0),
        ("a\\", "nothing follows", 1),
        ("{a,{b}", "`{` is not closed", 0),
    ],
)
def test_a_broken_pattern_says_where(pattern: str, words: str, position: int) -> None:
    with pytest.raises(BrokenPattern, match=words.replace("{", r"\{").replace("[", r"\[")) as broken:
        matches(pattern, "")
    assert broken.value.position == position
