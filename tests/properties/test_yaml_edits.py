"""Whatever a kustomization looks like, an edit changes the bytes of its scalars and no others."""

from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.strategies.yaml_bytes import AddKey, Edit, RemoveKey, RenameKey, SetScalar, apply_edits
from bot.strategies.yaml_nodes import BOM, Node, YamlRefused, is_plain_text, read_document

COMMENTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=12).map(
    lambda text: "# " + text
)
TAGS = st.one_of(
    st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[a-z0-9]{1,6})?", fullmatch=True),
    st.from_regex(r"[a-f0-9]{7}", fullmatch=True),
    st.sampled_from(
        ["latest", "1.10", "1e5", "0123456", "null", "true", "on", "0x1f", "2024-01-02", "1_000", "no", "~x"]
    ),
)
DIGESTS = st.from_regex(r"sha256:[a-f0-9]{64}", fullmatch=True)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(/[a-z0-9]{1,5})?", fullmatch=True)
QUOTES = st.sampled_from(["", "'", '"'])
GAPS = st.sampled_from([" ", "  ", "    "])
TAILS = st.one_of(st.just(""), st.just("  "), COMMENTS.map(lambda comment: "  " + comment))


@dataclass(frozen=True)
class Entry:
    """One image entry as pieces of text: around the tag's scalar, and the scalar itself."""

    name: str
    before: str
    scalar: str
    after: str


@st.composite
def scalars(draw: st.DrawFn, text: str) -> str:
    quote = draw(QUOTES)
    return f"{quote}{text}{quote}" if quote or is_plain_text(text) else f'"{text}"'


@st.composite
def entries(draw: st.DrawFn, name: str, indent: str, ending: str) -> Entry:
    tag = draw(scalars(draw(TAGS)))
    others = [f"name:{draw(GAPS)}{draw(scalars(name))}"]
    if draw(st.booleans()):
        others.append(f"newName:{draw(GAPS)}registry.example.com/{name}")
    at = draw(st.integers(0, len(others)))
    lines = [*others[:at], f"newTag:{draw(GAPS)}\0", *others[at:]]
    if draw(st.booleans()):
        text = f"{indent}- {{{', '.join(lines)}}}{draw(TAILS)}{ending}"
    else:
        heads = [f"{indent}- ", *[f"{indent}  "] * (len(lines) - 1)]
        text = "".join(f"{head}{line}{draw(TAILS)}{ending}" for head, line in zip(heads, lines, strict=True))
    if draw(st.booleans()):
        text += f"{indent}{draw(COMMENTS)}{ending}"
    before, _, after = text.partition("\0")
    return Entry(name, before, tag, after)


@st.composite
def kustomizations(draw: st.DrawFn) -> tuple[str, list[Entry], str, bytes]:
    """What stands before the images, the images, what stands after them, and a byte order mark or none."""
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    indent = draw(st.sampled_from(["", "  ", "    "]))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    first = draw(st.sampled_from(["", f"---{ending}"]))
    others = st.one_of(COMMENTS, st.sampled_from(["", "namespace:   'x'", "resources: [a,  b]"]))
    head = first + "".join(line + ending for line in draw(st.lists(others, max_size=3, unique=True)))
    tail = "".join(
        line + ending
        for line in draw(st.lists(st.sampled_from(["", "# end", "replicas:  []"]), max_size=2, unique=True))
    )
    if not draw(st.booleans()):
        tail += "namePrefix: é😀-"  # a last line without an ending
    found = [draw(entries(name, indent, ending)) for name in names]
    return head + "images:" + draw(TAILS) + ending, found, tail, draw(st.sampled_from([b"", BOM]))


def text_of(head: str, found: list[Entry], tail: str, bom: bytes, scalars: list[str]) -> bytes:
    middle = "".join(entry.before + scalar + entry.after for entry, scalar in zip(found, scalars, strict=True))
    return bom + (head + middle + tail).encode()


def image(root: Node, name: str) -> Node:
    images = root.get("images")
    assert images is not None
    return next(item for item in images.items if (known := item.get("name")) and known.value == name)


