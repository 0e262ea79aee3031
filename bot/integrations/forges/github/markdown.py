"""The door through which foreign text enters GitHub: made harmless, because GitHub acts on what is written there.

`@name` notifies, `#12` and addresses of issues link, and after words like "fixes" they close; a closing reference works
in a commit's message too. Escaping does not help against these, GitHub looks for them in the rendered text: a character
of no width is put in between.
"""

import re
import unicodedata

GAP = "\u200b"
"""A space of no width: not a letter, so that whatever GitHub looks for ends before it."""

_REFERENCES = (
    (re.compile(r"#(?=\d)"), f"#{GAP}"),
    (re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE), rf"\1{GAP}-"),
    (re.compile(r"://"), f":{GAP}//"),
    (re.compile(r"\b(www)\.", re.IGNORECASE), rf"\1{GAP}."),
)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=\w)")  # `image@sha256:…` and addresses of mail mention nobody
_MARKUP = re.compile(r"[\\`*_{}\[\]()>#!|~$]")
_LINE_START = re.compile(r"^(?:[-+=]|\d+(?=\.))")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def plain(text: str, *, most: int = 1000) -> str:
    """One line of Markdown that reads as `text` and is nothing else: no markup, link, mention or reference."""
    line = _without_references(one_line(text, most=most)).replace("@", f"@{GAP}")
    escaped = _MARKUP.sub(r"\\\g<0>", line).replace("&", "&amp;").replace("<", "&lt;")
    return _LINE_START.sub(_escaped_start, escaped)


def code(text: str, *, most: int = 200) -> str:
    """A code span that shows `text`, backticks as apostrophes; nothing in it is markup, a mention or a reference."""
    line = one_line(text, most=most).replace("`", "'").replace("<!", f"<{GAP}!")
    return f"`{line or '(none)'}`"


def inert(text: str) -> str:
    """Plain text of several lines, for titles and commit messages: no mentions, references or addresses."""
    lines = "\n".join(_visible(line) for line in text.split("\n"))
    return _MENTION.sub(f"@{GAP}", _without_references(lines))


def one_line(text: str, *, most: int) -> str:
    """The visible characters on one line, bounded."""
    line = " ".join(_visible(text[: 4 * most + 100]).split())  # a text of megabytes costs no more than a long line
    return line if len(line) <= most else line[: most - 1] + "…"


def _visible(text: str) -> str:
    """Without characters that cannot be seen or that turn the reading direction; breaks become spaces."""
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _INVISIBLE)


def _without_references(text: str) -> str:
    for pattern, replacement in _REFERENCES:
        text = pattern.sub(replacement, text)
    return text


def _escaped_start(found: re.Match[str]) -> str:
    """What would make a list item or a heading of the line's start."""
    start = found[0]
    return f"{start}\\" if start[0].isdigit() else f"\\{start}"
