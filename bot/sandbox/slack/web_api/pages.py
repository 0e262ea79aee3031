"""Cursors: lists in pages."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.sandbox.slack.messages import Json, Message
from bot.sandbox.slack.web_api.call import Call, SlackError

Item = TypeVar("Item")


def page(call: Call, items: Sequence[Item], *, default: int, most: int = 1_000) -> tuple[list[Item], Json]:
    """The page that the call's `cursor` and `limit` ask for, and its `response_metadata`.

    The cursor counts from the list's start: what is added at the end later does not move a page.
    """
    limit = call.integer("limit", default, most=most)
    place = _word(call.text("cursor"), "next") or "0"
    if not place.isdigit():
        raise SlackError("invalid_cursor")
    start, end = int(place), int(place) + limit
    return list(items[start:end]), {"next_cursor": _cursor("next", end) if end < len(items) else ""}


def page_of_messages(call: Call, newest_first: list[Message], *, default: int, most: int) -> tuple[list[Message], Json]:
    """The same for a channel's history: its cursor names a message, so what is posted meanwhile moves no page."""
    limit = call.integer("limit", default, most=most)
    before = _word(call.text("cursor"), "next_ts")
    rest = [m for m in newest_first if before is None or m.ts < before]
    shown = rest[:limit]
    return shown, {"next_cursor": _cursor("next_ts", shown[-1].ts) if len(rest) > limit else ""}


def _cursor(word: str, place: object) -> str:
    return base64.b64encode(f"{word}:{place}".encode()).decode()


def _word(cursor: str | None, word: str) -> str | None:
    """The place that a cursor names, None without a cursor."""
    if cursor is None:
        return None
    try:
        found, _, place = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise SlackError("invalid_cursor") from None
    if found != word:
        raise SlackError("invalid_cursor")
    return place
