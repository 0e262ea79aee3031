"""What a person reads: mrkdwn, Block Kit and modals as plain text."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

Json = dict[str, Any]


class Names(Protocol):
    """Turns ids into the names that Slack shows; an unknown id stays as it is."""

    def user_name(self, user_id: str) -> str: ...
    def channel_name(self, channel_id: str) -> str: ...
    def usergroup_name(self, group_id: str) -> str: ...


CODE = re.compile(r"```(.*?)```|`([^`\n]+)`", re.DOTALL)
TOKEN = re.compile(r"<([@#!][^<>]+|[a-z][a-z0-9+.-]*:[^<>\s|]+(?:\|[^<>]*)?)>")
# Stand in for tokens while markers are taken away; Slack shows neither of them.
OPEN, CLOSE = "\x00", "\x01"
HIDDEN = re.compile(f"{OPEN}(\\d+){CLOSE}")
# A marker formats only where it hugs a word: `2*3*4` and `snake_case_name` stay as typed.
EMPHASIS = re.compile(r"(?<![\w*_~])([*_~])(?=\S)([^\n]*?\S)\1(?![\w*_~])")
DATE_PART = re.compile(r"\{(\w+)\}")


def mrkdwn(text: str, names: Names) -> str:
    """Slack's markup as it is displayed: no markers, mentions by name, links by label, dates in UTC."""
    shown, done = [], 0
    for code in CODE.finditer(text):
        shown.append(_formatted(text[done : code.start()], names))
        inner = code.group(1) if code.group(1) is not None else code.group(2)
        shown.append(_tokens(inner.strip("\n") if code.group(1) is not None else inner, names))
        done = code.end()
    shown.append(_formatted(text[done:], names))
    return "".join(shown)


