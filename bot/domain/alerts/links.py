"""Web addresses that alerts carry: whoever writes an alert chooses them, so each is vetted before it is shown.

A link's words are ours, and beside them stands the host that it leads to; so it cannot pass for another. An address is
shown only when it is http or https, carries no credentials, and is spelled so that every reader takes the same host
from it. What is no address at all ("see the wiki") is shown as the words that it is.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

LONGEST = 2_000
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SAFE = ":/?#[]@!$&'()*+,;=%-._~"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLink:
    """`kind` is our word for it. With a `url`, `shown` is its host (and port); without, what stands there instead:
    untrusted text, or why the address is left out. `more`: how many other addresses the alerts have."""

    kind: str
    url: str | None
    shown: str
    more: int = 0


def link_of(kind: str, values: Iterable[str]) -> AlertLink | None:
    """The first of the values, in their order, with how many others there are; None of nothing."""
    distinct = tuple(dict.fromkeys(filter(None, (value.strip() for value in values))))
    if not distinct:
        return None
    url, shown = vetted(distinct[0])
    return AlertLink(kind=kind, url=url, shown=shown, more=len(distinct) - 1)


def vetted(value: str) -> tuple[str | None, str]:
    """The address, in ASCII, and its host; or None and what may be shown in its stead."""
    blank = any(character.isspace() for character in value)
    if "://" not in value and (blank or not _SCHEME.match(value)):
        return None, value
    if blank or any(unicodedata.category(character)[0] == "C" for character in value):
        return None, "left out: there are blanks or invisible characters in its address"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None, "left out: its address cannot be read"
    if "@" in parts.netloc:
        return None, "left out: its address carries credentials"
    if parts.scheme not in ("http", "https"):
        return None, "left out: its address is not http or https"
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host):
        return None, "left out: its host is not spelled plainly"
    url = quote(value, safe=_SAFE)
    if len(url) > LONGEST:
        return None, f"left out: its address is longer than {LONGEST:,} characters"
    return url, host if port is None else f"{host}:{port}"
