"""The Block Kit pieces that our messages are made of."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from bot.domain.text import Text
from bot.slack.escape import SECTION_TEXT, clean, mrkdwn, one_line, rich

Json = dict[str, Any]
Style = Literal["primary", "danger"]

MOST_SECTIONS = 100
"""Elements of one rich text block."""


def plain_text(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": one_line(text, most) or "–", "emoji": False}


def header(text: str) -> Json:
    return {"type": "header", "text": plain_text(text, 150)}


def lines(*texts: Text, most: int = 2_800) -> Json | None:
    """One rich text block, a line for each text that is not empty; None when all are."""
    sections = [{"type": "rich_text_section", "elements": elements} for text in texts if (elements := rich(text, most))]
    return {"type": "rich_text", "elements": sections} if sections else None


def paragraphs(*texts: Text, most: int = 400) -> list[Json | None]:
    """The same in as many blocks as it takes."""
    made: list[Json | None] = []
    held: list[Json] = []
    size = 0
    for elements in filter(None, (rich(text, most) for text in texts)):
        length = sum(len(element.get("text") or element.get("fallback") or "") for element in elements)
        if held and (size + length > SECTION_TEXT or len(held) == MOST_SECTIONS):
            made.append({"type": "rich_text", "elements": held})
            held, size = [], 0
        held.append({"type": "rich_text_section", "elements": elements})
        size += length
    return [*made, {"type": "rich_text", "elements": held} if held else None]


def bullets(items: Sequence[Text], most: int = 300) -> Json | None:
    """A rich text block with a bulleted list; None without items."""
    sections = [{"type": "rich_text_section", "elements": rich(item, most)} for item in items if item.parts]
    if not sections:
        return None
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": sections}]}


def preformatted(text: str, most: int = 2_800) -> Json:
    """Text as it is, in a fixed width; nothing in it is ever parsed."""
    shown = clean(text, most) or " "
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": shown}]}],
    }


def context(text: Text, most: int = 1_500) -> Json | None:
    """A grey line. Only for words of ours, ids, links and times."""
    shown = mrkdwn(text, most)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": shown, "verbatim": True}]} if shown else None


def actions(elements: Sequence[Json]) -> Json | None:
    return {"type": "actions", "elements": list(elements)} if elements else None


def button(
    action_id: str, label: str, value: str, *, style: Style | None = None, asks: Json | None = None, says: str = ""
) -> Json:
    """`asks` is a confirm dialog; `says` is what a screen reader says instead of a terse label."""
    made: Json = {
        "type": "button", "action_id": action_id, "text": {**plain_text(label, 75), "emoji": True}, "value": value,
    }  # fmt: skip
    if style is not None:
        made["style"] = style
    if asks is not None:
        made["confirm"] = asks
    if says:
        made["accessibility_label"] = one_line(says, 75)
    return made


def overflow(action_id: str, options: Sequence[tuple[str, str]]) -> Json:
    """A menu of rare actions: label and value of each."""
    return {
        "type": "overflow", "action_id": action_id,
        "options": [{"text": plain_text(label, 75), "value": value} for label, value in options],
    }  # fmt: skip


def confirm(title: str, text: str, yes: str, *, no: str = "Cancel", style: Style = "primary") -> Json:
    return {
        "title": plain_text(title, 100), "text": plain_text(text, 300), "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30), "style": style,
    }  # fmt: skip


def named(blocks: Iterable[Json | None]) -> list[Json]:
    """The blocks that are there, each with an id of its own that changes when its content does."""
    made: list[Json] = []
    for number, block in enumerate(block for block in blocks if block is not None):
        digest = hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()[:10]
        made.append({**block, "block_id": block.get("block_id") or f"{number}.{digest}"})
    return made