def decoded(text: str) -> str:
    """Slack's three entities as the characters they stand for."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def text_object(value: Any, names: Names) -> str:
    """A text object (`plain_text` or `mrkdwn`) as displayed; anything else is empty."""
    if not isinstance(value, dict):
        return ""
    text = str(value.get("text", ""))
    return mrkdwn(text, names) if value.get("type") == "mrkdwn" else decoded(text)


def message(text: str, blocks: list[Json], attachments: list[Json], names: Names) -> str:
    """All visible text of a message: its blocks or else its text, then its attachments."""
    parts = [_block(block, names) for block in blocks] if blocks else [mrkdwn(text, names)]
    for attachment in attachments:
        inner = [_block(block, names) for block in attachment.get("blocks") or []]
        old = [mrkdwn(str(attachment[key]), names) for key in ("pretext", "title", "text") if attachment.get(key)]
        parts += inner or old or [mrkdwn(str(attachment.get("fallback", "")), names)]
    return _lines(parts)


def view(payload: Json, names: Names) -> str:
    """All visible text of a modal."""
    shown = [text_object(payload.get("title"), names)]
    shown += [_block(block, names) for block in payload.get("blocks") or []]
    shown += [text_object(payload.get(key), names) for key in ("close", "submit")]
    return _lines(shown)


def _block(block: Json, names: Names) -> str:
    match block.get("type"):
        case "section":
            texts = [block.get("text"), *(block.get("fields") or [])]
            accessory = block.get("accessory")
            parts = [text_object(t, names) for t in texts]
            return _lines([*parts, _element(accessory, names) if accessory else ""])
        case "header":
            return text_object(block.get("text"), names)
        case "context":
            return " ".join(_context(element, names) for element in block.get("elements") or [])
        case "actions":
            return "  ".join(_element(element, names) for element in block.get("elements") or [])
        case "input":
            parts = [text_object(block.get("label"), names), _element(block.get("element") or {}, names)]
            return _lines([*parts, text_object(block.get("hint"), names)])
        case "image" | "video":
            return _lines([text_object(block.get("title"), names), str(block.get("alt_text", ""))])
        case "rich_text":
            return _lines(_rich_part(part, names) for part in block.get("elements") or [])
        case "table":
            return _lines("  ".join(_cell(cell, names) for cell in row) for row in block.get("rows") or [])
        case "markdown":
            return str(block.get("text", ""))
    return ""


def _context(element: Json, names: Names) -> str:
    return str(element.get("alt_text", "")) if element.get("type") == "image" else text_object(element, names)


def _element(element: Json, names: Names) -> str:
    """What an element shows before anybody touches it; of an overflow menu, what it would show."""
    match element.get("type"):
        case "button" | "workflow_button":
            return text_object(element.get("text"), names)
        case "image":
            return str(element.get("alt_text", ""))
        case "overflow" | "checkboxes" | "radio_buttons":
            options = element.get("options") or []
            return "  ".join(
                " ".join(filter(None, (text_object(o.get("text"), names), text_object(o.get("description"), names))))
                for o in options
            )
    chosen = element.get("initial_options") or [element.get("initial_option")]
    labels = [text_object(option.get("text"), names) for option in chosen if isinstance(option, dict)]
    typed = element.get("initial_value") if isinstance(element.get("initial_value"), str) else None
    return ", ".join(labels) or typed or text_object(element.get("placeholder"), names)


def _cell(cell: Json, names: Names) -> str:
    return _block(cell, names) if cell.get("type") == "rich_text" else str(cell.get("text", ""))


def _rich_part(part: Json, names: Names) -> str:
    elements = part.get("elements") or []
    if part.get("type") == "rich_text_list":
        first = int(part.get("offset", 0)) + 1
        marks = (f"{first + n}." if part.get("style") == "ordered" else "•" for n in range(len(elements)))
        indent = "  " * int(part.get("indent", 0))
        return "\n".join(f"{indent}{mark} {_rich_part(e, names)}" for mark, e in zip(marks, elements, strict=True))
    return "".join(_rich_piece(piece, names) for piece in elements)


def _rich_piece(piece: Json, names: Names) -> str:
    match piece.get("type"):
        case "text":
            return str(piece.get("text", ""))
        case "link":
            return str(piece.get("text") or piece.get("url", ""))
        case "user":
            return f"@{names.user_name(str(piece.get('user_id')))}"
        case "usergroup":
            return f"@{names.usergroup_name(str(piece.get('usergroup_id')))}"
        case "channel":
            return f"#{names.channel_name(str(piece.get('channel_id')))}"
        case "broadcast":
            return f"@{piece.get('range')}"
        case "emoji":
            return f":{piece.get('name')}:"
        case "date":
            return _date(float(piece.get("timestamp", 0)), str(piece.get("format", "")))
        case "color":
            return str(piece.get("value", ""))
    return ""


def _formatted(text: str, names: Names) -> str:
    """Text outside code. Markers go before tokens are resolved: what a token brings in is never markup."""
    resolved, done = [], 0
    hidden: list[str] = []

    def hide(token: re.Match[str]) -> str:
        hidden.append(_token(token.group(1), names))
        return f"{OPEN}{len(hidden) - 1}{CLOSE}"

    bare = TOKEN.sub(hide, text.replace(OPEN, "").replace(CLOSE, ""))
    before = None
    while before != bare:
        before, bare = bare, EMPHASIS.sub(r"\2", bare)
    bare = re.sub(r"(?m)^(?:&gt;|>) ?", "", bare)
    for mark in HIDDEN.finditer(bare):
        resolved += [decoded(bare[done : mark.start()]), hidden[int(mark.group(1))]]
        done = mark.end()
    return "".join([*resolved, decoded(bare[done:])])


def _tokens(text: str, names: Names) -> str:
    """Text inside code: links and mentions still resolve, nothing else does."""
    shown, done = [], 0
    for token in TOKEN.finditer(text):
        shown += [decoded(text[done : token.start()]), _token(token.group(1), names)]
        done = token.end()
    return "".join([*shown, decoded(text[done:])])


def _token(inner: str, names: Names) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("!date^"):
        return _date_token(target.split("^"), label)
    if target.startswith("!subteam^"):
        return f"@{names.usergroup_name(target.removeprefix('!subteam^'))}"
    if target.startswith("!"):
        return f"@{target[1:]}"
    if target.startswith("@"):
        return f"@{names.user_name(target[1:])}"
    if target.startswith("#"):
        return f"#{names.channel_name(target[1:])}"
    return decoded(label or target.removeprefix("mailto:"))


def _date_token(parts: list[str], fallback: str) -> str:
    try:
        return _date(float(parts[1]), parts[2])
    except (IndexError, ValueError, OverflowError, OSError):
        return decoded(fallback)


def _date(timestamp: float, form: str) -> str:
    moment = datetime.fromtimestamp(timestamp, UTC)
    return DATE_PART.sub(lambda part: DATE_PARTS[part[1]](moment) if part[1] in DATE_PARTS else part[0], form)


def _day(moment: datetime, month: str) -> str:
    return f"{moment:{month}} {moment.day}, {moment.year}"


def _ago(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    amount = abs(seconds)
    size, unit = next(((s, u) for s, u in ((86_400, "day"), (3_600, "hour"), (60, "minute")) if amount >= s), (0, ""))
    if not size:
        return "just now" if seconds >= 0 else "in a moment"
    count = int(amount // size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


DATE_PARTS: dict[str, Callable[[datetime], str]] = {
    "date_num": lambda m: f"{m:%Y-%m-%d}",
    "date_slash": lambda m: f"{m:%m/%d/%Y}",
    "date_short": lambda m: _day(m, "%b"),
    "date_short_pretty": lambda m: _day(m, "%b"),
    "date": lambda m: _day(m, "%B"),
    "date_pretty": lambda m: _day(m, "%B"),
    "date_long": lambda m: f"{m:%A}, {_day(m, '%B')}",
    "date_long_pretty": lambda m: f"{m:%A}, {_day(m, '%B')}",
    "day_divider_pretty": lambda m: f"{m:%A}, {_day(m, '%B')}",
    "time": lambda m: f"{m:%H:%M}",
    "time_secs": lambda m: f"{m:%H:%M:%S}",
    "ago": _ago,
}


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)
