"""Edits that change the bytes of the scalars they name and nothing else.

Every edit is located by position, made in the text, and then proven: the result is parsed again and must consist of
exactly the events that the edit should leave. What cannot be proven is refused with `YamlRefused`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.strategies.yaml_nodes import STYLE, VALUE, Document, Node, YamlRefused, is_plain_text, read_document, walk

_SIMPLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+-]*")
_SIMPLE_WITH_COLON = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?")
_SCALAR = "ScalarEvent"


@dataclass(frozen=True, slots=True)
class SetScalar:
    """Replace a scalar's value; its quotes stay, and are added where the new value would not be a string without.

    `bare`: the new value is written as it stands (a number or boolean that must stay one).
    """

    node: Node
    value: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Replace a key by another, in its place."""

    key: Node
    name: str


@dataclass(frozen=True, slots=True)
class AddKey:
    """Add `name: value` to a mapping, right after the pair of the key `after`."""

    mapping: Node
    after: str
    name: str
    value: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """Remove a key with its scalar value; in block style its whole line goes, with the comment on it."""

    mapping: Node
    name: str


@dataclass(frozen=True, slots=True)
class AddItem:
    """Append a mapping of strings to a list of mappings, in the list's own style."""

    sequence: Node
    pairs: tuple[tuple[str, str], ...]


Edit = SetScalar | RenameKey | AddKey | RemoveKey | AddItem


@dataclass(frozen=True, slots=True)
class _Expected:
    """An event that an edit leaves: a scalar with this value, or the bounds of a mapping."""

    event: str
    value: str | None = None
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class _Splice:
    """One edit as text (characters `start` to `end` become `text`) and as events."""

    start: int
    end: int
    text: str
    events: tuple[int, int]
    leaves: tuple[_Expected, ...]


def apply_edits(document: Document, edits: Sequence[Edit]) -> bytes:
    """The file with the edits made. Nodes must be the document's own. Raises `YamlRefused`."""
    shared = _shared(document.root)
    for edit in edits:
        if any(id(node) in shared for node in _touched(edit)):
            raise YamlRefused("yaml-alias", "the value is used in several places through an anchor")
    splices = sorted((_splice(document, edit) for edit in edits), key=lambda splice: (splice.start, splice.end))
    text = document.text
    for earlier, later in pairwise(splices):
        if later.start < earlier.end:
            raise YamlRefused("yaml-edits-overlap", "two of its edits touch the same place")
    for splice in reversed(splices):
        text = text[: splice.start] + splice.text + text[splice.end :]
    data = document.bom + text.encode("utf-8")
    _prove(document, read_document(data), splices)
    return data


def _touched(edit: Edit) -> tuple[Node, ...]:
    match edit:
        case SetScalar(node=node):
            return (node,)
        case RenameKey(key=key):
            return (key,)
        case AddKey(mapping=mapping) | RemoveKey(mapping=mapping):
            return (mapping,)
        case AddItem(sequence=sequence):
            return (sequence,)


def _shared(root: Node) -> set[int]:
    """Nodes that stand in several places: whatever is used through an alias, and everything below it."""
    return {id(below) for node in walk(root) if node.uses > 1 for below in walk(node)}


def _splice(document: Document, edit: Edit) -> _Splice:
    match edit:
        case SetScalar(node=node, value=value, bare=bare):
            old = _one_line(document, node)
            gap = " " if node.start == node.end else ""
            new = gap + _written(value, node.style, bare=bare, colon=":" in old)
            return _Splice(node.start, node.end, new, node.events, (_Expected(_SCALAR, value, not bare),))
        case RenameKey(key=key, name=name):
            _one_line(document, key)
            return _Splice(key.start, key.end, _written(name, key.style), key.events, (_Expected(_SCALAR, name),))
        case AddKey():
            return _add_key(document, edit)
        case RemoveKey():
            return _remove_key(document, edit)
        case AddItem():
            return _add_item(document, edit)


def _add_key(document: Document, edit: AddKey) -> _Splice:
    key, sibling = _pair(edit.mapping, edit.after)
    _one_line(document, sibling)
    pair = f"{_written(edit.name, key.style)}: {_written(edit.value, sibling.style, bare=edit.bare)}"
    leaves = (_Expected(_SCALAR, edit.name), _Expected(_SCALAR, edit.value, not edit.bare))
    events = (sibling.events[1], sibling.events[1])
    if edit.mapping.flow:
        return _Splice(sibling.end, sibling.end, f", {pair}", events, leaves)
    return _new_lines(document, sibling.end, [" " * key.column + pair], events, leaves)


def _remove_key(document: Document, edit: RemoveKey) -> _Splice:
    key, value = _pair(edit.mapping, edit.name)
    _one_line(document, value)
    pairs = edit.mapping.pairs
    index = next(i for i, pair in enumerate(pairs) if pair[0] is key)
    if len(pairs) == 1:
        raise YamlRefused("yaml-only-key", f"{edit.name} is the only key of its mapping")
    events = (key.events[0], value.events[1])
    if edit.mapping.flow:
        start, end = (pairs[index - 1][1].end, value.end) if index else (key.start, pairs[1][0].start)
        return _Splice(start, end, "", events, ())
    line_start = document.text.rfind("\n", 0, key.start) + 1
    if not document.text[line_start : key.start].strip():
        return _Splice(line_start, _line_end(document, value.end)[0], "", events, ())
    end = pairs[index + 1][0].start if index + 1 < len(pairs) else value.end
    if document.text[value.end : end].partition("\n")[2].strip():
        raise YamlRefused(
            "yaml-comment-in-the-way", f"a comment follows {edit.name}, which cannot be removed without it"
        )
    return _Splice(key.start, end, "", events, ())


