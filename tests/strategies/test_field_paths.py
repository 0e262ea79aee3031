"""Dotted paths with selectors: what they find, and how a bad one is told."""

import pytest

from bot.strategies.field_paths import FieldPath
from bot.strategies.yaml_nodes import read_document

ROOT = read_document(
    b"a: {b.c: 1, list: [{name: x, count: 2}, {name: y, count: 3}]}\nlines: [[p, q], r]\nplain: 4\n"
).root


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "4"),
        ("a.b\\.c", "1"),
        ("a.list[name=y].count", "3"),
        ("a.list[0].count", "2"),
        ("lines[0][1]", "q"),
        ("lines[1]", "r"),
    ],
)
def test_finds_a_value(written: str, value: str) -> None:
    found = FieldPath.parse(written).find(ROOT)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize("written", ["nothing", "a.x", "a.list[name=z].count", "a.list[7]", "plain.x", "lines[0].x"])
def test_finds_nothing(written: str) -> None:
    assert FieldPath.parse(written).find(ROOT) is None


def test_knows_its_parent_and_last_key() -> None:
    path = FieldPath.parse("a.list[name=x].new\\.key")
    parent = path.find_parent(ROOT)
    assert parent is not None
    assert [key.value for key, _ in parent.pairs] == ["name", "count"]
    assert path.last == "new.key"
    assert FieldPath.parse("lines[0]").last is None


@pytest.mark.parametrize("written", ["", ".a", "a.", "a..b", "[0]", "a[", "a[x]", "a[0]b", "a]", "a[=x]", "a\\"])
def test_a_bad_path_is_told(written: str) -> None:
    with pytest.raises(ValueError, match="'"):
        FieldPath.parse(written)
