"""The text of `tiphys.yaml` as plain data, with the line of every key and item.

The file is read as YAML with what is doubtful in a configuration left out: no merge keys, no tags, no keys that are
not text, no key twice, and aliases only in moderation.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.config.problems import Path, Problems

LARGEST = 1_000_000
MOST_NODES = 20_000
DEEPEST = 40

_PLAIN = "tag:yaml.org,2002:"
_SCALARS = {f"{_PLAIN}{name}" for name in ("str", "int", "float", "bool", "null")}
_AS_TEXT = {f"{_PLAIN}{name}" for name in ("timestamp", "value")}


def parse(text: str, problems: Problems) -> dict[str, Any] | None:
    """The data, or None when nothing can be said of it; fills in `problems.lines` and what is wrong."""
    if len(text) > LARGEST:
        problems.add((), f"the file has more than {LARGEST:,} characters", "Make it smaller", line=1)
        return None
    try:
        root = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        _syntax(error, text, problems)
        return None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        problems.add((), f"this is not YAML: {_one_line(str(error))}", "Remove it", line=1)
        return None
    except RecursionError:
        problems.add((), "the file is nested too deeply", f"Nest at most {DEEPEST} levels", line=1)
        return None
    if root is None:
        problems.add(
            (), "the file is empty", "Start with `version: 1`; docs/configuration.md shows a whole file", line=1
        )
        return None
    if not isinstance(root, yaml.MappingNode):
        problems.add((), "the file is not a mapping of keys to values", "Start with `version: 1`", line=1)
        return None
    reading = _Reading(problems)
    try:
        data = reading.mapping(root, ())
    except _TooMuch as error:
        problems.add((), str(error), "Write the values out, or share them through `defaults:`", line=error.line)
        return None
    problems.lines = reading.lines
    return data


class _TooMuch(Exception):
    def __init__(self, reason: str, node: yaml.Node) -> None:
        super().__init__(reason)
        self.line = node.start_mark.line + 1


@dataclass(slots=True)
class _Reading:
    problems: Problems
    lines: dict[Path, int] = field(default_factory=dict)
    nodes: int = 0
    constructor: yaml.constructor.SafeConstructor = field(default_factory=yaml.constructor.SafeConstructor)

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _TooMuch(f"the file unfolds into more than {MOST_NODES:,} values", node)
        if len(path) > DEEPEST:
            raise _TooMuch("the file is nested too deeply, or an alias contains itself", node)
        match node:
            case yaml.MappingNode(tag=tag) if tag == f"{_PLAIN}map":
                return self.mapping(node, path)
            case yaml.SequenceNode(tag=tag) if tag == f"{_PLAIN}seq":
                return self.sequence(node, path)
            case yaml.ScalarNode(tag=tag) if tag in _SCALARS:
                return self.scalar(node, path)
            case yaml.ScalarNode(tag=tag) if tag in _AS_TEXT:
                return node.value
        self.wrong(node, path, f"the tag `{node.tag.replace(_PLAIN, '!!')}` is not read here", "Write a plain value")
        return None

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_PLAIN}merge":
                self.wrong(key_node, path, "merge keys (`<<`) are not read", "Share values through `defaults:`")
                continue
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in {f"{_PLAIN}str", *_AS_TEXT}:
                self.wrong(key_node, path, f"the key {_shown(key_node)} is not text", "Put it in quotes")
                continue
            key = key_node.value
            here = (*path, key)
            if key in data:
                self.wrong(
                    key_node, here, f"the key stands here a second time (first in line {self.lines[here]})", "Keep one"
                )
                continue
            self.lines[here] = key_node.start_mark.line + 1
            data[key] = self.value(value_node, here)
        return data

    def sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        items = []
        for position, item in enumerate(node.value):
            here = (*path, position)
            self.lines[here] = item.start_mark.line + 1
            items.append(self.value(item, here))
        return items

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        try:
            return self.constructor.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.wrong(node, path, f"{_shown(node)} cannot be read", "Put it in quotes")
            return None

    def wrong(self, node: yaml.Node, path: Path, reason: str, fix: str) -> None:
        self.problems.damaged.add(path)
        self.problems.add(path, reason, fix, line=node.start_mark.line + 1)


def _syntax(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    reason = _one_line(error.problem or error.context or str(error))
    if "\t" in written[: len(written) - len(written.lstrip())]:
        fix = "Indent with spaces: YAML does not allow tabs"
    elif "but found another document" in str(error) or "single document" in str(error):
        reason, fix = "there is more than one document in the file", "Keep what stands before the line `---`"
    elif "mapping values are not allowed" in reason:
        fix = "Put the value in quotes if it contains a colon, and look at the indentation"
    elif "cannot start any token" in reason:
        fix = "Put the value in quotes"
    elif "alias" in reason:
        fix = "Define the anchor before it is used, or write the value"
    else:
        fix = "Look at the indentation, the quotes and the brackets here and in the line above"
    problems.add((), f"this is not YAML: {reason}", fix, line=line)


def _shown(node: yaml.Node) -> str:
    return f"`{node.value[:40]}`" if isinstance(node, yaml.ScalarNode) else "here"


def _one_line(text: str) -> str:
    return " ".join(text.split())
