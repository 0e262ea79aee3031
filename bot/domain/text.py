"""What we say to people, before any chat system's markup: plain pieces and the few things that must not be plain.

Pieces that come from outside (commit messages, labels, typed reasons, Argo CD's words) are `Plain` or `Code`: they
never become a link, a mention or a command, whatever they contain.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.domain.alerts.silence import SilenceRef
from bot.domain.identity import ChannelId, GroupId, UserId


@dataclass(frozen=True, slots=True)
class Plain:
    text: str
    type: Literal["plain"] = "plain"


@dataclass(frozen=True, slots=True)
class Strong:
    text: str
    type: Literal["strong"] = "strong"


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    type: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Mention:
    """A person or a user group by an id that we looked up or that the configuration names. It may ping."""

    id: UserId | GroupId
    type: Literal["mention"] = "mention"


@dataclass(frozen=True, slots=True)
class Link:
    """A link built from our own configuration or a forge's API; `url` is http or https.

    Addresses out of alerts come through `bot/domain/alerts/links.py`, and their label names the host.
    """

    url: str
    label: str
    type: Literal["link"] = "link"


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time that each reader sees in his own zone."""

    at: datetime
    type: Literal["moment"] = "moment"


@dataclass(frozen=True, slots=True)
class InChannel:
    """A channel of the workspace, shown as a link to it."""

    id: ChannelId
    type: Literal["channel"] = "channel"


@dataclass(frozen=True, slots=True)
class SilenceButtons:
    """Where the chat has buttons: those that extend and end a silence, below the line that ends here. No words."""

    silence: SilenceRef
    type: Literal["silence"] = "silence"


Part = Plain | Strong | Code | Mention | Link | Moment | InChannel | SilenceButtons


@dataclass(frozen=True, slots=True)
class Text:
    """A sequence of parts, read one after another."""

    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, *pieces: "str | Part | Text") -> "Text":
        """Join pieces; a `str` is plain text."""
        parts: list[Part] = []
        for piece in pieces:
            match piece:
                case str():
                    parts.append(Plain(piece))
                case Text():
                    parts.extend(piece.parts)
                case _:
                    parts.append(piece)
        return cls(tuple(parts))

    @property
    def plain(self) -> str:
        """The words alone, for logs and audit entries."""
        return "".join(_plain(part) for part in self.parts)


def _plain(part: Part) -> str:
    match part:
        case Plain() | Strong() | Code():
            return part.text
        case Mention():
            return f"@{part.id}"
        case InChannel():
            return f"#{part.id}"
        case SilenceButtons():
            return ""
        case Link():
            return part.label
        case Moment():
            return part.at.strftime("%Y-%m-%d %H:%M UTC")


def marked(words: str) -> Text:
    """Words in which backticks mark what is typed as it stands: that is code, and the backticks are gone. One that has
    no other half stays as it is."""
    *pairs, last = re.split(r"`([^`]*)`", words)
    pieces = [Code(piece) if number % 2 else Plain(piece) for number, piece in enumerate(pairs)]
    return Text(tuple(piece for piece in (*pieces, Plain(last)) if piece.text))


def listed(words: tuple[str, ...], *, most: int = 5) -> str:
    """`a, b and c`; beyond `most` the rest is counted: `a, b and 7 more`."""
    shown = list(words[:most])
    if len(words) > most:
        shown.append(f"{len(words) - most} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}" if shown else ""


def shortened(text: str, most: int) -> str:
    """On one line of at most `most` characters; a cut shows as `…`. Of long text only the beginning is looked at."""
    line, rest = " ".join(text[: most * 4].split()), text[most * 4 :].strip()
    return f"{line[: most - 1]}…" if rest or len(line) > most else line


def readable(path: str) -> str:
    """A path from Git as text: bytes that are not UTF-8 (kept as surrogate escapes) are shown as `\\xff`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 commit`, `3 commits`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def spoken(length: timedelta) -> str:
    """`45 s`, `6 min`, `3 h 5 min`, `2 days 4 h`: the two greatest units, the rest is left out."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return counted(days, "day") + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min" if minutes else f"{seconds} s"
