import pytest

from bot.config.parsing import LARGEST, parse
from bot.config.problems import Problems


def parsed(text: str) -> tuple[object, Problems]:
    problems = Problems("tiphys.yaml")
    return parse(text, problems), problems


def test_every_key_and_item_has_its_line() -> None:
    data, problems = parsed("a:\n  b: 1\n  c:\n    - x\n    - {d: y}\n")
    assert data == {"a": {"b": 1, "c": ["x", {"d": "y"}]}}
    assert problems.lines[("a", "c", 1, "d")] == 5
    assert problems.line_of(("a", "b", "deeper")) == 2
    assert problems.found == []


def test_values_are_read_as_yaml_reads_them_but_a_date_stays_text() -> None:
    data, _ = parsed("a: on\nb: 10\nc: 1.5\nd:\ne: 2026-01-02\nf: '10'\n")
    assert data == {"a": True, "b": 10, "c": 1.5, "d": None, "e": "2026-01-02", "f": "10"}


def test_an_alias_is_a_copy() -> None:
    data, problems = parsed("a: &x {b: 1}\nc: *x\n")
    assert data == {"a": {"b": 1}, "c": {"b": 1}}
    assert problems.found == []


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 10)}]\n" for before, here in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "reason", "fix"),
    [
        ("", 1, "empty", "version: 1"),
        ("- a\n", 1, "not a mapping", "version: 1"),
        ("a: 1\n\tb: 2\n", 2, "not YAML", "spaces"),
        ("a: 1\n---\nb: 2\n", 2, "more than one document", "`---`"),
        ("a: [1\nb: 2\n", 2, "not YAML", "brackets"),
        ("a: b: c\n", 1, "mapping values", "colon"),
        ("a: @b\n", 1, "cannot start", "quotes"),
        ("a: *x\n", 1, "undefined alias", "anchor"),
        ("a: 1\nb: 2\na: 3\n", 3, "a second time (first in line 1)", "Keep one"),
        ("a: {b: 1, b: 2}\n", 1, "a second time", "Keep one"),
        ("yes: 1\n", 1, "`yes` is not text", "quotes"),
        ("1: a\n", 1, "`1` is not text", "quotes"),
        ("a: 1\n? [b]\n: c\n", 2, "not text", "quotes"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys", "defaults"),
        ("a: !!python/object:os.system {}\n", 1, "tag", "plain value"),
        ("a: !secret x\n", 1, "tag", "plain value"),
        (BOMB, None, "unfolds into more than", "defaults"),
        ("a: &x [*x]\n", 1, "alias contains itself", "defaults"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested too deeply", "defaults"),
        ("a: " + "[" * 3000 + "]" * 3000, 1, "nested too deeply", "levels"),
        ("a: \x07\n", 1, "not YAML", "Remove"),
        ("#" * (LARGEST + 1), 1, "characters", "smaller"),
    ],
)
def test_what_is_no_configuration_is_told_with_its_line(text: str, line: int | None, reason: str, fix: str) -> None:
    _, problems = parsed(text)
    assert len(problems.found) == 1, problems.found
    problem = problems.found[0]
    assert reason in problem.reason
    assert fix in problem.fix
    assert line is None or problem.line == line
    assert "\n" not in str(problem)


def test_several_mistakes_are_told_together() -> None:
    data, problems = parsed("a: 1\na: 2\n1: x\nb: !t y\n")
    assert data == {"a": 1, "b": None}
    assert [problem.line for problem in problems.found] == [2, 3, 4]
