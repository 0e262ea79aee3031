"""Reading YAML with positions: what is one plain document, and what a plain scalar means."""

import pytest

from bot.strategies.yaml_nodes import BOM, YamlRefused, is_plain_text, read_document, walk


@pytest.mark.parametrize(
    "text",
    ["1", "1.10", "1e5", "553640e6", "0x1f", "0o7", "0b1", "1_000", ".5", "-1", "+1", ".inf", "-.INF", ".nan", "12:30",
     "2024-01-15", "2024-1-5T10:00:00Z", "", "~", "null", "True", "YES", "no", "on", "Off", "y", "N", "<<"],
)  # fmt: skip
def test_not_surely_a_string_without_quotes(text: str) -> None:
    assert not is_plain_text(text)


@pytest.mark.parametrize("text", ["v1", "1.2.3", "latest", "a1b2c3d", "1.2-rc1", "nope", "sha256:aa", "2024.01.15-x"])
def test_surely_a_string_without_quotes(text: str) -> None:
    assert is_plain_text(text)


def test_positions_are_characters_of_the_text() -> None:
    document = read_document(BOM + "é: 😀 # ü\r\nkey:   'v1' # x\r\n".encode())
    node = document.root.get("key")
    assert node is not None
    assert document.text[node.start : node.end] == "'v1'"
    assert document.bom == BOM


def test_an_alias_is_the_node_that_it_stands_for() -> None:
    root = read_document(b"a: &x {k: v}\nb: *x\nc: {<<: *x}\n").root
    shared = root.get("a")
    assert shared is not None
    assert shared is root.get("b")
    assert shared.uses == 3
    assert sum(node is shared for node in walk(root)) == 1


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "yaml-multi-document"),
        (b"# nothing\n", "yaml-multi-document"),
        (b"a: 1\n---\nb: 2\n", "yaml-multi-document"),
        (b"a: \xff\n", "yaml-not-utf8"),
        ("a: 1\n".encode("utf-16"), "yaml-not-utf8"),
        (b"a: [\n", "yaml-invalid"),
        (b"a: \x07\n", "yaml-invalid"),
        (b"a: *nothing\n", "yaml-invalid"),
        (b"a: 1\na: 2\n", "yaml-duplicate-key"),
        (b"x: {b: {a: 1, 'a': 2}}\n", "yaml-duplicate-key"),
        (b"? [a]\n: b\n", "yaml-complex-key"),
        (b"a: {{ .Values.x }}\n", "yaml-template"),
        (b"a: x-{{ .Values.x }}\n", "yaml-template"),
        (b"{{- if .x }}\na: b\n{{- end }}\n", "yaml-template"),
        (b"a" * 300_000, "yaml-too-big"),
        (b"[" * 2000, "yaml-invalid"),
        (b"[" * 2000 + b"]" * 2000, "yaml-too-deep"),
    ],
)
def test_what_is_not_one_plain_document_is_refused(data: bytes, slug: str) -> None:
    with pytest.raises(YamlRefused) as raised:
        read_document(data)
    assert raised.value.slug == slug


def test_braces_inside_quotes_are_text() -> None:
    document = read_document(b'a: "{{ $labels }}" # {{ x }}\nb: |\n  {{ y }}\n')
    assert [value.value for _, value in document.root.pairs] == ["{{ $labels }}", "{{ y }}\n"]


def test_an_anchor_that_holds_itself_is_read() -> None:
    root = read_document(b"a: &a [x]\nb: [*a, *a]\n").root
    assert len(list(walk(root))) == 6
