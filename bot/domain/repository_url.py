"""When two addresses mean one Git repository."""

import re
from urllib.parse import unquote, urlsplit

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^:/@\s]+):(?!//)(?P<path>[^\s]*)")


def same_repository(one: str, other: str) -> bool:
    """Whether both name the same repository.

    https, ssh, git and scp-like forms, user names, ports, a final `.git` or slash and the host's capitals make no
    difference; capitals in the path do. What cannot be read is like nothing.
    """
    place = _place(one)
    return place is not None and place == _place(other)


def _place(url: str) -> tuple[str, str] | None:
    """Host (empty for a local path) and path, both in one form."""
    text = url.strip()
    if "://" in text:
        try:
            parts = urlsplit(text)
            host, path = parts.hostname or "", unquote(parts.path)
        except ValueError:
            return None
    elif match := _SCP_LIKE.fullmatch(text):
        host, path = match["host"].strip("[]").lower(), match["path"]
    else:
        host, path = "", text
    steps = [step for step in path.split("/") if step]
    if not steps:
        return None
    steps[-1] = steps[-1].removesuffix(".git") or steps[-1]
    return host.removesuffix("."), "/".join(steps)
