"""The one door from our words into Slack's markup: whatever comes from outside stays text.

Two ways out: `rich` gives elements of a rich text block, which Slack never parses, and is used wherever people read;
`mrkdwn` gives Slack's markup for the places that have nothing else (the fallback text, grey context lines).
"""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC
from typing import Any
from urllib.parse import quote, urlsplit

from bot.domain.text import Code, InChannel, Link, Mention, Moment, Part, Plain, SilenceButtons, Strong, Text

Json = dict[str, Any]

SECTION_TEXT = 2_800
"""Characters in one piece of text; Slack's limit is 3,000 and its way of counting is not documented."""

_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_DATE = "{date_short_pretty} at {time}"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029\v\f]")
_MANY_LINE_ENDS = re.compile(r"\n{3,}")
_MARKERS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
_EMPHASIS = re.compile(r"(?<![^\W_])[*_~]+|[*_~]+(?![^\W_])|`")
_EMOJI = re.compile(r":(?=[A-Za-z0-9_+'\-]+:)")
_ZERO_WIDTH = "\u200b"


def clean(text: str, most: int = SECTION_TEXT) -> str:
    """`text` without control and direction characters, at most `most` characters; a cut shows as `…`."""
    shown = _LINE_ENDS.sub("\n", text[: most * 2 + 10])
    shown = _MANY_LINE_ENDS.sub("\n\n", "".join(_harmless(character) for character in shown))
    return shown if len(shown) <= most and len(text) <= most * 2 + 10 else shown[: max(most - 1, 0)].rstrip() + "…"


def one_line(text: str, most: int = 200) -> str:
    """The same on a single line. What stands behind very many blanks is a cut too."""
    line, rest = " ".join(text[: most * 4].split()), text[most * 4 :].strip()
    return clean(f"{line}…" if rest else line, most)


def is_web_link(url: str) -> bool:
    """Whether it is http or https with a host, and nothing that could leave Slack's link markup."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 3_000
    except ValueError:
        return False


def rich(text: Text, most: int = SECTION_TEXT) -> list[Json]:
    """Elements of one `rich_text_section`; empty for an empty text."""
    return [element for part in bounded(text, most).parts if (element := _rich_element(part)) is not None]


def mrkdwn(text: Text, most: int = SECTION_TEXT) -> str:
    """Slack's markup, at most `most` characters with all that escaping adds. Formatting characters of plain pieces
    become look-alikes: there is no other escape.
    """
    made: list[str] = []
    left = most
    for part in bounded(text, most).parts:
        shown = _mrkdwn_part(part)
        if len(shown) > left - 1:
            return "".join([*made, _mrkdwn_beginning(part, left - 1), "…"])
        made.append(shown)
        left -= len(shown)
    return "".join(made)


def plain(text: Text, most: int = SECTION_TEXT) -> str:
    """For `plain_text` objects with `emoji: false`: the words alone."""
    return clean(text.plain, most)


def escaped(text: str) -> str:
    """The three characters that have a meaning of their own in Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bounded(text: Text, most: int) -> Text:
    """The text cleaned and cut at `most` characters, before anything is escaped; a cut shows as `…`."""
    parts: list[Part] = []
    left = most
    for part in text.parts:
        if left <= 0:
            return Text((*parts, Plain("…")))
        shown = _shortened(part, left)
        parts.append(shown)
        left -= len(Text((shown,)).plain)
    return Text(tuple(parts))


def _shortened(part: Part, most: int) -> Part:
    match part:
        case Plain(text=text):
            return Plain(clean(text, most))
        case Strong(text=text):
            return Strong(clean(text, most))
        case Code(text=text):
            return Code(clean(" ".join(text.splitlines()), most))
        case Link(url=url, label=label):
            return Link(url, one_line(label or url, min(most, 300)))
        case _:
            return part


def _harmless(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return " "
    if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI:
        return "\ufffd"
    if "\U000e0000" <= character <= "\U000e007f":  # invisible tags
        return ""
    return character


def _rich_element(part: Part) -> Json | None:
    match part:
        case Plain():
            return _rich_text(part.text)
        case Strong():
            return _rich_text(part.text, bold=True)
        case Code():
            return _rich_text(part.text, code=True)
        case Mention():
            if _USER.fullmatch(part.id):
                return {"type": "user", "user_id": part.id}
            if _GROUP.fullmatch(part.id):
                return {"type": "usergroup", "usergroup_id": part.id}
            return _rich_text(f"@{one_line(part.id, 80)}")
        case InChannel():
            if _CHANNEL.fullmatch(part.id):
                return {"type": "channel", "channel_id": part.id}
            return _rich_text(f"#{one_line(part.id, 80)}")
        case Link():
            if is_web_link(part.url):
                return {"type": "link", "url": _quoted(part.url), "text": part.label or part.url}
            return _rich_text(part.label)
        case Moment():
            return {"type": "date", "timestamp": int(part.at.timestamp()), "format": _DATE, "fallback": _utc(part)}
        case SilenceButtons():  # a block of its own: see `bot/slack/blocks/message.py`
            return None


def _rich_text(text: str, **style: bool) -> Json | None:
    if not text:
        return None
    return {"type": "text", "text": text, "style": style} if style else {"type": "text", "text": text}


def _mrkdwn_beginning(part: Part, most: int) -> str:
    """As much of a piece as fits, cut before it is escaped; of what cannot be cut, nothing."""
    if not isinstance(part, Plain | Strong | Code):
        return ""
    length = min(len(part.text), most)
    while length > 0:
        shown = _mrkdwn_part(replace(part, text=part.text[:length].rstrip()))
        if len(shown) <= most:
            return shown
        length = min(length - 1, length * most // len(shown))
    return ""


def _mrkdwn_part(part: Part) -> str:
    match part:
        case Plain():
            return _unformatted(part.text)
        case Strong():
            return f"*{_unformatted(' '.join(part.text.split()))}*" if part.text.strip() else ""
        case Code():
            inner = part.text.replace("`", "ˋ").strip()
            return f"`{escaped(inner)}`" if inner else ""
        case Mention():
            if _USER.fullmatch(part.id):
                return f"<@{part.id}>"
            return f"<!subteam^{part.id}>" if _GROUP.fullmatch(part.id) else _unformatted(f"@{one_line(part.id, 80)}")
        case InChannel():
            return f"<#{part.id}>" if _CHANNEL.fullmatch(part.id) else _unformatted(f"#{one_line(part.id, 80)}")
        case Link():
            shown = _unformatted(part.label).replace("|", "∣")
            return f"<{escaped(_quoted(part.url))}|{shown}>" if is_web_link(part.url) else shown
        case SilenceButtons():
            return ""
        case Moment():
            return f"<!date^{int(part.at.timestamp())}^{_DATE}|{_utc(part)}>"


def _unformatted(text: str) -> str:
    """Markers at the edge of a word become look-alikes; inside a word (`snake_case`) they format nothing and stay."""
    text = _EMPHASIS.sub(lambda found: found[0].translate(_MARKERS), text)
    text = _EMOJI.sub(f":{_ZERO_WIDTH}", text)
    lines = (f"{_ZERO_WIDTH}{line}" if line.startswith(">") else line for line in text.split("\n"))
    return escaped("\n".join(lines))


def _quoted(url: str) -> str:
    """The address with everything encoded that Slack's markup or a reader could take for something else."""
    return quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")


def _utc(moment: Moment) -> str:
    return f"{moment.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
