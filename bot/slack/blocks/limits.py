"""Slack's documented limits, and a check that a message or a view keeps them before it is sent."""

from collections.abc import Callable
from typing import Any

from bot.slack.blocks.elements import Json
from bot.slack.blocks.message import RenderedMessage

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MESSAGE_TEXT = 12_000
"""Of all blocks together. Undocumented: refusals were seen at about 13,200."""
FALLBACK = 4_000
TEXT_OBJECT, HEADER, BLOCK_ID, ACTION_ID = 3_000, 150, 255, 255
CONTEXT_ELEMENTS, ACTION_ELEMENTS, OVERFLOW_OPTIONS = 10, 25, 5
BUTTON_TEXT, BUTTON_VALUE, OPTION_TEXT, OPTION_VALUE = 75, 2_000, 75, 150
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30
VIEW_TITLE, PRIVATE_METADATA, INPUT_LABEL, INPUT_LENGTH = 24, 3_000, 2_000, 3_000


def message_problems(message: RenderedMessage) -> list[str]:
    """What Slack would not take; empty when all is well."""
    found = _Problems()
    found.text("fallback text", message.text, FALLBACK)
    _blocks(found, message.blocks, MESSAGE_BLOCKS)
    if (total := text_length(message.blocks)) >= MESSAGE_TEXT:
        found.add(f"all blocks together have {total} characters")
    return found.list


def view_problems(view: Json) -> list[str]:
    """The same for a modal view."""
    found = _Problems()
    for key in ("title", "submit", "close"):
        if key in view:
            found.text(key, view[key]["text"], VIEW_TITLE)
    found.text("callback_id", view.get("callback_id", "–"), ACTION_ID)
    found.text("private_metadata", view.get("private_metadata") or "–", PRIVATE_METADATA)
    _blocks(found, view["blocks"], VIEW_BLOCKS)
    if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        found.add("an input block needs a submit button")
    return found.list


def text_length(value: Any) -> int:
    """Characters of everything that a person can read in these blocks."""
    if isinstance(value, list):
        return sum(text_length(item) for item in value)
    if not isinstance(value, dict):
        return 0
    return sum(
        len(item) if key in ("text", "alt_text", "fallback") and isinstance(item, str) else text_length(item)
        for key, item in value.items()
    )


class _Problems:
    def __init__(self) -> None:
        self.list: list[str] = []

    def add(self, problem: str) -> None:
        self.list.append(problem)

    def text(self, what: str, text: str, most: int) -> None:
        if not 1 <= len(text) <= most:
            self.add(f"{what} has {len(text)} characters, {most} are allowed")

    def count(self, what: str, items: list[Any], most: int) -> None:
        if not 1 <= len(items) <= most:
            self.add(f"{what}: {len(items)}, {most} are allowed")

    def unique(self, what: str, ids: list[str]) -> None:
        if len(set(ids)) != len(ids):
            self.add(f"{what} is not unique")


def _blocks(found: _Problems, blocks: list[Json], most: int) -> None:
    found.count("blocks", blocks, most)
    found.unique("block_id", [block["block_id"] for block in blocks])
    for block in blocks:
        found.text("block_id", block["block_id"], BLOCK_ID)
        _CHECKS[block["type"]](found, block)


def _header(found: _Problems, block: Json) -> None:
    found.text("header", block["text"]["text"], HEADER)


def _rich_text(found: _Problems, block: Json) -> None:
    found.count("rich text elements", block["elements"], 100)
    if text_length(block) > TEXT_OBJECT:
        found.add(f"a rich text block has {text_length(block)} characters")


def _context(found: _Problems, block: Json) -> None:
    found.count("context elements", block["elements"], CONTEXT_ELEMENTS)
    for element in block["elements"]:
        found.text("context", element["text"], TEXT_OBJECT)


def _section(found: _Problems, block: Json) -> None:
    found.text("section", block["text"]["text"], TEXT_OBJECT)


def _actions(found: _Problems, block: Json) -> None:
    elements = block["elements"]
    found.count("action elements", elements, ACTION_ELEMENTS)
    found.unique("action_id", [element["action_id"] for element in elements])
    for element in elements:
        found.text("action_id", element["action_id"], ACTION_ID)
        if element["type"] == "button":
            found.text("button", element["text"]["text"], BUTTON_TEXT)
            found.text("button value", element["value"], BUTTON_VALUE)
            found.text("accessibility label", element.get("accessibility_label", "–"), BUTTON_TEXT)
        else:
            found.count("overflow options", element["options"], OVERFLOW_OPTIONS)
            for option in element["options"]:
                found.text("option", option["text"]["text"], OPTION_TEXT)
                found.text("option value", option["value"], OPTION_VALUE)
        if (asks := element.get("confirm")) is not None:
            found.text("confirm title", asks["title"]["text"], CONFIRM_TITLE)
            found.text("confirm text", asks["text"]["text"], CONFIRM_TEXT)
            found.text("confirm", asks["confirm"]["text"], CONFIRM_BUTTON)
            found.text("deny", asks["deny"]["text"], CONFIRM_BUTTON)


def _input(found: _Problems, block: Json) -> None:
    found.text("input label", block["label"]["text"], INPUT_LABEL)


def _nothing(found: _Problems, block: Json) -> None:
    """A divider has no limits."""


_CHECKS: dict[str, Callable[[_Problems, Json], None]] = {
    "header": _header, "rich_text": _rich_text, "context": _context, "section": _section, "actions": _actions,
    "input": _input, "divider": _nothing,
}  # fmt: skip
