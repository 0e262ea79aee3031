"""Commit objects as Git stores them, read into `Commit`."""

import re
from datetime import UTC, datetime

from bot.domain.identity import Revision
from bot.ports import Commit

_PERSON = re.compile(r"^(?P<name>.*?)\s*<(?P<email>[^>]*)>(?:.*?\s(?P<time>-?\d+)(?:\s+[-+]?\d+)?)?\s*$", re.DOTALL)


def parse_commit(revision: str, data: bytes) -> Commit:
    """Read a raw commit object. Odd old commits (no date, other encodings) are read as well as can be."""
    head, _, message = data.partition(b"\n\n")
    headers: dict[str, list[bytes]] = {}
    for line in head.split(b"\n"):
        if not line.startswith(b" "):  # else the continuation of a signature
            key, _, value = line.partition(b" ")
            headers.setdefault(key.decode("ascii", "replace"), []).append(value)
    encoding = headers.get("encoding", [b"utf-8"])[0].decode("ascii", "replace")
    author, author_email, _ = _person(headers.get("author", [b""])[0], encoding)
    committer, committer_email, at = _person(headers.get("committer", [b""])[0], encoding)
    text = _decode(message, encoding)
    subject, _, body = text.strip("\n").partition("\n\n")
    return Commit(
        revision=Revision(revision),
        parents=tuple(Revision(parent.decode("ascii", "replace")) for parent in headers.get("parent", [])),
        tree=headers.get("tree", [b""])[0].decode("ascii", "replace"),
        author=author,
        author_email=author_email,
        committer=committer,
        committer_email=committer_email,
        committed_at=at,
        subject=" ".join(subject.split("\n")).strip(),
        body=body.strip("\n"),
    )


def _person(raw: bytes, encoding: str) -> tuple[str, str, datetime]:
    text = _decode(raw, encoding)
    found = _PERSON.match(text)
    if found is None:
        return text.strip(), "", datetime.fromtimestamp(0, UTC)
    try:
        at = datetime.fromtimestamp(int(found["time"] or 0), UTC)
    except (ValueError, OverflowError, OSError):
        at = datetime.fromtimestamp(0, UTC)
    return found["name"], found["email"], at


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return raw.decode("utf-8", "replace")
