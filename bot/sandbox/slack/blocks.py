"""Does Slack accept these blocks? Its documented limits, and the undocumented one on a message's whole text.

Each problem reads as Slack words it: `must be less than 151 characters [json-pointer:/blocks/0/text/text]`.
"""

from typing import Any

from bot.sandbox.slack.block_shapes import BLOCKS, MESSAGE_ONLY, VIEW_ONLY, View
from bot.sandbox.slack.shapes import Problems

Json = dict[str, Any]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
TOTAL_TEXT = 13_000
MARKDOWN_TEXT = 12_000
TOO_LONG = "msg_blocks_too_long"

TABLES = frozenset({"table", "data_table"})


def validate_message_blocks(blocks: Any) -> list[str]:
    """The problems that Slack has with a message's blocks; empty when it takes them.

    A message whose blocks together are too long has one problem that starts with `msg_blocks_too_long`.
    """
    problems = Problems()
    _blocks(problems, blocks, "/blocks", MESSAGE_BLOCKS, surface="message")
    if not problems.found and (total := text_length(blocks)) > TOTAL_TEXT:
        return [f"{TOO_LONG}: {total} characters of text in all blocks [json-pointer:/blocks]"]
    return problems.found


def validate_view(view: Any) -> list[str]:
    """The problems that Slack has with a modal view; empty when it takes it."""
    problems = Problems()
    if not isinstance(view, dict):
        problems.add("must provide an object", "/view")
        return problems.found
    View(problems, {key: value for key, value in view.items() if key != "blocks"}, "/view")
    if view.get("type") not in (None, "modal"):
        problems.add("must be a valid enum value", "/view/type")
    if "blocks" not in view:
        problems.add("missing required field: blocks", "/view")
        return problems.found
    _blocks(problems, view["blocks"], "/view/blocks", VIEW_BLOCKS, surface="view")
    blocks = view["blocks"] if isinstance(view["blocks"], list) else []
    if any(isinstance(b, dict) and b.get("type") == "input" for b in blocks) and not view.get("submit"):
        problems.add("must have a submit button because there is an input block", "/view")
    return problems.found


def text_length(value: Any) -> int:
    """Characters of everything that a person could read in these blocks."""
    if isinstance(value, list):
        return sum(text_length(item) for item in value)
    if not isinstance(value, dict):
        return 0
    return sum(
        len(item) if key in {"text", "alt_text"} and isinstance(item, str) else text_length(item)
        for key, item in value.items()
    )


def _blocks(problems: Problems, blocks: Any, pointer: str, most: int, *, surface: str) -> None:
    if not isinstance(blocks, list):
        problems.add("must provide an array", pointer)
        return
    if len(blocks) > most:
        problems.add(f"no more than {most} items allowed", pointer)
    seen: set[str] = set()
    for n, block in enumerate(blocks):
        here = f"{pointer}/{n}"
        if not isinstance(block, dict):
            problems.add("must provide an object", here)
            continue
        _one_block(problems, block, here, surface)
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                problems.add(f'`block_id` "{block_id}" already exists', f"{here}/block_id")
            seen.add(block_id)
        _unique_action_ids(problems, block, here)
    kinds = [b.get("type") for b in blocks if isinstance(b, dict)]
    if sum(kind in TABLES for kind in kinds) > 1:
        problems.add("only_one_table_allowed", pointer)
    markdown = sum(len(str(b.get("text"))) for b in blocks if isinstance(b, dict) and b.get("type") == "markdown")
    if markdown > MARKDOWN_TEXT:
        problems.add(f"must be less than {MARKDOWN_TEXT + 1} characters", pointer)


def _one_block(problems: Problems, block: Json, pointer: str, surface: str) -> None:
    kind = block.get("type")
    if kind is None:
        problems.add("missing required field: type", pointer)
        return
    shape = BLOCKS.get(kind) if isinstance(kind, str) else None
    if shape is None or (surface == "view" and kind in MESSAGE_ONLY) or (surface == "message" and kind in VIEW_ONLY):
        problems.add(f"unsupported type: {kind}", f"{pointer}/type")
        return
    shape(problems, block, pointer)


def _unique_action_ids(problems: Problems, block: Json, pointer: str) -> None:
    elements = block.get("elements")
    if block.get("type") not in {"actions", "context_actions"} or not isinstance(elements, list):
        return
    seen: set[str] = set()
    for n, element in enumerate(elements):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if not isinstance(action_id, str) or not action_id:
            continue
        if action_id in seen:
            problems.add(
                f'`action_id` "{action_id}" already exists for this block', f"{pointer}/elements/{n}/action_id"
            )
        seen.add(action_id)