@given(kustomizations(), st.data())
def test_only_the_scalars_change(made: tuple[str, list[Entry], str, bytes], data: st.DataObject) -> None:
    head, found, tail, bom = made
    before = text_of(head, found, tail, bom, [entry.scalar for entry in found])
    document = read_document(before)
    chosen = data.draw(st.lists(st.sampled_from(range(len(found))), unique=True))
    values = {index: data.draw(st.one_of(TAGS, DIGESTS)) for index in chosen}
    edits: list[Edit] = []
    for index, value in values.items():
        node = image(document.root, found[index].name).get("newTag")
        assert node is not None
        edits.append(SetScalar(node, value))
    after = apply_edits(document, edits)

    written = [entry.scalar for entry in found]
    reread = read_document(after)
    for index, value in values.items():
        node = image(reread.root, found[index].name).get("newTag")
        assert node is not None
        assert (node.value, node.is_text) == (value, True)
        quote = found[index].scalar[0] if found[index].scalar[0] in "'\"" else ""
        expected = {f"{quote}{value}{quote}"} if quote else {value, f'"{value}"'}
        written[index] = reread.text[node.start : node.end]
        assert written[index] in expected
    assert after == text_of(head, found, tail, bom, written)


@given(kustomizations(), DIGESTS, st.data())
def test_added_removed_and_turned_keys_leave_every_other_line(
    made: tuple[str, list[Entry], str, bytes], digest: str, data: st.DataObject
) -> None:
    head, found, tail, bom = made
    before = text_of(head, found, tail, bom, [entry.scalar for entry in found])
    document = read_document(before)
    entry = found[data.draw(st.integers(0, len(found) - 1))]
    mapping = image(document.root, entry.name)
    pair = mapping.pair("newTag")
    assert pair is not None
    kind = data.draw(st.sampled_from(["add", "remove", "turn"]))
    edits: dict[str, list[Edit]] = {
        "add": [AddKey(mapping, "newTag", "digest", digest)],
        "remove": [RemoveKey(mapping, "newTag")],
        "turn": [RenameKey(pair[0], "digest"), SetScalar(pair[1], digest)],
    }
    try:
        after = apply_edits(document, edits[kind])
    except YamlRefused as refused:
        if refused.slug != "yaml-comment-in-the-way":
            raise
        return
    old, new = plain_strings(before), plain_strings(after)
    changed = next(item for item in old["images"] if item["name"] == entry.name)
    if kind != "add":
        del changed["newTag"]
    if kind != "remove":
        changed["digest"] = digest
    assert new == old
    assert after.startswith(bom)
    assert len(after.splitlines()) - len(before.splitlines()) in {"add": (0, 1), "remove": (0, -1), "turn": (0,)}[kind]
    assert set(other_lines(before, entry)) <= set(after.splitlines())


def plain_strings(text: bytes) -> Any:
    """The document as another reader sees it, every scalar a string."""
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506


def other_lines(text: bytes, entry: Entry) -> list[bytes]:
    """Lines that do not belong to the entry."""
    own = set((entry.before + entry.scalar + entry.after).encode().splitlines())
    return [line for line in text.splitlines() if line not in own]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        document = read_document(data)
    except YamlRefused:
        return
    assert apply_edits(document, []) == data


@given(st.text("-[]{}:,&*a#'\"|> \n\t!%@?", max_size=60), st.text(max_size=10))
def test_an_edit_of_odd_yaml_is_right_or_refused(text: str, value: str) -> None:
    try:
        document = read_document(b"k: v\n" + text.encode())
    except YamlRefused:
        return
    nodes = [node for pair in document.root.pairs for node in pair[1:] if node.kind == "scalar"]
    assume(nodes)
    try:
        after = apply_edits(document, [SetScalar(nodes[-1], value)])
    except YamlRefused:
        return
    key = document.root.pairs[[pair[1] for pair in document.root.pairs].index(nodes[-1])][0].value
    reread = read_document(after).root.get(key)
    assert reread is not None
    assert (reread.value, reread.is_text) == (value, True)


@given(st.integers(1, 40))
def test_an_alias_bomb_costs_nothing(depth: int) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, depth)]
    document = read_document("\n".join([*lines, "tag: v1", ""]).encode())
    tag = document.root.get("tag")
    assert tag is not None
    assert apply_edits(document, [SetScalar(tag, "v2")]).decode().endswith("\ntag: v2\n")
