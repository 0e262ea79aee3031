"""Edits of single scalars, keys and items: exact results, and what is refused."""

import pytest

from bot.strategies.yaml_bytes import AddItem, AddKey, Edit, RemoveKey, RenameKey, SetScalar, apply_edits
from bot.strategies.yaml_nodes import Document, Node, YamlRefused, read_document


def node(document: Document, *keys: str) -> Node:
    found: Node | None = document.root
    for key in keys:
        assert found is not None
        found = found.items[int(key)] if key.isdigit() else found.get(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("k: v1", "v2", "k: v2"),
        ("k: v1 # c", "1.0", 'k: "1.0" # c'),
        ("k: 'v1'", "it's", "k: 'it''s'"),
        ('k: "v1"', 'a"b\\c', 'k: "a\\"b\\\\c"'),
        ("k: v1", "a b: #c", 'k: "a b: #c"'),
        ("k:", "v2", "k: v2"),
        ("k:   # c", "v2", "k: v2   # c"),
        ("k: sha256:aa", "sha256:bb", "k: sha256:bb"),
        ("k: v1", "sha256:bb", 'k: "sha256:bb"'),
        ("{k: v1, l: m}", "a,b", '{k: "a,b", l: m}'),
        ("k: 1.10", "v2", "k: v2"),
        ("k: ''", "v2", "k: 'v2'"),
        ("k: v1\r\n\r\n", "v2", "k: v2\r\n\r\n"),
    ],
)
def test_sets_a_scalar(before: str, value: str, after: str) -> None:
    document = read_document(before.encode())
    assert apply_edits(document, [SetScalar(node(document, "k"), value)]).decode() == after


def test_a_bare_value_stays_what_it_is() -> None:
    document = read_document(b"k: '3'\n")
    assert apply_edits(document, [SetScalar(node(document, "k"), "4", bare=True)]) == b"k: 4\n"
    with pytest.raises(YamlRefused):
        apply_edits(document, [SetScalar(node(document, "k"), "4 # x", bare=True)])


@pytest.mark.parametrize(
    ("before", "slug"),
    [
        ("k: |\n  v1\n", "yaml-multi-line"),
        ("k: a\n  b\n", "yaml-multi-line"),
        ("k: [a]\n", "yaml-not-a-scalar"),
        ("k: &a v1\n", "yaml-anchored"),
        ("k: !!str v1\n", "yaml-anchored"),
        ("x: &a v1\nk: *a\n", "yaml-alias"),
        ("k: '{{ x }}'\n", "yaml-template"),
    ],
)
def test_refuses_a_scalar_that_it_cannot_replace(before: str, slug: str) -> None:
    document = read_document(before.encode())
    with pytest.raises(YamlRefused) as raised:
        apply_edits(document, [SetScalar(node(document, "k"), "v2")])
    assert raised.value.slug == slug


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "\x00", "\u2028", "\ud800"])
def test_refuses_values_that_do_not_fit_on_a_line(value: str) -> None:
    document = read_document(b"k: v1\n")
    with pytest.raises(YamlRefused) as raised:
        apply_edits(document, [SetScalar(node(document, "k"), value)])
    assert raised.value.slug == "yaml-unprintable"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("i:\n- a: 1 # one\n  b: 2 # two\n  # end\n", 'i:\n- a: 1 # one\n  c: "3"\n  b: 2 # two\n  # end\n'),
        ("i: [{a: 1, b: 2}]", 'i: [{a: 1, c: "3", b: 2}]'),
        ('i: [{"a": "1"}]', 'i: [{"a": "1", "c": "3"}]'),
        ("i:\n  -   a: '1'", "i:\n  -   a: '1'\n      c: '3'"),
    ],
)
def test_adds_a_key_behind_another(before: str, after: str) -> None:
    document = read_document(before.encode())
    assert apply_edits(document, [AddKey(node(document, "i", "0"), "a", "c", "3")]).decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("i:\n- a: 1\n  k: 2 # two\n  # end\n", "i:\n- a: 1\n  # end\n"),
        ("i:\n- k: 1 # one\n  b: 2\n", "i:\n- b: 2\n"),
        ("i: [{a: 1, k: 2}]", "i: [{a: 1}]"),
        ("i: [{k: 1, b: 2}]", "i: [{b: 2}]"),
        ("i:\n- a: 1\n  k: 2", "i:\n- a: 1\n"),
    ],
)
def test_removes_a_key(before: str, after: str) -> None:
    document = read_document(before.encode())
    assert apply_edits(document, [RemoveKey(node(document, "i", "0"), "k")]).decode() == after


@pytest.mark.parametrize(
    ("before", "slug"),
    [
        ("i: [{k: 1}]\n", "yaml-only-key"),
        ("i:\n- k: 1\n  # of b\n  b: 2\n", "yaml-comment-in-the-way"),
        ("i: [{b: 1}]\n", "yaml-no-such-key"),
    ],
)
def test_refuses_to_remove_what_would_take_more_along(before: str, slug: str) -> None:
    document = read_document(before.encode())
    with pytest.raises(YamlRefused) as raised:
        apply_edits(document, [RemoveKey(node(document, "i", "0"), "k")])
    assert raised.value.slug == slug


def test_many_edits_of_one_file_are_made_together() -> None:
    document = read_document(b"i:\n- a: 1\n  k: x\n- k: z\n  a: 2\nt: u")
    first, second = node(document, "i").items
    edits: list[Edit] = [
        SetScalar(first.pairs[0][1], "v1"),
        RenameKey(first.pairs[1][0], "j"),
        SetScalar(first.pairs[1][1], "yy"),
        RemoveKey(second, "k"),
        AddKey(second, "a", "b", "v3"),
        AddItem(node(document, "i"), (("a", "v4"), ("c", "v5"))),
        AddItem(node(document, "i"), (("a", "v6"),)),
        AddKey(document.root, "t", "w", "v7"),
    ]
    assert apply_edits(document, edits).decode() == (
        'i:\n- a: v1\n  j: yy\n- a: 2\n  b: v3\n- a: v4\n  c: "v5"\n- a: v6\nt: u\nw: v7'
    )


def test_two_edits_of_one_place_are_refused() -> None:
    document = read_document(b"k: v1\n")
    with pytest.raises(YamlRefused) as raised:
        apply_edits(document, [SetScalar(node(document, "k"), "a"), SetScalar(node(document, "k"), "b")])
    assert raised.value.slug == "yaml-edits-overlap"


@pytest.mark.parametrize("before", ["i: []", "i:\n- a", "i: {}", "i: x"])
def test_items_are_added_to_lists_of_mappings_only(before: str) -> None:
    document = read_document(before.encode())
    edit = AddItem(node(document, "i"), (("a", "v"),))
    if before == "i: []":
        assert apply_edits(document, [edit]) == b'i: [{a: "v"}]'
        return
    with pytest.raises(YamlRefused) as raised:
        apply_edits(document, [edit])
    assert raised.value.slug == "yaml-not-a-list"