def _add_item(document: Document, edit: AddItem) -> _Splice:
    sequence = edit.sequence
    last = sequence.items[-1] if sequence.items else None
    if (
        sequence.kind != "sequence"
        or (last is not None and last.kind != "mapping")
        or (last is None and not sequence.flow)
    ):
        raise YamlRefused("yaml-not-a-list", "it is not a list of mappings that could be appended to")
    mapping = (_Expected("MappingStartEvent"), _Expected("MappingEndEvent"))
    leaves = (mapping[0], *(_Expected(_SCALAR, word) for pair in edit.pairs for word in pair), mapping[1])
    events = (sequence.events[1] - 1, sequence.events[1] - 1)
    words = [_like(last, name, value) for name, value in edit.pairs]
    if sequence.flow:
        at = last.end if last else sequence.end - 1
        return _Splice(at, at, (", " if last else "") + "{" + ", ".join(words) + "}", events, leaves)
    assert last is not None  # noqa: S101
    dash = " " * sequence.column + "-"
    if last.flow:
        return _new_lines(document, last.end, [f"{dash} {{{', '.join(words)}}}"], events, leaves)
    _one_line(document, last.pairs[-1][1])
    indent = " " * last.column
    lines = [dash.ljust(last.column) + words[0], *(indent + word for word in words[1:])]
    return _new_lines(document, last.pairs[-1][1].end, lines, events, leaves)


def _like(example: Node | None, name: str, value: str) -> str:
    """`name: value` with the quotes that the example has for that key."""
    known = example.pair(name) if example else None
    style = known[1].style if known else '"'
    key_style = example.pairs[0][0].style if example and example.pairs else None
    return f"{_written(name, key_style)}: {_written(value, style)}"


def _new_lines(
    document: Document, after: int, lines: list[str], events: tuple[int, int], leaves: tuple[_Expected, ...]
) -> _Splice:
    """Whole lines below the one that `after` is on, with its line ending."""
    at, ending = _line_end(document, after)
    if ending:
        return _Splice(at, at, "".join(line + ending for line in lines), events, leaves)
    ending = "\r\n" if "\r\n" in document.text else "\n"
    return _Splice(at, at, "".join(ending + line for line in lines), events, leaves)


def _line_end(document: Document, position: int) -> tuple[int, str]:
    """Where the next line starts, and how this one ends (empty at the end of the file)."""
    found = re.compile(r"\r\n|\n|\r").search(document.text, position)
    return (found.end(), found.group()) if found else (len(document.text), "")


def _pair(mapping: Node, name: str) -> tuple[Node, Node]:
    found = mapping.pair(name)
    if found is None:
        raise YamlRefused("yaml-no-such-key", f"there is no {name} to go by")
    return found


def _one_line(document: Document, node: Node) -> str:
    """The source of a scalar that may be edited. Raises `YamlRefused` for any other."""
    source = document.text[node.start : node.end]
    if node.kind != "scalar":
        raise YamlRefused("yaml-not-a-scalar", "there is a list or mapping where one value is expected")
    if node.style in ("|", ">") or re.search(r"[\r\n\x85\u2028\u2029]", source):
        raise YamlRefused("yaml-multi-line", "the value spans several lines")
    if source.startswith(("&", "!", "*")):
        raise YamlRefused("yaml-anchored", "the value has an anchor, alias or tag of its own")
    if "{{" in source:
        raise YamlRefused("yaml-template", "the value is a template ({{ … }})")
    return source


def _written(value: str, style: str | None, *, bare: bool = False, colon: bool = False) -> str:
    if not value.isprintable():
        raise YamlRefused("yaml-unprintable", "the new value holds characters that cannot be written on one line")
    if bare:
        return value
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    simple = _SIMPLE_WITH_COLON if colon else _SIMPLE
    if style is None and simple.fullmatch(value) and is_plain_text(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _prove(before: Document, after: Document, splices: Sequence[_Splice]) -> None:
    """That the new text says what the old one said, with exactly these edits."""
    expected: list[tuple[object, ...] | _Expected] = []
    at = 0
    for splice in sorted(splices, key=lambda splice: splice.events):
        expected += before.events[at : splice.events[0]]
        expected += splice.leaves
        at = splice.events[1]
    expected += before.events[at:]
    same = len(expected) == len(after.events) and all(map(_fits, expected, after.events))
    if not same:
        raise YamlRefused("yaml-edit-not-proven", "the edit would change more than it should")


def _fits(expected: "tuple[object, ...] | _Expected", event: tuple[object, ...]) -> bool:
    if not isinstance(expected, _Expected):
        return expected == event
    if event[0] != expected.event:
        return False
    if expected.value is None:
        return True
    is_text = event[STYLE] is not None or is_plain_text(str(event[VALUE]))
    return event[VALUE] == expected.value and (is_text or not expected.is_text)
