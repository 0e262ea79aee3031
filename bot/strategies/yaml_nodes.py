"""YAML read with the position of every part, so that a scalar can be changed without touching another byte."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import yaml

SIZE_LIMIT = 256 * 1024
DEPTH_LIMIT = 100
BOM = b"\xef\xbb\xbf"
VALUE, STYLE = 1, 2
"""Where an event of `Document.events` keeps its value and its style; its name comes first."""


class YamlRefused(Exception):
    """A file that we do not edit or understand. `slug` names the case; the message is a sentence for people."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(reason)
        self.slug, self.reason = slug, reason


@dataclass(eq=False, slots=True)
class Node:
    """One node and where its source stands: characters `start` to `end` of the text.

    `events` is the range of parser events that make it up. An alias is the very node that it stands for, whose `uses`
    then counts more than one.
    """

    kind: Literal["scalar", "sequence", "mapping"]
    start: int
    end: int
    column: int
    events: tuple[int, int]
    value: str = ""  # of a scalar, decoded
    style: str | None = None  # of a scalar: None (plain), ', ", |, >
    tag: str | None = None  # as written
    anchor: str | None = None
    flow: bool = False
    items: list["Node"] = field(default_factory=list)  # of a sequence
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)  # of a mapping
    uses: int = 1

    def get(self, key: str) -> "Node | None":
        """The value at a key, None when there is none or this is no mapping."""
        pair = self.pair(key)
        return pair[1] if pair else None

    def pair(self, key: str) -> "tuple[Node, Node] | None":
        return next((pair for pair in self.pairs if pair[0].kind == "scalar" and pair[0].value == key), None)

    @property
    def is_null(self) -> bool:
        return self.kind == "scalar" and self.style is None and self.value in ("", "~", "null", "Null", "NULL")

    @property
    def is_text(self) -> bool:
        """Whether Kustomize's decoder takes this scalar for a string."""
        return self.kind == "scalar" and (self.style is not None or self.tag == "!!str" or is_plain_text(self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's only document."""

    bom: bytes
    text: str  # without the byte order mark
    events: tuple[tuple[object, ...], ...]
    root: Node


_NUMBER_LIKE = re.compile(
    r"[-+]?(\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9_]+)?|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\.(inf|Inf|INF))"
    r"|\.(nan|NaN|NAN)|[-+]?[0-9][0-9_]*(:[0-9_]+)+(\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
)
_WORDS = frozenset(
    {"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="}
)  # fmt: skip


def is_plain_text(text: str) -> bool:
    """Whether this text, unquoted, is surely a string to every YAML decoder; a number such as `1.10` is not."""
    return text.lower() not in _WORDS and _NUMBER_LIKE.fullmatch(text) is None


def read_document(data: bytes) -> Document:
    """Parse a file. Raises `YamlRefused` for what is not exactly one plain, unambiguous YAML document."""
    if len(data) > SIZE_LIMIT:
        raise YamlRefused("yaml-too-big", f"it has {len(data)} bytes, more than {SIZE_LIMIT}")
    bom = BOM if data.startswith(BOM) else b""
    try:
        text = data[len(bom) :].decode("utf-8")
    except UnicodeDecodeError:
        raise YamlRefused("yaml-not-utf8", "it is not UTF-8 text") from None
    try:
        parsed = list(yaml.parse(text, Loader=yaml.SafeLoader))
        root = _Composer(parsed).compose()
    except yaml.YAMLError as error:
        if "{{" in text:
            raise YamlRefused("yaml-template", "it is a template ({{ … }}), not plain YAML") from None
        raise YamlRefused("yaml-invalid", f"it is not valid YAML: {_told(error)}") from None
    except RecursionError:
        raise YamlRefused("yaml-too-deep", "it is nested too deeply") from None
    _check(root)
    return Document(bom=bom, text=text, events=tuple(_essence(event) for event in parsed), root=root)


def walk(root: Node) -> Iterator[Node]:
    """Every node once, however often aliases repeat it."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        waiting.extend(node.items)
        for key, value in node.pairs:
            waiting += (key, value)


class _Composer:
    """Builds nodes from parser events. Aliases are not expanded: a node that is used again counts its uses."""

    def __init__(self, events: list[yaml.Event]) -> None:
        self._events, self._at = events, 0
        self._anchors: dict[str, Node] = {}

    def compose(self) -> Node:
        documents = sum(isinstance(event, yaml.DocumentStartEvent) for event in self._events)
        if documents != 1:
            word = "no document" if documents == 0 else f"{documents} documents"
            raise YamlRefused("yaml-multi-document", f"it holds {word} instead of one")
        self._at = next(i for i, event in enumerate(self._events) if isinstance(event, yaml.DocumentStartEvent)) + 1
        return self._node(0)

    def _node(self, depth: int) -> Node:
        if depth > DEPTH_LIMIT:
            raise YamlRefused("yaml-too-deep", "it is nested too deeply")
        event, first = self._events[self._at], self._at
        self._at += 1
        if isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(event.anchor or "")
            if known is None:
                raise YamlRefused("yaml-invalid", f"it uses the anchor {event.anchor!r}, which is not defined before")
            known.uses += 1
            return known
        (start, column), (end, _) = _place(event.start_mark), _place(event.end_mark)
        node = Node("scalar", start, end, column, (first, first + 1))
        if isinstance(event, yaml.ScalarEvent):
            node.value, node.style = event.value, event.style or None
        elif isinstance(event, yaml.SequenceStartEvent):
            node.kind, node.flow = "sequence", bool(event.flow_style)
        else:
            node.kind, node.flow = "mapping", bool(getattr(event, "flow_style", False))
        node.anchor, node.tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if node.kind == "sequence":
            while not isinstance(self._events[self._at], yaml.SequenceEndEvent):
                node.items.append(self._node(depth + 1))
        if node.kind == "mapping":
            while not isinstance(self._events[self._at], yaml.MappingEndEvent):
                key = self._node(depth + 1)
                node.pairs.append((key, self._node(depth + 1)))
        if node.kind != "scalar":
            node.end, _ = _place(self._events[self._at].end_mark)
            self._at += 1
        node.events = (first, self._at)
        if node.anchor is not None:
            self._anchors[node.anchor] = node
        return node


def _place(mark: object) -> tuple[int, int]:
    """Index and column; every event of the parser has its marks, though the stubs doubt it."""
    assert isinstance(mark, yaml.Mark)  # noqa: S101
    return mark.index, mark.column


def _check(root: Node) -> None:
    for node in walk(root):
        if node.kind == "scalar" and node.style is None and "{{" in node.value:
            raise YamlRefused("yaml-template", "it is a template ({{ … }}), not plain YAML")
        seen: set[str] = set()
        for key, _ in node.pairs:
            if key.kind != "scalar":
                is_template = key.kind == "mapping" and node.flow
                slug = "yaml-template" if is_template else "yaml-complex-key"
                what = (
                    "it is a template ({{ … }}), not plain YAML" if is_template else "it has a key that is not a word"
                )
                raise YamlRefused(slug, what)
            if key.value in seen and key.value != "<<":
                raise YamlRefused("yaml-duplicate-key", f"it has the key {key.value[:60]!r} twice in one mapping")
            seen.add(key.value)


def _essence(event: yaml.Event) -> tuple[object, ...]:
    """What an event says, without where it stands."""
    return (
        type(event).__name__,
        getattr(event, "value", None),
        getattr(event, "style", None) or None,
        getattr(event, "anchor", None),
        getattr(event, "tag", None),
        getattr(event, "flow_style", None),
    )


def _told(error: yaml.YAMLError) -> str:
    problem = str(getattr(error, "problem", None) or "it cannot be read")
    mark = getattr(error, "problem_mark", None)
    return f"{problem[:120]}, line {mark.line + 1}" if mark is not None else problem[:120]
